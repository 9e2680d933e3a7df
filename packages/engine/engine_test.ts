import assert from "node:assert/strict";
import * as tf from "@tensorflow/tfjs-core";
import { createEngine } from "./engine.ts";

const x = { shape: [2, 2], dtype: "float32" } as const;

Deno.test("the eager engine runs a function and its gradient", async () => {
  const engine = await createEngine({ kind: "eager" });
  const program = await engine.compile(({ x }) => {
    const { value, grad } = tf.valueAndGrad((x: tf.Tensor) => tf.sum(tf.square(x)))(x!);
    return { value, grad };
  }, { x });
  const into = { grad: new Float32Array(4) };
  const { value, grad } = await program.run({ x: Float32Array.of(1, 2, 3, 4) }, into);
  assert.deepEqual([...value!], [30]);
  assert.equal(grad, into.grad);
  assert.deepEqual([...into.grad], [2, 4, 6, 8]);
});

Deno.test("a program refuses an input of the wrong length", async () => {
  const engine = await createEngine({ kind: "eager" });
  const program = await engine.compile(({ x }) => ({ x: tf.neg(x!) }), { x });
  await assert.rejects(program.run({ x: new Float32Array(3) }), /Expected a Float32Array of 4/);
});
