import assert from "node:assert/strict";
import { packedBatches, padBatch, shuffledOrder, tuningBatches } from "./batch.ts";
import { IGNORED } from "./ignored.ts";

const example = (length: number, value = length) => ({
  ids: Array.from({ length }, () => value),
  labels: Array.from({ length }, (_, index) => (index === 0 ? IGNORED : value)),
});

Deno.test("padBatch() pads ids and labels to a multiple", () => {
  const batch = padBatch([example(3), example(5)], { multiple: 4 });
  assert.deepEqual([batch.rows, batch.length], [2, 8]);
  assert.deepEqual([...batch.ids.slice(0, 8)], [3, 3, 3, 0, 0, 0, 0, 0]);
  assert.deepEqual([...batch.labels.slice(8, 16)], [-100, 5, 5, 5, 5, -100, -100, -100]);
});

Deno.test("padBatch() never exceeds maxLength, and refuses what does", () => {
  assert.equal(padBatch([example(30)], { multiple: 32, maxLength: 30 }).length, 30);
  assert.throws(
    () => padBatch([example(31)], { maxLength: 30 }),
    /at most 30 tokens, but found one/,
  );
});

Deno.test("padBatch() refuses an empty batch and labels of another length", () => {
  assert.throws(() => padBatch([]), /at least one example/);
  assert.throws(() => padBatch([{ ids: [1, 2], labels: [1] }]), /as many labels as ids/);
});

Deno.test("shuffledOrder() is a permutation fixed by seed and epoch", () => {
  const order = shuffledOrder(50, 7, 0);
  assert.deepEqual([...order].sort((a, b) => a - b), Array.from({ length: 50 }, (_, i) => i));
  assert.deepEqual(order, shuffledOrder(50, 7, 0));
  assert.notDeepEqual(order, shuffledOrder(50, 7, 1));
  assert.notDeepEqual(order, shuffledOrder(50, 8, 0));
});

Deno.test("tuningBatches() sees every example once an epoch and depends on the step alone", () => {
  const examples = Array.from({ length: 12 }, (_, index) => example(index + 2));
  const options = { batchSize: 2, accumulate: 2, seed: 3, multiple: 4 };
  const inOrder = tuningBatches(examples, options);
  const seen = [0, 1, 2].flatMap((step) => inOrder(step).flatMap((batch) => batch.examples));
  assert.deepEqual(seen.sort((a, b) => a - b), examples.map((_, index) => index));
  const later = inOrder(5);
  assert.deepEqual(tuningBatches(examples, options)(5), later);
});

Deno.test("tuningBatches() draws the same examples for 1 × 8 as for 8 × 1, shorter rows first", () => {
  const examples = Array.from({ length: 20 }, (_, index) => example(index + 2));
  const whole = tuningBatches(examples, { batchSize: 8, seed: 3 })(1);
  const parts = tuningBatches(examples, { batchSize: 1, accumulate: 8, seed: 3 })(1);
  assert.deepEqual(parts.flatMap((batch) => batch.examples), whole[0]!.examples);
  const lengths = parts.map((batch) => batch.length);
  assert.deepEqual(lengths, [...lengths].sort((a, b) => a - b));
});

Deno.test("tuningBatches() refuses an empty list", () => {
  assert.throws(() => tuningBatches([], { batchSize: 2, seed: 1 }), /but found none/);
});

Deno.test("packedBatches() cuts the stream into blocks and uses each once an epoch", () => {
  const tokens = Int32Array.from({ length: 43 }, (_, index) => index);
  const batches = packedBatches(tokens, { batchSize: 2, length: 4, seed: 5 });
  const starts = [0, 1, 2, 3, 4].flatMap((step) => {
    const [batch] = batches(step);
    assert.deepEqual(batch!.ids, batch!.labels);
    return [batch!.ids[0]!, batch!.ids[4]!];
  });
  assert.deepEqual(starts.sort((a, b) => a - b), [0, 4, 8, 12, 16, 20, 24, 28, 32, 36]);
  assert.throws(
    () => packedBatches(tokens, { batchSize: 1, length: 44, seed: 5 }),
    /at least 44 tokens, but found 43/,
  );
});
