import assert from "node:assert/strict";
import { encodeModel, type Graph } from "./onnx.ts";
import { Session } from "./ort.ts";
import { ortVersion } from "./ort_api.ts";

const product: Graph = {
  name: "product",
  inputs: [{ name: "x", dtype: "float32", shape: ["rows", 3] }],
  outputs: [
    { name: "y", dtype: "float32", shape: ["rows", 2] },
    { name: "size", dtype: "int64", shape: [2] },
  ],
  initializers: [{
    name: "w",
    dtype: "float32",
    shape: [3, 2],
    data: Float32Array.of(1, 2, 3, 4, 5, 6),
  }],
  nodes: [
    { op: "Gemm", inputs: ["x", "w"], outputs: ["y"], attributes: { alpha: { float: 2 } } },
    { op: "Shape", inputs: ["y"], outputs: ["size"] },
  ],
};

function rows(...values: number[]) {
  return {
    dtype: "float32" as const,
    shape: [values.length / 3, 3],
    data: Float32Array.from(values),
  };
}

Deno.test("Session.run() allocates outputs and tells their shape", async () => {
  const session = await Session.create(encodeModel(product));
  assert.deepEqual(session.inputNames, ["x"]);
  assert.deepEqual(session.outputNames, ["y", "size"]);
  const { y, size } = await session.run({ x: rows(1, 0, 0, 0, 1, 1) });
  assert.deepEqual(y, { dtype: "float32", shape: [2, 2], data: Float32Array.of(2, 4, 16, 20) });
  assert.deepEqual(size!.data, BigInt64Array.of(2n, 2n));
  const empty = await session.run({
    x: { dtype: "float32", shape: [0, 3], data: new Float32Array(0) },
  });
  assert.deepEqual(empty.y!.shape, [0, 2]);
  session.dispose();
  await assert.rejects(session.run({ x: rows(1, 2, 3) }), /disposed/);
});

Deno.test("Session.run() writes listed outputs into the caller's arrays, views included", async () => {
  const session = await Session.create(encodeModel(product), { threads: 1, optimize: false });
  const memory = new Float32Array(6).fill(-1);
  const y = { dtype: "float32" as const, shape: [1, 2], data: memory.subarray(2, 4) };
  const found = await session.run({ x: rows(1, 1, 1) }, { y });
  assert.equal(found.y, y);
  assert.deepEqual(memory, Float32Array.of(-1, -1, 18, 24, -1, -1));
  session.dispose();
});

Deno.test("Session.bind() reads and writes the same arrays at every run", async () => {
  const session = await Session.create(encodeModel(product), { threads: 2, spin: 20 });
  const x = rows(0, 0, 0);
  const y = { dtype: "float32" as const, shape: [1, 2], data: new Float32Array(2) };
  const bound = session.bind({ x }, { y });
  for (const value of [1, -2, 0.5]) {
    x.data.fill(value);
    const { size } = await bound.run(); // allocated, since none was given
    assert.deepEqual(y.data, Float32Array.of(18 * value, 24 * value));
    assert.deepEqual(size!.data, BigInt64Array.of(1n, 2n));
  }
  bound.dispose();
  assert.throws(() => session.bind({}), /Expected input "x"/);
  assert.throws(() => session.bind({ x: { ...x, shape: [2, 3] } }), /to hold 24 bytes/);
  session.dispose();
  assert.throws(() => session.bind({ x }), /disposed/);
});

Deno.test("short bound runs do without another thread, and the event loop has its turns", async () => {
  const session = await Session.create(encodeModel(product), { threads: 1 });
  const bind = () => session.bind({ x: rows(1, 2, 3) });
  const bound = bind();
  const microtasks = async () => {
    for (let i = 0; i < 100; i++) await null;
    return false;
  };
  /** Whether the event loop had no turn at the run. */
  const runsHere = async () => {
    const run = bound.run().then(() => true);
    const here = await Promise.race([run, microtasks()]);
    await run;
    return here;
  };
  let ticks = 0, here = 0;
  const timer = setInterval(() => ticks++, 1);
  for (let i = 0; i < 5000; i++) if (await runsHere()) here++;
  clearInterval(timer);
  assert.ok(
    ticks >= 10 && here >= 50,
    `the timer fired ${ticks} times, and ${here} runs were here`,
  );
  const other = bind(); // now both may want to run at the same time
  for (let i = 0; i < 50; i++) assert.equal(await runsHere(), false);
  for (const one of [bound, other]) one.dispose();
  session.dispose();
});

Deno.test("Session.create() takes external initializers from memory", async () => {
  const external = { location: "memory", offset: 0, length: 24 };
  const session = await Session.create(
    encodeModel({
      ...product,
      initializers: [{ name: "w", dtype: "float32", shape: [3, 2], external }],
    }),
    {
      largePages: true,
      initializers: {
        w: { dtype: "float32", shape: [3, 2], data: Float32Array.of(1, 2, 3, 4, 5, 7) },
      },
    },
  );
  const { y } = await session.run({ x: rows(1, 1, 1) });
  assert.deepEqual(y!.data, Float32Array.of(18, 26));
  session.dispose();
});

Deno.test("Session.run() leaves the event loop free and survives dispose() while running", async () => {
  const n = 1024;
  const session = await Session.create(encodeModel({
    name: "chain",
    inputs: [{ name: "x", dtype: "float32", shape: [n, n] }],
    outputs: [{ name: "y", dtype: "float32", shape: [n, n] }],
    initializers: [],
    nodes: [
      { op: "MatMul", inputs: ["x", "x"], outputs: ["a"] },
      { op: "MatMul", inputs: ["a", "x"], outputs: ["b"] },
      { op: "MatMul", inputs: ["b", "x"], outputs: ["y"] },
    ],
  }));
  let ticks = 0;
  const timer = setInterval(() => ticks++, 1);
  const done = session.run({
    x: { dtype: "float32", shape: [n, n], data: new Float32Array(n * n) },
  });
  session.dispose();
  await done;
  clearInterval(timer);
  assert.ok(ticks > 0, `expected the timer to fire during the run but it fired ${ticks} times`);
});

Deno.test("Session.create() and run() give ONNX Runtime's reason", async () => {
  assert.match(ortVersion(), /^\d+\.\d+\.\d+$/);
  await assert.rejects(Session.create(new Uint8Array([1, 2, 3])), /ONNX Runtime: .*protobuf/i);
  await assert.rejects(Session.create("no/such/model.onnx"), /no\/such\/model\.onnx/);
  const unknown: Graph = {
    ...product,
    nodes: [{ op: "Nonsense", inputs: ["x"], outputs: ["y", "size"] }],
  };
  await assert.rejects(Session.create(encodeModel(unknown)), /Nonsense/);
  const session = await Session.create(encodeModel(product));
  await assert.rejects(session.run({}), /Expected input "x"/);
  await assert.rejects(session.run({ x: rows(1, 2, 3), z: rows(1, 2, 3) }), /found "z"/);
  await assert.rejects(
    session.run({ x: { ...rows(1, 2, 3), shape: [2, 3] } }),
    /to hold 24 bytes but found 12/,
  );
  await assert.rejects(
    session.run({ x: { dtype: "float32", shape: [1, 4], data: new Float32Array(4) } }),
    /ONNX Runtime: .*dimension/i,
  );
  session.dispose();
});

Deno.test("Session.run() keeps memory stable over 200 runs", async () => {
  const n = 512; // 1 MiB a tensor: a leak of one tensor a run would show as 200 MiB
  const session = await Session.create(encodeModel({
    name: "add",
    inputs: [{ name: "x", dtype: "float32", shape: [n, n] }],
    outputs: [{ name: "y", dtype: "float32", shape: [n, n] }],
    initializers: [],
    nodes: [{ op: "Add", inputs: ["x", "x"], outputs: ["y"] }],
  }));
  const x = { dtype: "float32" as const, shape: [n, n], data: new Float32Array(n * n) };
  const y = { ...x, data: new Float32Array(n * n) };
  for (let i = 0; i < 20; i++) await session.run({ x }, { y });
  const before = process.memoryUsage().rss;
  for (let i = 0; i < 200; i++) await session.run({ x }, { y });
  const grown = (process.memoryUsage().rss - before) / 2 ** 20;
  assert.ok(grown < 40, `expected less than 40 MiB of growth but found ${grown.toFixed(1)}`);
  session.dispose();
});
