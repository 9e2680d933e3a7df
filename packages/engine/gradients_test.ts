import assert from "node:assert/strict";
import "@tensorflow/tfjs-backend-cpu";
import * as tf from "@tensorflow/tfjs-core";
import { gradientNames, registerGradients } from "./gradients.ts";

registerGradients();

/** Values that are neither near zero, nor near each other, nor near the kinks below. */
const values = (shape: number[]) =>
  tf.tensor(
    Array.from({ length: tf.util.sizeFromShape(shape) }, (_, i) => 0.35 + ((i * 7) % 12) * 0.11),
    shape,
  );

type Op = (...inputs: tf.Tensor[]) => tf.Tensor;
const indices = tf.tensor([2, 0, 2, 1], [2, 2], "int32");
const condition = tf.tensor([1, 0, 1, 0, 0, 1], [2, 3], "bool");

/** kernel → the shapes of its inputs and an operation that runs it */
const cases: Record<string, [number[][], Op][]> = {
  Identity: [[[[2, 3]], (x) => tf.clone(x!)]],
  Cast: [[[[2, 3]], (x) => tf.cast(x!, "float32")]],
  Reshape: [[[[2, 3]], (x) => tf.reshape(x!, [3, 2])]],
  ExpandDims: [[[[2, 3]], (x) => tf.expandDims(x!, 1)]],
  Transpose: [[[[2, 3, 2]], (x) => tf.transpose(x!, [1, 2, 0])]],
  Add: [[[[2, 3], [3]], (a, b) => tf.add(a!, b!)], [[[1], [2, 3]], (a, b) => tf.add(a!, b!)]],
  Sub: [[[[2, 3], [2, 1]], (a, b) => tf.sub(a!, b!)]],
  Multiply: [[[[2, 1, 3], [2, 1]], (a, b) => tf.mul(a!, b!)]],
  RealDiv: [[[[2, 3], [3]], (a, b) => tf.div(a!, b!)]],
  Maximum: [[[[2, 3]], (x) => tf.maximum(x!, 0.85)], [[[3]], (x) => tf.maximum(0.85, x!)]],
  Minimum: [[[[2, 3]], (x) => tf.minimum(x!, 0.85)], [[[3]], (x) => tf.minimum(0.85, x!)]],
  Select: [[[[2, 3], [2, 3]], (a, b) => tf.where(condition, a!, b!)]],
  Neg: [[[[2, 3]], (x) => tf.neg(x!)]],
  Exp: [[[[2, 3]], (x) => tf.exp(x!)]],
  Log: [[[[2, 3]], (x) => tf.log(x!)]],
  Sqrt: [[[[2, 3]], (x) => tf.sqrt(x!)]],
  Rsqrt: [[[[2, 3]], (x) => tf.rsqrt(x!)]],
  Square: [[[[2, 3]], (x) => tf.square(x!)]],
  Sigmoid: [[[[2, 3]], (x) => tf.sigmoid(x!)]],
  Tanh: [[[[2, 3]], (x) => tf.tanh(x!)]],
  Relu: [[[[2, 3]], (x) => tf.relu(tf.sub(x!, 0.85))]],
  Erf: [[[[2, 3]], (x) => tf.erf(x!)]],
  ClipByValue: [[[[2, 3]], (x) => tf.clipByValue(x!, 0.5, 1)]],
  Sum: [[[[2, 3]], (x) => tf.sum(x!, 0)], [[[2, 3, 2]], (x) => tf.sum(x!, [0, 2], true)]],
  Mean: [[[[2, 3]], (x) => tf.mean(x!)], [[[2, 3, 2]], (x) => tf.mean(x!, -1, true)]],
  Max: [[[[2, 3]], (x) => tf.max(x!, 1)]],
  Tile: [[[[2, 1, 3]], (x) => tf.tile(x!, [2, 3, 1])], [[[3]], (x) => tf.broadcastTo(x!, [2, 3])]],
  Softmax: [[[[2, 3]], (x) => tf.softmax(x!)]],
  BatchMatMul: [
    [[[2, 2, 3], [2, 3, 2]], (a, b) => tf.matMul(a!, b!)],
    [[[2, 3, 2], [2, 3, 2]], (a, b) => tf.matMul(a!, b!, true, false)],
    [[[2, 2, 3], [2, 2, 3]], (a, b) => tf.matMul(a!, b!, false, true)],
    [[[3, 2], [2, 3]], (a, b) => tf.matMul(a!, b!, true, true)],
    [[[2, 2, 2, 3], [1, 2, 3, 2]], (a, b) => tf.matMul(a!, b!)],
  ],
  GatherV2: [[[[3, 2]], (x) => tf.gather(x!, indices)]],
  Slice: [[[[3, 4]], (x) => tf.slice(x!, [1, 0], [2, 3])]],
  Concat: [[[[2, 1], [2, 2]], (a, b) => tf.concat([a!, b!], -1)]],
  SplitV: [[[[2, 3]], (x) => {
    const [a, b] = tf.split(x!, [1, 2], 1);
    return tf.concat([tf.mul(b!, 3), a!], 1);
  }]],
};

Deno.test("every gradient of this module has a case below", () => {
  assert.deepEqual([...gradientNames].sort(), Object.keys(cases).sort());
});

for (const [kernel, list] of Object.entries(cases)) {
  Deno.test(`the gradient of ${kernel} agrees with central differences`, () => {
    for (const [shapes, op] of list) checkGradient(shapes, op);
  });
}

/** Compares d Σ w·op(x) / dx with central differences, each entry to 1 % of the largest. */
function checkGradient(shapes: number[][], op: Op): void {
  const inputs = shapes.map(values);
  const weights = values(op(...inputs).shape);
  const objective = (...xs: tf.Tensor[]) => tf.sum(tf.mul(op(...xs), weights)) as tf.Scalar;
  const found = tf.grads(objective)(inputs);
  inputs.forEach((input, which) => {
    const data = input.dataSync();
    const step = 2 ** -7;
    const expected = Array.from(data, (_, i) => {
      const at = (change: number) => {
        const moved = Float32Array.from(data);
        moved[i]! += change;
        const xs = inputs.map((x, j) => j === which ? tf.tensor(moved, x.shape) : x);
        return objective(...xs).dataSync()[0]!;
      };
      return (at(step) - at(-step)) / (2 * step);
    });
    assert.deepEqual(found[which]!.shape, input.shape);
    const largest = Math.max(...expected.map(Math.abs), 1e-3);
    found[which]!.dataSync().forEach((value, i) => {
      assert.ok(
        Math.abs(value - expected[i]!) < 0.01 * largest,
        `input ${which}, entry ${i}: expected ${expected[i]} but found ${value}`,
      );
    });
  });
}
