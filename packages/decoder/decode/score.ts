/**
 * Log-probabilities of given responses under their prompts (paper section 4.2, equation 3).
 *
 * Pairs of alike length share a batch; only the positions that predict a response token reach the
 * output head. Knows token ids; does not know what is compared with what.
 */
import type { Session } from "@implicit/engine";
import type { ModelConfig } from "../model/config.ts";
import type { LogitsProcessor } from "./processor.ts";
import { int32, rowInputs } from "./rows.ts";
import { logprob } from "./sample.ts";

/** Log-probability (natural) of a response: its tokens' sum, and their mean. */
export interface Scored {
  readonly sum: number;
  readonly mean: number;
  readonly tokens: number;
}

/** Most tokens, padding included, and most logits in one run. */
const BATCH_TOKENS = 2048;
const BATCH_LOGITS = 2 ** 24;

/** A model to score with, and what changes its logits. */
interface Scorer {
  readonly config: ModelConfig;
  /** Positions of the prefix that the session was made with, default 0. */
  readonly prefix?: number;
  readonly processors: readonly LogitsProcessor[];
}

/** A pair's ids, of which those from `start` on are the response. */
interface Row {
  readonly index: number;
  readonly ids: readonly number[];
  readonly start: number;
}

/**
 * Scores each pair with a session made for `score`, or for `logits` where there are processors.
 *
 * @throws if there are no pairs, or a prompt or response is empty, longer together than the context,
 *   or holds an id outside the vocabulary.
 */
export async function scorePairs(
  session: Session,
  pairs: readonly { prompt: readonly number[]; response: readonly number[] }[],
  scorer: Scorer,
): Promise<Scored[]> {
  const { config } = scorer;
  if (pairs.length === 0) throw new Error("Expected at least one pair but found an empty batch.");
  const rows = pairs.map(({ prompt, response }, index): Row => {
    checkIds(prompt, config.vocabSize, `prompt ${index}`);
    checkIds(response, config.vocabSize, `response ${index}`);
    const ids = [...prompt, ...response];
    // The last token is predicted but never read, so one more than the context fits.
    if (ids.length - 1 > config.contextLength) {
      throw new Error(
        `Expected prompt and response ${index} to fit the model's context of ` +
          `${config.contextLength} tokens but found ${ids.length}. Truncate the response.`,
      );
    }
    return { index, ids, start: prompt.length };
  }).sort((a, b) => a.ids.length - b.ids.length);

  const scores = new Array<Scored>(pairs.length);
  for (let from = 0; from < rows.length;) {
    let to = from, targets = 0;
    while (to < rows.length) {
      const next = rows[to]!;
      const more = targets + next.ids.length - next.start;
      const tokens = (to + 1 - from) * (next.ids.length - 1);
      const full = tokens > BATCH_TOKENS || more * config.vocabSize > BATCH_LOGITS;
      if (full && to > from) break;
      targets = more;
      to++;
    }
    const batch = rows.slice(from, to);
    const logprobs = await score(session, batch, scorer);
    let at = 0;
    for (const { index, ids, start } of batch) {
      const tokens = ids.length - start;
      let sum = 0;
      for (let i = 0; i < tokens; i++) sum += logprobs[at++]!;
      scores[index] = { sum, mean: sum / tokens, tokens };
    }
    from = to;
  }
  return scores;
}

/** The log-probability of every response token of a batch, row after row. */
async function score(
  session: Session,
  batch: readonly Row[],
  { config, prefix, processors }: Scorer,
): Promise<Float32Array> {
  const longest = batch[batch.length - 1]!.ids.length - 1; // sorted: the last is the longest
  const { inputs, length, first } = rowInputs(
    batch.map(({ ids }) => ids.slice(0, longest)),
    prefix,
  );
  const targets = batch.flatMap(({ ids, start }) => ids.slice(start));
  const count = targets.length;
  const rows = batch.flatMap(({ ids, start }, i) =>
    ids.slice(start).map((_, t) => i * length + first + start + t - 1)
  );
  const read = { ...inputs, rows: int32([count], Int32Array.from(rows)) };
  const logprobs = new Float32Array(count);
  if (processors.length === 0) {
    const data = BigInt64Array.from(targets, BigInt);
    await session.run(
      { ...read, targets: { dtype: "int64", shape: [count, 1], data } },
      { logprobs: { dtype: "float32", shape: [count, 1], data: logprobs } },
    );
    return logprobs;
  }
  const { vocabSize } = config;
  const logits = new Float32Array(count * vocabSize);
  await session.run(read, {
    logits: { dtype: "float32", shape: [count, vocabSize], data: logits },
  });
  let at = 0;
  for (const { index, ids, start } of batch) {
    const before = ids.slice(0, start);
    for (const target of ids.slice(start)) {
      const scores = logits.subarray(at * vocabSize, (at + 1) * vocabSize);
      const context = { row: index, ids: before, promptLength: start };
      for (const process of processors) process(scores, context);
      logprobs[at++] = logprob(scores, target);
      before.push(target);
    }
  }
  return logprobs;
}

/** @throws unless `ids` is a list of at least one id of the vocabulary. */
export function checkIds(ids: readonly number[], vocabSize: number, what: string): void {
  if (ids.length === 0) {
    throw new Error(`Expected ${what} to have at least one token but found none. Add a BOS token.`);
  }
  const bad = ids.find((id) => !Number.isInteger(id) || id < 0 || id >= vocabSize);
  if (bad !== undefined) {
    throw new Error(
      `Expected the ids of ${what} to lie in the model's vocabulary of ${vocabSize} but found ` +
        `${bad}. Is the tokenizer the model's own?`,
    );
  }
}
