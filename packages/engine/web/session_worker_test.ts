import assert from "node:assert/strict";
import { registerBackend, Tensor } from "onnxruntime-common";
import type { Answer, Question } from "./session_worker.ts";

/** Runs under way, now and at most. */
let now = 0, most = 0;

/** In the place of ONNX Runtime Web: a session that doubles its input, in a while. */
const handler = {
  inputNames: ["x"],
  outputNames: ["y"],
  inputMetadata: [],
  outputMetadata: [],
  startProfiling() {},
  endProfiling() {},
  dispose: () => Promise.resolve(),
  async run({ x }: Record<string, Tensor>) {
    most = Math.max(most, ++now);
    await new Promise((resolve) => setTimeout(resolve, 5));
    now--;
    return { y: new Tensor("float32", (x!.data as Float32Array).map((v) => 2 * v), x!.dims) };
  },
};
registerBackend("wasm", {
  init: () => Promise.resolve(),
  createInferenceSessionHandler: () => Promise.resolve(handler),
}, 10);

type Reply = { id: number; answer?: Answer; error?: string };

Deno.test("a worker runs one question after the other, answers each, and tells errors in words", async () => {
  const replies: Reply[] = [];
  const scope = globalThis as unknown as {
    postMessage(reply: Reply): void;
    onmessage(event: { data: { id: number; question: Question } }): void;
  };
  const told = Promise.withResolvers<void>();
  scope.postMessage = (reply) => {
    if (replies.push(reply) === 5) told.resolve();
  };
  await import("./session_worker.ts");
  const ask = (id: number, question: Question) => scope.onmessage({ data: { id, question } });
  const run = (key: number, value: number): Question => ({
    what: "run",
    key,
    inputs: [{ name: "x", dtype: "float32", shape: [1], data: Float32Array.of(value) }],
  });
  const model = new Uint8Array(1);
  ask(1, { what: "create", key: 7, model, optimize: true, memoryPattern: true });
  ask(2, run(7, 1));
  ask(3, run(7, 2));
  ask(4, run(8, 3));
  ask(5, { what: "release", key: 7 });
  await told.promise;
  assert.deepEqual(replies.map(({ id }) => id), [1, 2, 3, 4, 5]);
  const values = replies.slice(1, 3).map(({ answer }) =>
    answer?.what === "run" && [...answer.outputs[0]!.data as Float32Array]
  );
  assert.deepEqual(values, [[2], [4]]);
  assert.equal(most, 1, "two runs at once share ONNX Runtime Web's stack");
  assert.match(replies[3]!.error!, /./);
});
