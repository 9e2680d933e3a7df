/**
 * Generation with a key/value cache, and scoring of given responses.
 *
 * Rows of different lengths share a batch, padded on the right; each row's cache is dense, so a batch
 * gives every row what it would get alone. A finished row leaves at once and a waiting prompt takes
 * its place. Knows token ids; does not know text, templates or rules (those are `LogitsProcessor`s).
 */
import type { Session } from "@implicit/engine";
import type { Model } from "../model/checkpoint.ts";
import { KeyValueCache } from "./cache.ts";
import { createSampler } from "./sample.ts";
import { checkIds, type Scored, scorePairs } from "./score.ts";
import { createSession } from "./session.ts";

export type { Scored } from "./score.ts";

/** Where a row stands: its prompt and response so far, of which `promptLength` ids are the prompt. */
export interface StepContext {
  readonly row: number;
  readonly ids: readonly number[];
  readonly promptLength: number;
}

/** Edits the logits [vocabulary] of a row's next token in place. */
export type LogitsProcessor = (logits: Float32Array, context: StepContext) => void;

/** How responses are generated; the default is greedy, until EOS or the end of the context. */
export interface GenerateOptions {
  /** Most tokens of a response. Default: what the context leaves. */
  maxTokens?: number;
  /** EOS is not chosen before this many tokens. */
  minTokens?: number;
  /** 0 (default) takes the most likely token; otherwise logits are divided by it and a token drawn. */
  temperature?: number;
  /** Draw only from the most likely tokens that together have this probability. Default 1. */
  topP?: number;
  /** Of the draws; each row has its own stream. Default 0. */
  seed?: number;
  /** Ends a response; default: the model's own. null: nothing does. */
  eosId?: number | null;
  /** Applied in turn before a token is chosen. */
  processors?: readonly LogitsProcessor[];
  /** Called for each token as it is chosen (not for EOS). */
  onToken?: (row: number, id: number) => void;
  /** Aborting rejects with the signal's reason, after the step under way. */
  signal?: AbortSignal;
}

/** A model ready to generate and to score. */
export interface Decoder {
  readonly model: Model;
  /** The response of each prompt, without EOS. */
  generate(
    prompts: readonly (readonly number[])[],
    options?: GenerateOptions,
  ): Promise<number[][]>;
  /** Log-probability (natural) of each response's tokens given its prompt. */
  score(
    pairs: readonly { prompt: readonly number[]; response: readonly number[] }[],
  ): Promise<Scored[]>;
  /** Frees the model's memory. */
  dispose(): void;
}

/** A prompt's row while it is generated. */
interface Row {
  readonly index: number;
  readonly ids: number[];
  readonly promptLength: number;
  readonly limit: number;
}

/** Most tokens that enter in one run; bounds the memory of attention over long prompts. */
const PREFILL_TOKENS = 4096;

/**
 * Makes a model ready to generate and score.
 *
 * @param options.threads default: all cores
 * @param options.batchSize rows at a time, default 32
 * @example
 * const decoder = await createDecoder(await loadCheckpoint("data/world/base-1"));
 * const [response] = await decoder.generate([tokenizer.encode("Once")], { maxTokens: 20 });
 * decoder.dispose();
 */
export async function createDecoder(
  model: Model,
  options: { threads?: number; batchSize?: number } = {},
): Promise<Decoder> {
  const { threads, batchSize = 32 } = options;
  const session = await createSession(model, "generate", { threads });
  let scorer: Promise<Session> | undefined; // most decoders never score
  return {
    model,
    generate: (prompts, options = {}) => generate(session, model, batchSize, prompts, options),
    async score(pairs) {
      scorer ??= createSession(model, "score", { threads });
      return await scorePairs(await scorer, model.config, pairs);
    },
    dispose() {
      session.dispose();
      scorer?.then((one) => one.dispose(), () => {}); // a failed creation was reported by score()
    },
  };
}

async function generate(
  session: Session,
  { config }: Model,
  batchSize: number,
  prompts: readonly (readonly number[])[],
  options: GenerateOptions,
): Promise<number[][]> {
  const rows = prompts.map((prompt, index): Row => {
    checkIds(prompt, config.vocabSize, `prompt ${index}`);
    const room = config.contextLength - prompt.length;
    if (room < 1) {
      throw new Error(
        `Expected prompt ${index} to be shorter than the model's context of ` +
          `${config.contextLength} tokens but found ${prompt.length}. Shorten it.`,
      );
    }
    const limit = prompt.length + Math.min(options.maxTokens ?? room, room);
    return { index, ids: [...prompt], promptLength: prompt.length, limit };
  });
  if (rows.length === 0) throw new Error("Expected at least one prompt but found an empty batch.");

  const eosIds = options.eosId === undefined
    ? config.eosIds
    : options.eosId === null
    ? []
    : [options.eosId];
  const sample = createSampler(options);
  const capacity = rows.reduce((most, row) => Math.max(most, row.limit), 0);
  const cache = new KeyValueCache(config, Math.min(batchSize, rows.length), capacity);
  const waiting = rows.filter((row) => row.limit > row.promptLength)
    .sort((a, b) => a.promptLength - b.promptLength).reverse(); // alike lengths enter together
  const active: Row[] = [];
  const logits = new Float32Array(cache.rows * config.vocabSize);

  /** Chooses the next token of the rows from `first` on; finished rows leave. */
  const choose = (first: number) => {
    for (let slot = active.length - 1; slot >= first; slot--) {
      const row = active[slot]!;
      const from = (slot - first) * config.vocabSize;
      const scores = logits.subarray(from, from + config.vocabSize);
      const made = row.ids.length - row.promptLength;
      const context = { row: row.index, ids: row.ids, promptLength: row.promptLength };
      for (const process of options.processors ?? []) process(scores, context);
      if (made < (options.minTokens ?? 0)) { for (const id of eosIds) scores[id] = -Infinity; }
      const id = sample(scores, row.index);
      const ended = eosIds.includes(id);
      if (!ended) {
        row.ids.push(id);
        options.onToken?.(row.index, id);
      }
      if (ended || row.ids.length === row.limit) {
        const last = active.pop()!;
        if (slot < active.length) { // the last row takes its place
          active[slot] = last;
          cache.move(active.length, slot);
        }
      }
    }
  };

  while (active.length + waiting.length > 0) {
    options.signal?.throwIfAborted();
    const free = cache.rows - active.length;
    if (waiting.length > 0 && (active.length === 0 || free >= cache.rows / 4)) {
      const first = active.length;
      const longest = waiting[0]!.promptLength;
      const count = Math.min(free, Math.max(1, Math.floor(PREFILL_TOKENS / longest)));
      active.push(...waiting.splice(0, count));
      await forward(session, cache, active, first, logits, config.vocabSize);
      choose(first);
    } else {
      await forward(session, cache, active, 0, logits, config.vocabSize, true);
      choose(0);
    }
  }
  return rows.map((row) => row.ids.slice(row.promptLength));
}

/** Runs the rows from `first` on: their last token after a cache (`step`), or all of their prompt. */
async function forward(
  session: Session,
  cache: KeyValueCache,
  active: readonly Row[],
  first: number,
  logits: Float32Array,
  vocabSize: number,
  step = false,
): Promise<void> {
  const rows = active.slice(first);
  const total = rows.reduce((most, row) => Math.max(most, row.ids.length), 0);
  const length = step ? 1 : total;
  const ids = new Int32Array(rows.length * length); // padding is id 0; nothing reads what it gives
  const positions = new BigInt64Array(rows.length * length);
  const lengths = new Int32Array(rows.length);
  const last = new Int32Array(rows.length);
  rows.forEach((row, i) => {
    const start = step ? row.ids.length - 1 : 0;
    for (let t = 0; t < length; t++) {
      ids[i * length + t] = row.ids[start + t] ?? 0;
      positions[i * length + t] = BigInt(start + t);
    }
    lengths[i] = row.ids.length - 1;
    last[i] = i * length + row.ids.length - start - 1;
  });
  const { inputs, outputs } = cache.tensors(first, rows.length);
  const int32 = (shape: number[], data: Int32Array) => ({ dtype: "int32" as const, shape, data });
  await session.run(
    {
      input_ids: int32([rows.length, length], ids),
      position_ids: { dtype: "int64", shape: [rows.length, length], data: positions },
      lengths: int32([rows.length], lengths),
      total: int32([], Int32Array.of(total)),
      rows: int32([rows.length], last),
      ...inputs,
    },
    {
      logits: {
        dtype: "float32",
        shape: [rows.length, vocabSize],
        data: logits.subarray(0, rows.length * vocabSize),
      },
      ...outputs,
    },
  );
}
