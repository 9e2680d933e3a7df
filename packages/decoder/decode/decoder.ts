/**
 * Generation with a key/value cache, and scoring of given responses.
 *
 * Rows of different lengths share a batch, padded on the right; each row's cache is dense, so a batch
 * gives every row what it would get alone. A finished row leaves at once and a waiting prompt takes
 * its place. Knows token ids; does not know text, templates or rules (those are `LogitsProcessor`s).
 */
import type { Session } from "@implicit/engine";
import type { Model } from "../model/checkpoint.ts";
import type { ModelConfig } from "../model/config.ts";
import { blockFormat } from "./block_format.ts";
import { KeyValueCache } from "./cache.ts";
import { CachedRuns } from "./cached_runs.ts";
import { type GenerateOptions, type Row, startRows, tokenChooser } from "./generation.ts";
import type { KeyValues } from "./graph.ts";
import { float32Format } from "./graph_builder.ts";
import type { LogitsProcessor } from "./processor.ts";
import { type Scored, scorePairs } from "./score.ts";
import { createSession } from "./session.ts";

export type { Scored } from "./score.ts";

/** A model ready to generate and to score. */
export interface Decoder {
  readonly model: Model;
  /** The response of each prompt, without EOS. */
  generate(
    prompts: readonly (readonly number[])[],
    options?: GenerateOptions,
  ): Promise<number[][]>;
  /** Log-probability (natural) of each response's tokens given its prompt, under `processors` if any. */
  score(
    pairs: readonly { prompt: readonly number[]; response: readonly number[] }[],
    options?: Pick<GenerateOptions, "processors">,
  ): Promise<Scored[]>;
  /** Frees the model's memory. */
  dispose(): void;
}

/** How a decoder runs, and what adapts its model. */
export interface DecoderOptions {
  /** Default: all cores. */
  readonly threads?: number;
  /**
   * fp32 (default) as they are; q8 in blocks of 8 bits, a quarter of the memory to read at every
   * token: about as much faster, and other tokens where two are almost equally likely.
   */
  readonly weights?: WeightType;
  /** Rows at a time, default 32. */
  readonly batchSize?: number;
  /** Stands before every sequence, whose positions still begin at 0; takes nothing of the context. */
  readonly prefix?: KeyValues;
  /** Applied at every step of generating and scoring, before those of a call. */
  readonly processors?: readonly LogitsProcessor[];
}

/** How a decoder holds the matrices of its model. */
export type WeightType = "fp32" | "q8";

/** Most tokens that enter in one run; bounds the memory of attention over long prompts. */
const PREFILL_TOKENS = 4096;

/**
 * Makes a model ready to generate and score.
 *
 * @throws if the prefix is not of the model's shape.
 * @example
 * const decoder = await createDecoder(await loadCheckpoint("data/world/base-1"));
 * const [response] = await decoder.generate([tokenizer.encode("Once")], { maxTokens: 20 });
 * decoder.dispose();
 */
export async function createDecoder(
  model: Model,
  options: DecoderOptions = {},
): Promise<Decoder> {
  const { threads, prefix } = options;
  if (prefix) checkPrefix(prefix, model.config);
  const weights = options.weights === "q8" ? blockFormat(8) : float32Format;
  const session = await createSession(model, "generate", { threads, prefix, weights });
  const scorers = new Map<"score" | "logits", Promise<Session>>(); // most decoders never score
  const allProcessors = (more: readonly LogitsProcessor[] = []) => [
    ...options.processors ?? [],
    ...more,
  ];
  return {
    model,
    generate(prompts, given = {}) {
      const processors = allProcessors(given.processors);
      return generate(session, model, options, prompts, { ...given, processors });
    },
    async score(pairs, given = {}) {
      const processors = allProcessors(given.processors);
      const use = processors.length > 0 ? "logits" : "score";
      const scorer = scorers.get(use) ?? createSession(model, use, { threads, prefix, weights });
      scorers.set(use, scorer);
      const settings = { config: model.config, prefix: prefix?.length, processors };
      return await scorePairs(await scorer, pairs, settings);
    },
    dispose() {
      session.dispose();
      for (const scorer of scorers.values()) {
        scorer.then((one) => one.dispose(), () => {}); // a failed creation was reported by score()
      }
    },
  };
}

/** @throws unless there are keys and values for every layer of `config`. */
function checkPrefix({ length, layers }: KeyValues, config: ModelConfig): void {
  const size = length * config.kvHeads * config.headDim;
  const fits = layers.every(({ keys, values }) => keys.length === size && values.length === size);
  if (layers.length === config.layers && fits) return;
  throw new Error(
    `Expected a prefix of ${config.layers} layers with ${size} keys and values each (${length} ` +
      `positions, ${config.kvHeads} heads of ${config.headDim}) but found ${layers.length} layers ` +
      `with ${layers[0]?.keys.length}. Was it trained on another base?`,
  );
}

async function generate(
  session: Session,
  { config }: Model,
  settings: DecoderOptions,
  prompts: readonly (readonly number[])[],
  options: GenerateOptions,
): Promise<number[][]> {
  const { batchSize = 32 } = settings;
  const prefix = settings.prefix?.length ?? 0;
  const rows = startRows(prompts, config, options);
  const chooseToken = tokenChooser(config, options);
  const capacity = rows.reduce((most, row) => Math.max(most, row.limit), 0);
  const cache = new KeyValueCache(config, Math.min(batchSize, rows.length), prefix + capacity);
  const runs = new CachedRuns(session, config, cache, prefix);
  const waiting = rows.filter((row) => row.limit > row.promptLength)
    .sort((a, b) => a.promptLength - b.promptLength).reverse(); // alike lengths enter together
  const active: Row[] = [];

  /** Chooses the next token of the rows from `first` on; finished rows leave. */
  const choose = (first: number) => {
    for (let slot = active.length - 1; slot >= first; slot--) {
      const row = active[slot]!;
      const from = (slot - first) * config.vocabSize;
      const scores = runs.logits.subarray(from, from + config.vocabSize);
      if (chooseToken(row, scores)) {
        const last = active.pop()!;
        if (slot < active.length) { // the last row takes its place
          active[slot] = last;
          cache.move(active.length, slot);
        }
      }
    }
  };
  try {
    while (active.length + waiting.length > 0) {
      options.signal?.throwIfAborted();
      const free = cache.rows - active.length;
      if (waiting.length > 0 && (active.length === 0 || free >= cache.rows / 4)) {
        const first = active.length;
        const longest = waiting[0]!.promptLength;
        const count = Math.min(free, Math.max(1, Math.floor(PREFILL_TOKENS / longest)));
        active.push(...waiting.splice(0, count));
        await runs.begin(first, active.slice(first).map(({ ids }) => ids));
        choose(first);
      } else {
        await runs.step(active.map(({ ids }) => ids));
        choose(0);
      }
    }
  } finally {
    runs.dispose();
  }
  return rows.map((row) => row.ids.slice(row.promptLength));
}
