import assert from "node:assert/strict";
import * as tf from "@tensorflow/tfjs-core";
import { createEngine } from "./engine.ts";
import type { TensorFunction, TensorSpec } from "./program.ts";

const float = (...shape: number[]): TensorSpec => ({ shape, dtype: "float32" });
const int = (...shape: number[]): TensorSpec => ({ shape, dtype: "int32" });

type Given = { x: tf.Tensor; y: tf.Tensor; i: tf.Tensor1D };

/** Functions that between them call every kernel that can be compiled. x, y: [2, 3, 4], i: [3]. */
const functions: Record<string, (given: Given) => tf.Tensor | tf.Tensor[]> = {
  arithmetic: ({ x, y }) => tf.div(tf.sub(tf.mul(x, y), 2), tf.add(tf.square(y), 1)),
  broadcasts: ({ x, y }) => tf.mul(tf.sum(x, 0, true), tf.slice(y, [0, 2, 0], [2, 1, 4])),
  comparisons: ({ x, y }) =>
    tf.where(
      tf.logicalAnd(tf.greater(x, y), tf.less(x, 1)),
      x,
      tf.where(tf.lessEqual(x, -1), y, 7),
    ),
  masks: ({ x, y }) =>
    tf.add(tf.cast(tf.equal(x, x), "float32"), tf.cast(tf.greaterEqual(x, y), "float32")),
  extremes: ({ x, y }) => tf.add(tf.maximum(x, y), tf.minimum(x, 0.5)),
  exponentials: ({ x }) => tf.log(tf.add(tf.exp(tf.neg(x)), tf.sqrt(tf.rsqrt(tf.square(x))))),
  activations: ({ x }) => tf.add(tf.add(tf.sigmoid(x), tf.tanh(x)), tf.add(tf.relu(x), tf.erf(x))),
  clipping: ({ x }) => tf.clipByValue(x, -0.5, 0.25),
  reductions: ({ x }) => [tf.sum(x), tf.mean(x, [0, 2]), tf.max(x, -1, true)],
  softmax: ({ x }) => [tf.softmax(x), tf.logSoftmax(x)],
  products: ({ x, y }) => [
    tf.matMul(x, y, false, true),
    tf.matMul(x, y, true, false),
    tf.mul(tf.matMul(x, tf.transpose(y, [0, 2, 1])), 0.5),
    tf.matMul(tf.reshape(x, [6, 4]), tf.reshape(y, [4, 6]), true, true),
    tf.mul(tf.matMul(tf.reshape(x, [12, 2]), tf.reshape(y, [12, 2]), true, false), 3),
  ],
  "a product used twice": ({ x, y }) => {
    const product = tf.matMul(x, y, false, true);
    return [tf.mul(product, 3), tf.add(product, 1)];
  },
  "a product scaled up in rank": ({ x, y }) =>
    tf.mul(tf.matMul(x, y, false, true), tf.tensor([2], [1, 1, 1, 1])),
  shapes: ({ x }) => [tf.expandDims(tf.transpose(x, [2, 0, 1]), 1), tf.reshape(x, [-1])],
  parts: ({ x, y }) => {
    const [a, b] = tf.split(x, [1, 3], 2);
    return tf.concat([b!, y, a!], 2);
  },
  tiles: ({ x }) => [
    tf.tile(x, [1, 2, 1]),
    tf.broadcastTo(tf.sum(x, 1, true), [2, 3, 4]),
    tf.pad(x, [[0, 1], [2, 0], [0, 0]], 5),
  ],
  gathers: ({ x, i }) => [tf.gather(tf.reshape(x, [6, 4]), i), tf.gather(x, i, 2)],
  sums: ({ x, i }) => {
    const rows = tf.reshape(tf.slice(x, [0, 0, 0], [1, 3, 4]), [3, 4]);
    const summed = tf.unsortedSegmentSum(rows, i, 5);
    const kept = tf.unsortedSegmentSum(rows, i, 3);
    return [summed, tf.add(rows, tf.unsortedSegmentSum(rows, i, 3)), tf.add(kept, rows), kept];
  },
  scatters: ({ x }) =>
    tf.tensorScatterUpdate(tf.reshape(x, [-1]), tf.tensor2d([[3], [0]], [2, 1], "int32"), [8, 9]),
  zeros: ({ x }) => tf.add(tf.zerosLike(x), tf.clone(x)),
  "the same tensor twice": ({ x, y }) => {
    const sum = tf.add(x, y);
    return [sum, sum, x, tf.reshape(sum, [24])];
  },
  gradients: ({ x, y, i }) => {
    const f = (x: tf.Tensor, y: tf.Tensor) => {
      const rows = tf.gather(tf.reshape(x, [6, 4]), i);
      return tf.sum(tf.softmax(tf.matMul(rows, tf.reshape(y, [6, 4]), false, true), -1));
    };
    return tf.grads(f)([x, tf.mul(y, 3)]);
  },
};

const inputs = {
  x: Float32Array.from({ length: 24 }, (_, i) => 2 * Math.sin(1 + i * i)),
  y: Float32Array.from({ length: 24 }, (_, i) => 2 * Math.cos(3 + i * i)),
  i: Int32Array.of(2, 0, 2),
};
const specs = { x: float(2, 3, 4), y: float(2, 3, 4), i: int(3) };

for (const [name, f] of Object.entries(functions)) {
  Deno.test(`${name}: the compiled engine gives what the eager one does`, async () => {
    const named: TensorFunction = (given) =>
      Object.fromEntries([f(given as Given)].flat().map((tensor, i) => [`out${i}`, tensor]));
    const compiled = await (await createEngine()).compile(named, specs);
    const eager = await (await createEngine({ kind: "eager" })).compile(named, specs);
    const [found, expected] = [await compiled.run(inputs), await eager.run(inputs)];
    assert.deepEqual(Object.keys(found), Object.keys(expected));
    for (const [output, values] of Object.entries(expected)) {
      assert.equal(found[output]!.length, values.length);
      values.forEach((value, i) => {
        const error = Math.abs(found[output]![i]! - value);
        assert.ok(error <= 1e-6 * Math.max(1, Math.abs(value)), `${output}[${i}]: ${value}`);
      });
    }
    compiled.dispose();
  });
}

Deno.test("a compiled program gives the same bits every time, also where indices recur", async () => {
  const engine = await createEngine();
  const rows = 3000;
  const program = await engine.compile(({ table, ids, dy }) => {
    const f = (table: tf.Tensor) => tf.sum(tf.mul(tf.gather(table, ids as tf.Tensor1D), dy!));
    return { grad: tf.grad(f)(table!) };
  }, { table: float(7, 64), ids: int(rows), dy: float(rows, 64) });
  const inputs = {
    table: new Float32Array(7 * 64),
    ids: Int32Array.from({ length: rows }, (_, i) => (i * i) % 7),
    dy: Float32Array.from({ length: rows * 64 }, (_, i) => Math.sin(i)),
  };
  const expected = new Float64Array(7 * 64);
  inputs.dy.forEach((
    value,
    i,
  ) => (expected[inputs.ids[Math.floor(i / 64)]! * 64 + i % 64]! += value));
  const first = (await program.run(inputs)).grad!;
  first.forEach((value, i) => assert.ok(Math.abs(value - expected[i]!) < 1e-3));
  for (let i = 0; i < 20; i++) assert.deepEqual((await program.run(inputs)).grad, first);
});

Deno.test("a compiled program writes into the caller's arrays, in place where elementwise", async () => {
  const engine = await createEngine();
  const program = await engine.compile(({ x, y }) => ({ sum: tf.add(x!, y!) }), {
    x: float(4),
    y: float(4),
  });
  const all = Float32Array.of(0, 1, 2, 3, 4, 5);
  const x = all.subarray(1, 5);
  const { sum } = await program.run({ x, y: Float32Array.of(10, 20, 30, 40) }, { sum: x });
  assert.equal(sum, x);
  assert.deepEqual([...all], [0, 11, 22, 33, 44, 5]);
  await assert.rejects(program.run({ x }), /the input "y"/);
});

Deno.test("the event loop turns while a compiled program runs", async () => {
  const engine = await createEngine();
  const spec = float(700, 700);
  const program = await engine.compile(({ x }) => {
    let y = x!;
    for (let i = 0; i < 20; i++) y = tf.matMul(y, x!);
    return { y };
  }, { x: spec });
  let turns = 0;
  const timer = setInterval(() => turns++, 1);
  await program.run({ x: new Float32Array(700 * 700) });
  clearInterval(timer);
  assert.ok(turns > 3, `the event loop turned ${turns} times`);
});

Deno.test("an input that nothing needs may be there", async () => {
  const engine = await createEngine();
  const program = await engine.compile(({ x }) => ({ x: tf.neg(x!) }), {
    x: float(1),
    z: float(2),
  });
  const found = await program.run({ x: Float32Array.of(1), z: new Float32Array(2) });
  assert.deepEqual([...found.x!], [-1]);
});

Deno.test("functions that cannot be compiled are refused, and the backend is restored", async () => {
  const engine = await createEngine();
  const outside = tf.scalar(1);
  const before = tf.getBackend();
  const refused = async (f: TensorFunction, message: RegExp) => {
    await assert.rejects(() => engine.compile(f, { x: float(2) }), message);
    assert.equal(tf.getBackend(), before);
  };
  await refused(({ x }) => ({ y: tf.add(x!, outside) }), /made outside/);
  await refused(({ x }) => ({ y: tf.scalar(x!.dataSync()[0]!) }), /never reads/);
  await refused(({ x }) => ({ y: tf.fft(tf.complex(x!, x!)) }), /not registered|float32, int32/);
});
