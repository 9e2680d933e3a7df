/**
 * Log-probabilities of given responses under their prompts (paper section 4.2, equation 3).
 *
 * Pairs of alike length share a batch; only the positions that predict a response token reach the
 * output head. Knows token ids; does not know what is compared with what.
 */
import type { Session } from "@implicit/engine";
import type { ModelConfig } from "../model/config.ts";

/** Log-probability (natural) of a response: its tokens' sum, and their mean. */
export interface Scored {
  readonly sum: number;
  readonly mean: number;
  readonly tokens: number;
}

/** Most tokens, padding included, and most logits in one run. */
const BATCH_TOKENS = 2048;
const BATCH_LOGITS = 2 ** 24;

/**
 * Scores each pair with a session made for `score`.
 *
 * @throws if there are no pairs, or a prompt or response is empty, longer together than the context,
 *   or holds an id outside the vocabulary.
 */
export async function scorePairs(
  session: Session,
  config: ModelConfig,
  pairs: readonly { prompt: readonly number[]; response: readonly number[] }[],
): Promise<Scored[]> {
  if (pairs.length === 0) throw new Error("Expected at least one pair but found an empty batch.");
  const rows = pairs.map(({ prompt, response }, index) => {
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
    const logprobs = await score(session, batch, targets);
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
  batch: readonly { ids: readonly number[]; start: number }[],
  count: number,
): Promise<Float32Array> {
  const length = batch[batch.length - 1]!.ids.length - 1; // sorted: the last is the longest
  const ids = new Int32Array(batch.length * length);
  const positions = new BigInt64Array(batch.length * length);
  const rows = new Int32Array(count), targets = new BigInt64Array(count);
  let at = 0;
  batch.forEach((row, i) => {
    for (let t = 0; t < length; t++) {
      ids[i * length + t] = row.ids[t] ?? 0;
      positions[i * length + t] = BigInt(t);
    }
    for (let t = row.start; t < row.ids.length; t++) {
      rows[at] = i * length + t - 1;
      targets[at++] = BigInt(row.ids[t]!);
    }
  });
  const logprobs = new Float32Array(count);
  const lengths = Int32Array.from(batch, (row) => Math.min(row.ids.length, length) - 1);
  const int32 = (shape: number[], data: Int32Array) => ({ dtype: "int32" as const, shape, data });
  await session.run({
    input_ids: int32([batch.length, length], ids),
    position_ids: { dtype: "int64", shape: [batch.length, length], data: positions },
    lengths: int32([batch.length], lengths),
    total: int32([], Int32Array.of(length)),
    rows: int32([count], rows),
    targets: { dtype: "int64", shape: [count, 1], data: targets },
  }, { logprobs: { dtype: "float32", shape: [count, 1], data: logprobs } });
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
