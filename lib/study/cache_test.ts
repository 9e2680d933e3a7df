import assert from "node:assert/strict";
import { mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { cached, canonical, codeVersion, hashOf } from "./cache.ts";

async function inEmptyCache(body: (folder: string) => Promise<void>) {
  const folder = await mkdtemp(join(tmpdir(), "cache-"));
  const before = Deno.env.get("IMPLICIT_CACHE");
  Deno.env.set("IMPLICIT_CACHE", folder);
  try {
    await body(folder);
  } finally {
    before === undefined
      ? Deno.env.delete("IMPLICIT_CACHE")
      : Deno.env.set("IMPLICIT_CACHE", before);
    await rm(folder, { recursive: true });
  }
}

Deno.test("canonical() does not depend on the order of keys", () => {
  assert.equal(canonical({ b: 1, a: [{ d: 2, c: 3 }] }), '{"a":[{"c":3,"d":2}],"b":1}');
  assert.equal(hashOf({ a: 1, b: 2 }), hashOf({ b: 2, a: 1 }));
  assert.notEqual(hashOf({ a: 1 }), hashOf({ a: 2 }));
});

Deno.test("cached() computes once, and again where the key or the file's content differs", async () => {
  await inEmptyCache(async (folder) => {
    let calls = 0;
    const compute = () => Promise.resolve(++calls);
    assert.deepEqual(await cached("runs", { seed: 1 }, compute), { value: 1, fresh: true });
    assert.deepEqual(await cached("runs", { seed: 1 }, compute), { value: 1, fresh: false });
    assert.deepEqual(await cached("runs", { seed: 2 }, compute), { value: 2, fresh: true });
    const path = join(folder, "runs", `${hashOf({ seed: 1 })}.json`);
    await writeFile(path, '{"key": {"seed": 1}, "val');
    assert.deepEqual(await cached("runs", { seed: 1 }, compute), { value: 3, fresh: true });
    assert.deepEqual((await readdir(join(folder, "runs"))).filter((f) => f.endsWith(".tmp")), []);
  });
});

Deno.test("cached() stores nothing where the computation fails", async () => {
  await inEmptyCache(async () => {
    await assert.rejects(cached("runs", 1, () => Promise.reject(new Error("stopped"))), /stopped/);
    assert.equal((await cached("runs", 1, () => Promise.resolve("after"))).value, "after");
  });
});

Deno.test("codeVersion() is stable within a process", async () => {
  assert.match(await codeVersion(), /^[0-9a-f]{16}$/);
  assert.equal(await codeVersion(), await codeVersion());
});
