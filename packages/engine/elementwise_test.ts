import assert from "node:assert/strict";
import * as tf from "@tensorflow/tfjs-core";
import { giveBack, sharedArrays } from "./shared_arrays.ts";
import { createEngine } from "./engine.ts";

/** Every operation there is, and sums of two results. */
const mixed = {
  fn: ({ x, y, a }: Record<string, tf.Tensor>) => {
    const quotient = tf.div(tf.sub(x!, tf.mul(y!, a!)), tf.add(tf.sqrt(y!), 0.5));
    return { quotient, sum: tf.sum(quotient), squares: tf.sum(tf.square(y!)) };
  },
  arrays: ["x", "y"],
  numbers: ["a"],
};

const f = Math.fround;

/** The same in JavaScript, each operation rounded to float32. */
function expected(x: Float32Array, y: Float32Array, a: number) {
  const quotient = x.map((value, i) =>
    f(f(value - f(y[i]! * f(a))) / f(f(Math.sqrt(y[i]!)) + 0.5))
  );
  const sum = quotient.reduce((total, value) => total + value, 0);
  const squares = y.reduce((total, value) => total + value * value, 0);
  return { quotient, sum, squares };
}

function filled([x, y]: Float32Array[]): [Float32Array, Float32Array] {
  for (let i = 0; i < x!.length; i++) [x![i], y![i]] = [2 + Math.sin(i), 1 + Math.cos(i * 0.7)];
  return [x!, y!];
}

/** Half a million float32 values, all positive, added up one after another. */
const near = (found: number, wanted: number) => Math.abs(found / wanted - 1) < 3e-5;

for (const [what, length] of [["short", 16 * 4097], ["long", 2 ** 21 + 16 * 4097]] as const) {
  Deno.test(`elementwise() computes ${what} arrays where they lie, and elsewhere`, async () => {
    for (const threads of [1, 3]) {
      const program = (await createEngine({ threads })).elementwise(mixed);
      const apart = [1, 2].map(() => new Float32Array(length));
      for (const arrays of [sharedArrays(2, length), apart]) {
        const [x, y] = filled(arrays);
        const { quotient, sum, squares } = expected(x, y, 0.3);
        const sums = await program.run({ x, y }, { a: 0.3 }, { quotient: x });
        assert.equal(x.findIndex((value, i) => value !== quotient[i]), -1); // bit by bit
        assert.ok(near(sums.sum!, sum) && near(sums.squares!, squares));
      }
      program.dispose();
    }
  });
}

Deno.test("elementwise() sums alike with any number of threads", async () => {
  const length = 2 ** 22;
  const arrays = sharedArrays(3, length);
  const [[x, y], quotient] = [filled(arrays), arrays[2]!];
  const sums = [];
  for (const threads of [1, 2, 5]) {
    const program = (await createEngine({ threads })).elementwise(mixed);
    sums.push(await program.run({ x, y }, { a: 0.3 }, { quotient }));
    program.dispose();
  }
  assert.deepEqual(sums[1], sums[0]);
  assert.deepEqual(sums[2], sums[0]);
});

Deno.test("elementwise() answers runs that overlap, each its own", async () => {
  const length = 2 ** 21 + 16;
  const program = (await createEngine({ threads: 2 })).elementwise(mixed);
  const sums = await Promise.all([1, 4].map((value) => {
    const [x, y, quotient] = sharedArrays(3, length) as [Float32Array, Float32Array, Float32Array];
    y.fill(value);
    return program.run({ x, y }, { a: 0 }, { quotient });
  }));
  assert.deepEqual(sums.map(({ squares }) => squares), [length, 16 * length]);
  program.dispose();
});

Deno.test("elementwise() runs eagerly as well", async () => {
  const program = (await createEngine({ kind: "eager" })).elementwise(mixed);
  const [x, y] = filled(sharedArrays(2, 64));
  const { quotient, sum } = expected(x, y, 0.3);
  const sums = await program.run({ x, y }, { a: 0.3 }, { quotient: x });
  assert.ok(near(sums.sum!, sum));
  x.forEach((value, i) => assert.ok(Math.abs(value - quotient[i]!) < 1e-6));
});

Deno.test("elementwise() refuses arrays of different or odd lengths", async () => {
  const program = (await createEngine()).elementwise(mixed);
  const run = (x: Float32Array, y: Float32Array) =>
    program.run({ x, y }, { a: 1 }, { quotient: x });
  await assert.rejects(run(new Float32Array(8), new Float32Array(12)), /one length.*found 8, 12/);
  await assert.rejects(run(new Float32Array(6), new Float32Array(6)), /multiple of 4.*found 6/);
});

Deno.test("elementwise() refuses what is not elementwise, by name", async () => {
  const engine = await createEngine();
  const of = (fn: typeof mixed.fn) => () =>
    engine.elementwise({ fn: fn as never, arrays: ["x"], numbers: [] });
  assert.throws(of(({ x }) => ({ y: tf.exp(x!) }) as never), /but found Exp/);
  assert.throws(of(({ x }) => ({ y: tf.mul(x!, [1, 2, 3, 4]) }) as never), /found one of 4 values/);
  assert.throws(
    of(({ x }) => ({ y: tf.sub(x!, tf.sum(x!)) }) as never),
    /Expected sums to be results .* but found Sub of one/,
  );
});

Deno.test("sharedArrays() takes a memory that was given back, as zeros", () => {
  const [first] = sharedArrays(2, 48) as [Float32Array];
  first.fill(1);
  const [other] = sharedArrays(2, 48) as [Float32Array];
  assert.notEqual(other.buffer, first.buffer);
  giveBack(first);
  const [again] = sharedArrays(2, 48) as [Float32Array];
  assert.equal(again.buffer, first.buffer);
  assert.ok(again.every((value) => value === 0));
});
