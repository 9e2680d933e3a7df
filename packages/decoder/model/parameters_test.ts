import assert from "node:assert/strict";
import { joined, type Parameter } from "./parameters.ts";

Deno.test("joined() moves parameters into one array, once, and leaves those alone that lie so", () => {
  const parameters: Parameter[] = [[1, 2], [3], [4, 5, 6]].map((values) => (
    { shape: [values.length], data: Float32Array.from(values) }
  ));
  const all = joined(parameters);
  assert.deepEqual(all, Float32Array.of(1, 2, 3, 4, 5, 6));
  assert.deepEqual(parameters.map(({ data }) => [...data]), [[1, 2], [3], [4, 5, 6]]);
  assert.ok(parameters.every(({ data }) => data.buffer === all.buffer), "held once");
  const [first, second] = parameters as [Parameter, Parameter];
  const again = joined([first, second]);
  assert.deepEqual(again, Float32Array.of(1, 2, 3));
  assert.equal(again.buffer, all.buffer);
  assert.deepEqual(joined([second, first]), Float32Array.of(3, 1, 2));
  // What has stayed in its file is read, and stays there.
  const file = { path: "none", dtype: "F32" as const, offset: 0 };
  const inFile: Parameter = { shape: [1], file, data: Float32Array.of(7) };
  assert.deepEqual(joined([inFile, first]), Float32Array.of(7, 1, 2));
  assert.deepEqual(inFile.data.buffer.byteLength, 4);
});
