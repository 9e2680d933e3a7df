import assert from "node:assert/strict";
import { AsyncLocalStorage } from "node:async_hooks";
import * as tf from "@tensorflow/tfjs-core";
import { createEngine } from "./engine.ts";

Deno.test("a program stops for the cell that was interrupted, and for no other", async () => {
  const cell = new AsyncLocalStorage<AbortSignal>();
  const scope = globalThis as { [key: symbol]: unknown };
  scope[Symbol.for("implicit.cell")] = cell;
  const engine = await createEngine({ threads: 1 });
  const spec = { shape: [2], dtype: "float32" } as const;
  const square = await engine.compile(({ x }) => ({ y: tf.square(x!) }), { x: spec });
  const work = () => square.run({ x: Float32Array.of(1, 2) });
  try {
    const stopped = new AbortController();
    const loop = cell.run(stopped.signal, async () => {
      while (true) await work();
    });
    setTimeout(() => stopped.abort(new Error("stopped by hand")), 20);
    await assert.rejects(loop, /stopped by hand/);
    await cell.run(new AbortController().signal, work);
    assert.deepEqual((await work()).y, Float32Array.of(1, 4));
  } finally {
    delete scope[Symbol.for("implicit.cell")];
    square.dispose();
  }
});
