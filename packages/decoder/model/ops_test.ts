import assert from "node:assert/strict";
import * as tf from "@tensorflow/tfjs-core";
import { createEngine, type TensorData, type TensorSpec } from "@implicit/engine";
import { causalAttention } from "./attention.ts";
import { activate, gatedSilu, layerNorm, rmsNorm, rotary } from "./ops.ts";

type Op = (...inputs: tf.Tensor[]) => tf.Tensor;

const angles = [0, 1, 2, 3, 4, 5].map((i) => 0.3 * i);
const cos = () => tf.tensor2d(angles.map(Math.cos), [3, 2]);
const sin = () => tf.tensor2d(angles.map(Math.sin), [3, 2]);
const asTensor = <T>(x: tf.Tensor | undefined) => x as unknown as T;

/** The shapes of the inputs, and the op. */
const cases: Record<string, [number[][], Op]> = {
  rmsNorm: [[[3, 4], [4]], (x, w) => rmsNorm(asTensor(x), asTensor(w), 0.1)],
  layerNorm: [
    [[3, 4], [4], [4]],
    (x, w, b) => layerNorm(asTensor(x), asTensor(w), asTensor(b), 0.1),
  ],
  "layerNorm without weights": [[[3, 4]], (x) => layerNorm(asTensor(x), null, null, 0.1)],
  rotary: [[[2, 3, 2, 4]], (x) => rotary(asTensor(x), cos(), sin())],
  "rotary of a part": [[[2, 3, 2, 6]], (x) => rotary(asTensor(x), cos(), sin())],
  causalAttention: [
    [[2, 3, 2, 4], [2, 3, 2, 4], [2, 3, 2, 4]],
    (q, k, v) => causalAttention(asTensor(q), asTensor(k), asTensor(v)),
  ],
  "causalAttention with shared heads": [
    [[2, 3, 4, 2], [2, 3, 2, 2], [2, 3, 2, 2]],
    (q, k, v) => causalAttention(asTensor(q), asTensor(k), asTensor(v)),
  ],
  "causalAttention after a prefix": [
    [[2, 3, 4, 2], [2, 3, 2, 2], [2, 3, 2, 2], [2, 2, 2], [2, 2, 2]],
    (q, k, v, keys, values) =>
      causalAttention(asTensor(q), asTensor(k), asTensor(v), asTensor({ keys, values } as never)),
  ],
  gatedSilu: [[[3, 4], [3, 4]], (gate, up) => gatedSilu(gate!, up!)],
  "activate silu": [[[3, 4]], (x) => activate(asTensor(x), "silu")],
  "activate gelu": [[[3, 4]], (x) => activate(asTensor(x), "gelu")],
  "activate gelu_tanh": [[[3, 4]], (x) => activate(asTensor(x), "gelu_tanh")],
  "activate relu": [[[3, 4]], (x) => activate(asTensor(x), "relu")],
};

/** Unlike numbers between −1 and 1, none near 0. */
function values(shape: number[], seed: number): Float32Array {
  return Float32Array.from({ length: tf.util.sizeFromShape(shape) }, (_, i) => {
    const x = Math.sin(12.9898 * (i + 1) + 78.233 * seed) * 43758.5453;
    const fraction = x - Math.floor(x);
    return fraction < 0.5 ? -0.1 - 1.6 * fraction : 0.1 + 1.6 * (fraction - 0.5);
  });
}

for (const [name, [shapes, op]] of Object.entries(cases)) {
  const names = shapes.map((_, i) => `x${i}`);
  const specs = Object.fromEntries(
    shapes.map((shape, i) => [names[i]!, { shape, dtype: "float32" as const }]),
  );
  const inputs = Object.fromEntries(shapes.map((shape, i) => [names[i]!, values(shape, i)]));
  /** y, Σ y · w and its gradients. */
  const withGradients = (given: Record<string, tf.Tensor>) => {
    let y: tf.Tensor;
    const objective = (...xs: tf.Tensor[]) => {
      y = tf.keep(op(...xs));
      return tf.sum(tf.mul(y, tf.tensor(values(y.shape, 9), y.shape))) as tf.Scalar;
    };
    const { value, grads } = tf.valueAndGrads(objective)(names.map((name) => given[name]!));
    const named = Object.fromEntries(grads.map((grad, i) => [`d${names[i]}`, grad]));
    return { y: y!, value, ...named };
  };

  Deno.test(`the gradient of ${name} agrees with central differences`, async () => {
    const engine = await createEngine({ kind: "eager" });
    const program = await engine.compile(withGradients, specs);
    const found = await program.run(inputs);
    const step = 2 ** -7;
    for (const which of names) {
      const grads = found[`d${which}`]!;
      const largest = Math.max(...grads.map(Math.abs));
      assert.ok(largest > 0.01);
      for (let i = 0; i < grads.length; i++) {
        const at = async (change: number) => {
          const moved = inputs[which]!.slice();
          moved[i]! += change;
          return (await program.run({ ...inputs, [which]: moved })).value![0]!;
        };
        const expected = (await at(step) - await at(-step)) / (2 * step);
        const error = Math.abs(grads[i]! - expected);
        assert.ok(error < 0.01 * largest, `${which}[${i}]: ${expected}, found ${grads[i]}`);
      }
    }
  });

  Deno.test(`${name} and its gradient are the same compiled and eager`, async () => {
    const results: Record<string, TensorData>[] = [];
    for (const kind of ["compiled", "eager"] as const) {
      const program = await (await createEngine({ kind })).compile(withGradients, specs);
      results.push(await program.run(inputs));
      program.dispose();
    }
    for (const [output, compiled] of Object.entries(results[0]!)) {
      results[1]![output]!.forEach((value, i) =>
        assert.ok(Math.abs(value - compiled[i]!) < 2e-6, `${output}: ${value}, ${compiled[i]}`)
      );
    }
  });
}

/** Attention as its equation has it, gradients by tfjs: [1, T, 2, E], one key-value head. */
const plainAttention: Op = (q, k, v, keys, values) => {
  const [, length, , size] = q!.shape as [number, number, number, number];
  const prefix = keys?.shape[0] ?? 0;
  const byHead = (x: tf.Tensor) => tf.transpose(x, [0, 2, 1, 3]);
  const both = (x: tf.Tensor, before: tf.Tensor | undefined) => {
    const all = before ? tf.concat([tf.expandDims(before, 0), x], 1) : x;
    return tf.tile(byHead(all), [1, 2, 1, 1]);
  };
  const width = prefix + length;
  const mask = Array.from(
    { length: length * width },
    (_, i) => i % width - prefix > Math.floor(i / width) ? -Infinity : 0,
  );
  const scores = tf.mul(tf.matMul(byHead(q!), both(k!, keys), false, true), 1 / Math.sqrt(size));
  const weights = tf.softmax(tf.add(scores, tf.tensor(mask, [length, width])));
  return byHead(tf.matMul(weights, both(v!, values)));
};

for (const prefix of [0, 3]) {
  Deno.test(`causalAttention() in several blocks is attention, ${prefix} keys before it`, async () => {
    const length = 517; // four blocks, not all of one size
    const engine = await createEngine();
    const spec = (...shape: number[]) => ({ shape, dtype: "float32" as const });
    const specs: Record<string, TensorSpec> = {
      q: spec(1, length, 2, 4),
      k: spec(1, length, 1, 4),
      v: spec(1, length, 1, 4),
      ...(prefix > 0 ? { keys: spec(prefix, 1, 4), values: spec(prefix, 1, 4) } : {}),
    };
    const names = Object.keys(specs);
    const inputs = Object.fromEntries(
      names.map((name, i) => [name, values([...specs[name]!.shape], i)]),
    );
    const withPrefix: Op = (q, k, v, keys, values) =>
      causalAttention(
        asTensor(q),
        asTensor(k),
        asTensor(v),
        keys && { keys, values: values! },
      );
    const results: Record<string, TensorData>[] = [];
    for (const op of [plainAttention, withPrefix]) {
      const program = await engine.compile((given) => {
        let y: tf.Tensor;
        const f = (...xs: tf.Tensor[]) => {
          y = tf.keep(op(...xs));
          return tf.sum(tf.mul(y, tf.tensor(values(y.shape, 9), y.shape)));
        };
        const grads = tf.grads(f)(names.map((name) => given[name]!));
        return { y: y!, ...Object.fromEntries(grads.map((grad, i) => [`d${names[i]}`, grad])) };
      }, specs);
      results.push(await program.run(inputs));
      program.dispose();
    }
    for (const [name, expected] of Object.entries(results[0]!)) {
      const largest = Math.max(...expected);
      expected.forEach((x, i) =>
        assert.ok(Math.abs(results[1]![name]![i]! - x) < 1e-5 * largest, `${name}[${i}]`)
      );
    }
  });
}

Deno.test("causalAttention() lets no position see a later one", async () => {
  const engine = await createEngine();
  const spec = { shape: [1, 3, 1, 2], dtype: "float32" } as const;
  const program = await engine.compile(
    ({ q, k, v }) => ({ y: causalAttention(asTensor(q), asTensor(k), asTensor(v)) }),
    { q: spec, k: spec, v: spec },
  );
  const inputs = { q: values([6], 1), k: values([6], 2), v: values([6], 3) };
  const before = (await program.run(inputs)).y!.slice(0, 4);
  inputs.k[4] = 50;
  inputs.v[5] = -70;
  const after = (await program.run(inputs)).y!;
  assert.deepEqual(after.slice(0, 4), before);
  assert.notDeepEqual(after.slice(4), before.slice(2));
  program.dispose();
});
