/**
 * Batches: rows of token ids with a label mask, all of one length.
 *
 * Which examples a step sees follows from (seed, step) alone, so a training run can be taken up at
 * any step without having stored its place in the data. Knows nothing of models or losses.
 */
import { uniformInt } from "pure-rand/distribution/uniformInt";
import { xoroshiro128plus } from "pure-rand/generator/xoroshiro128plus";
import type { EncodedExample } from "./example.ts";
import { IGNORED } from "./ignored.ts";

/** `[rows, length]` row-major; padded on the right; labels are not shifted and are −100 on padding. */
export interface Batch {
  readonly ids: Int32Array;
  readonly labels: Int32Array;
  readonly rows: number;
  readonly length: number;
}

/** A batch of one step, with the places its rows have in the list of examples (padding rows: none). */
export interface StepBatch extends Batch {
  readonly examples: readonly number[];
}

/** The batches of one step: several where gradients are accumulated. Steps count from 0. */
export type StepBatches = (step: number) => readonly StepBatch[];

/**
 * Pads examples on the right, with id 0, to a multiple of `multiple` tokens, so that few distinct
 * shapes occur (every shape is compiled once). That changes no loss: a causal model never looks to the
 * right, and padding carries no label.
 *
 * @throws where there is no example, or one whose ids and labels differ in length.
 * @example
 * padBatch([{ ids: [1, 5, 2], labels: [-100, 5, 2] }], { multiple: 4 }); // rows 1, length 4
 */
export function padBatch(
  examples: readonly EncodedExample[],
  { multiple = 32, maxLength = Infinity }: { multiple?: number; maxLength?: number } = {},
): Batch {
  const rows = examples.length;
  if (rows === 0) throw new Error("Expected at least one example in a batch, but found none.");
  const longest = examples.reduce((most, { ids }) => Math.max(most, ids.length), 1);
  if (longest > maxLength) {
    throw new Error(
      `Expected examples of at most ${maxLength} tokens, but found one of ${longest}: ` +
        `truncate it with encodeExample's maxLength.`,
    );
  }
  const length = Math.min(Math.ceil(longest / multiple) * multiple, maxLength);
  const ids = new Int32Array(rows * length);
  const labels = new Int32Array(rows * length).fill(IGNORED);
  examples.forEach((example, row) => {
    if (example.ids.length !== example.labels.length) {
      throw new Error(
        `Expected as many labels as ids in example ${row}, but found ${example.labels.length} ` +
          `labels for ${example.ids.length} ids.`,
      );
    }
    ids.set(example.ids, row * length);
    labels.set(example.labels, row * length);
  });
  return { ids, labels, rows, length };
}

/** A permutation of 0 … count − 1 (Fisher–Yates), the same for the same seed and epoch. */
export function shuffledOrder(count: number, seed: number, epoch: number): Uint32Array {
  const random = xoroshiro128plus((seed ^ Math.imul(epoch + 1, 0x9e3779b1)) | 0);
  const order = Uint32Array.from({ length: count }, (_, index) => index);
  for (let last = count - 1; last > 0; last--) {
    const other = uniformInt(random, 0, last);
    [order[last], order[other]] = [order[other]!, order[last]!];
  }
  return order;
}

/** Draws without end: epoch after epoch, each in its own order. Place `n` is in epoch ⌊n / count⌋. */
function endlessOrder(count: number, seed: number): (place: number) => number {
  let epoch = -1;
  let order: Uint32Array = new Uint32Array();
  return (place) => {
    const wanted = Math.floor(place / count);
    if (wanted !== epoch) {
      epoch = wanted;
      order = shuffledOrder(count, seed, epoch);
    }
    return order[place % count]!;
  };
}

/**
 * Batches for tuning: each step takes the next `batchSize × accumulate` examples of the shuffled
 * order (every example once an epoch, whatever its length), sorts those by length and cuts them
 * into `accumulate` batches, so that short examples are padded little.
 *
 * @param options.multiple lengths are rounded up to a multiple of this many tokens
 * @throws where there are no examples.
 * @example
 * const batches = tuningBatches(examples, { batchSize: 16, seed: 1 });
 * const [batch] = batches(0); // the first step's only batch, 16 rows
 */
export function tuningBatches(
  examples: readonly EncodedExample[],
  options: {
    batchSize: number;
    seed: number;
    accumulate?: number;
    multiple?: number;
    maxLength?: number;
  },
): StepBatches {
  const { batchSize, seed, accumulate = 1 } = options;
  if (examples.length === 0) throw new Error("Expected examples to tune on, but found none.");
  const order = endlessOrder(examples.length, seed);
  const perStep = batchSize * accumulate;
  return (step) => {
    const chosen = Array.from({ length: perStep }, (_, index) => order(step * perStep + index))
      .sort((a, b) => examples[a]!.ids.length - examples[b]!.ids.length || a - b);
    return Array.from({ length: accumulate }, (_, part) => {
      const rows = chosen.slice(part * batchSize, (part + 1) * batchSize);
      return { ...padBatch(rows.map((row) => examples[row]!), options), examples: rows };
    });
  };
}

/**
 * Batches for pretraining: the token stream cut into blocks of `length` tokens (an incomplete last
 * block is left out), shuffled by epoch; every token is a label.
 *
 * @throws where the stream is shorter than one block.
 * @example
 * const batches = packedBatches(tokens, { batchSize: 16, length: 128, seed: 1 });
 */
export function packedBatches(
  tokens: ArrayLike<number> & { subarray(start: number, end: number): ArrayLike<number> },
  options: { batchSize: number; length: number; seed: number; accumulate?: number },
): StepBatches {
  const { batchSize, length, seed, accumulate = 1 } = options;
  const blocks = Math.floor(tokens.length / length);
  if (blocks === 0) {
    throw new Error(
      `Expected a stream of at least ${length} tokens, but found ${tokens.length}.`,
    );
  }
  const order = endlessOrder(blocks, seed);
  return (step) =>
    Array.from({ length: accumulate }, (_, part) => {
      const first = (step * accumulate + part) * batchSize;
      const examples = Array.from({ length: batchSize }, (_, row) => order(first + row));
      const ids = new Int32Array(batchSize * length);
      examples.forEach((block, row) =>
        ids.set(tokens.subarray(block * length, (block + 1) * length), row * length)
      );
      return { ids, labels: ids, rows: batchSize, length, examples };
    });
}
