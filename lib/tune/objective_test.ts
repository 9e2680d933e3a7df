import * as tf from "@tensorflow/tfjs-core";
import assert from "node:assert/strict";
import { createEngine } from "@implicit/engine";
import { type Batch, padBatch } from "../text/batch.ts";
import {
  addRows,
  findTargets,
  type Forward,
  lossFunction,
  lossInputs,
  negativeLogLikelihood,
  type Reduction,
  takeRows,
  targetWeights,
} from "./objective.ts";

await createEngine({ kind: "eager" });

/** A causal "model": running sums of embeddings, and a head. Vocabulary 7, width 3. */
const toy: Forward = {
  vocabSize: 7,
  embedding: "embed",
  tied: false,
  counts: false,
  hidden: (_, ids, embedded, take) => {
    const length = ids.shape[1];
    const sums = Array.from({ length: length ** 2 }, (_, i) => i % length <= i / length ? 1 : 0);
    const states = tf.matMul(
      tf.tensor3d(sums, [1, length, length]),
      tf.reshape(embedded, [...ids.shape, 3]),
    );
    return take(tf.reshape(states, [-1, 3]));
  },
  logits: ({ head }, states) => tf.matMul(states, head as tf.Tensor2D, false, true),
};
const weightsOf = (seed: number) =>
  Float32Array.from({ length: 21 }, (_, index) => Math.sin(seed * 31 + index * 1.7));
const parameters = { embed: weightsOf(1), head: weightsOf(2) };

const batch: Batch = padBatch([
  { ids: [1, 2, 3, 4], labels: [-100, -100, 3, 4] },
  { ids: [5, 6, 1], labels: [-100, -100, 1] },
], { multiple: 4 });

/** nll of every target of {@link batch}, by plain arithmetic: example 0 has two, example 1 one. */
function expectedNll(): number[] {
  const { embed, head } = parameters;
  return [[[1, 2], 3], [[1, 2, 3], 4], [[5, 6], 1]].map(([seen, next]) => {
    const state = [0, 1, 2].map((d) =>
      (seen as number[]).reduce((total, id) => total + embed[id * 3 + d]!, 0)
    );
    const logits = Array.from(
      { length: 7 },
      (_, v) => state.reduce((total, value, d) => total + value * head[v * 3 + d]!, 0),
    );
    const normaliser = Math.log(logits.reduce((total, z) => total + Math.exp(z), 0));
    return normaliser - logits[next as number]!;
  });
}

function assertClose(actual: ArrayLike<number>, expected: ArrayLike<number>, tolerance: number) {
  assert.equal(actual.length, expected.length);
  for (let i = 0; i < actual.length; i++) {
    const error = Math.abs(actual[i]! - expected[i]!);
    assert.ok(error <= tolerance, `expected ${expected[i]} at ${i}, but found ${actual[i]}`);
  }
}

async function run(batch: Batch, reduction: Reduction) {
  const engine = await createEngine({ kind: "eager" });
  const targets = findTargets(batch);
  const [weights] = targetWeights([targets], reduction);
  const { data, specs, places } = lossInputs(batch, targets, weights!, toy);
  const spec = { shape: [7, 3], dtype: "float32" } as const;
  const program = await engine.compile(lossFunction(toy, ["embed", "head"]), {
    ...specs,
    embed: spec,
    head: spec,
  });
  const outputs = await program.run({ ...data, ...parameters });
  const nll = places.map((place) => outputs.nll![place]!);
  const loss = nll.reduce((total, value, index) => total + value * weights![index]!, 0);
  const embed = new Float32Array(21);
  addRows(embed, batch.ids, outputs.rows as Float32Array);
  return { nll, loss, embed, head: outputs["grad.head"]! as Float32Array, specs };
}

Deno.test("lossFunction() gives the nll of the targets, through a gather and without one", async () => {
  const gathered = await run(batch, "sum");
  assert.equal(gathered.specs.picks!.shape[0], 3);
  assertClose(gathered.nll, expectedNll(), 1e-5);
  const everywhere = await run({ ...batch, labels: batch.ids }, "sum");
  assert.equal(everywhere.specs.picks!.shape[0], 8);
  assertClose([1, 2, 4].map((index) => everywhere.nll[index]!), expectedNll(), 1e-5);
});

Deno.test("targetWeights() reduces as computed by hand", async () => {
  const [a, b, c] = expectedNll() as [number, number, number];
  assertClose([(await run(batch, "sum")).loss], [a + b + c], 1e-5);
  assertClose([(await run(batch, "token-mean")).loss], [(a + b + c) / 3], 1e-5);
  assertClose([(await run(batch, "example-mean")).loss], [((a + b) / 2 + c) / 2], 1e-5);
});

Deno.test("targetWeights() weighs accumulated batches as one", () => {
  const parts = [[0], [1]].map(([row]) =>
    findTargets({
      ids: batch.ids.slice(row! * 4, row! * 4 + 4),
      labels: batch.labels.slice(row! * 4, row! * 4 + 4),
      rows: 1,
      length: 4,
    })
  );
  for (const reduction of ["example-mean", "token-mean", "sum"] as const) {
    const whole = targetWeights([findTargets(batch)], reduction);
    const halves = targetWeights(parts, reduction);
    assert.deepEqual(halves.flatMap((half) => [...half]), [...whole[0]!]);
  }
});

Deno.test("targetWeights() refuses a step without a target", () => {
  const empty = findTargets({ ...batch, labels: batch.labels.map(() => -100) });
  assert.throws(() => targetWeights([empty], "sum"), /at least one target in a step/);
});

Deno.test("padding changes neither loss nor gradients", async () => {
  const padded = padBatch([
    { ids: [1, 2, 3, 4], labels: [-100, -100, 3, 4] },
    { ids: [5, 6, 1], labels: [-100, -100, 1] },
    { ids: [6], labels: [-100] },
  ], { multiple: 16 });
  const plain = await run(batch, "example-mean");
  const more = await run(padded, "example-mean");
  assertClose([more.loss], [plain.loss], 1e-6);
  assertClose(more.embed, plain.embed, 1e-6);
  assertClose(more.head, plain.head, 1e-6);
});

Deno.test("addRows() adds the rows of ids that occur again", () => {
  const table = Float32Array.of(1, 1, 0, 0, 0, 0);
  addRows(table, Int32Array.of(2, 0, 2), Float32Array.of(1, 2, 3, 4, 5, 6));
  assert.deepEqual([...table], [4, 5, 0, 0, 6, 8]);
});

/** Compares a gradient with central differences of Σ cotangent · f(x). */
function checkGradient(f: (x: tf.Tensor2D) => tf.Tensor, shape: [number, number], scale: number) {
  const size = shape[0] * shape[1];
  const x = Float32Array.from({ length: size }, (_, index) => scale * Math.sin(index * 2.3 + 1));
  const scalar = (x: tf.Tensor2D) => {
    const y = f(x);
    const cotangent = Array.from({ length: y.size }, (_, index) => Math.cos(index * 1.1));
    return tf.sum(tf.mul(y, tf.tensor(cotangent, y.shape)));
  };
  const gradient = tf.grad((x) => scalar(x as tf.Tensor2D))(tf.tensor2d(x, shape)).dataSync();
  const step = 1e-2;
  const differences = Array.from({ length: size }, (_, index) => {
    const at = (delta: number) => {
      const moved = Float32Array.from(x);
      moved[index]! += delta;
      return scalar(tf.tensor2d(moved, shape)).dataSync()[0]!;
    };
    return (at(step) - at(-step)) / (2 * step);
  });
  assertClose(gradient, differences, 2e-3);
}

Deno.test("negativeLogLikelihood() has the gradient that central differences give", () => {
  const picks = tf.tensor1d([2, 5 + 0, 10 + 4], "int32");
  checkGradient((z) => negativeLogLikelihood(z, picks), [3, 5], 2);
});

Deno.test("negativeLogLikelihood() is exact for logits far apart and far from zero", () => {
  const logits = tf.tensor2d([[1000, 0, 990], [-500, -502, -501]]);
  const nll = negativeLogLikelihood(logits, tf.tensor1d([1, 3 + 1], "int32")).dataSync();
  assertClose(nll, [1000.0000454, 2 + Math.log(1 + Math.exp(-1) + Math.exp(-2))], 1e-4);
});

Deno.test("takeRows() has the gradient that central differences give", () => {
  const positions = tf.tensor1d([3, 1, 0], "int32"); // the last one is padding
  const slots = tf.tensor1d([3, 1, 3, 0], "int32");
  const live = tf.tensor2d([[1], [1], [0]]);
  checkGradient((x) => tf.mul(takeRows(x, positions, slots), live), [4, 2], 1);
});
