import assert from "node:assert/strict";
import { askAll, askOne, openPool, poolVersion } from "./pool.ts";

/** The shortest WebAssembly there is. */
const wasm = Uint8Array.of(0, 97, 115, 109, 1, 0, 0, 0).buffer;

/** A worker in the place of session_worker.ts: it tells its number, and never ends session 9. */
const script = `
const name = Math.random();
onmessage = ({ data: { id, question: { what, key } } }) => {
  if (key === 9) return;
  if (key === 8) return postMessage({ id, error: "no session 8" });
  const found = { start: { version: "1.2" }, create: { inputNames: [name], outputNames: [] } };
  postMessage({ id, answer: { what, ...found[what], outputs: [{ name }] } });
};`;
const address = URL.createObjectURL(new Blob([script], { type: "text/javascript" }));

Deno.test({
  name:
    "a pool asks all its workers, or the one with the least to do; errors are those of a worker",
  sanitizeResources: false, // the pool stays as long as the page
  async fn() {
    const run = (key: number) => ({ what: "run" as const, key, inputs: [] });
    await assert.rejects(askAll({ what: "release", key: 1 }), /Expected a pool of workers/);
    await openPool({ script: address, type: "module", wasm });
    assert.equal(poolVersion(), "1.2");
    const one = { what: "create" as const, key: 1, model: new Uint8Array(), optimize: true };
    const { inputNames } = await askAll({ ...one, memoryPattern: true });
    assert.equal(inputNames.length, 1);
    await assert.rejects(askOne(run(8), []), /^Error: no session 8$/);

    const nameOf = async () => (await askOne(run(1), [])).outputs[0]!.name;
    const both = await Promise.all([nameOf(), nameOf()]);
    assert.notEqual(both[0], both[1]);
    void askOne(run(9), []);
    const free = await nameOf();
    assert.deepEqual([await nameOf(), await nameOf()], [free, free]);
  },
});

Deno.test("a pool refuses WebAssembly that was cut short", async () => {
  await assert.rejects(
    openPool({ script: address, type: "module", wasm: wasm.slice(0, 6) }),
    /Expected ONNX Runtime's WebAssembly.*but found 6 bytes/,
  );
});
