import assert from "node:assert/strict";
import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DiskCache } from "./cache.ts";
import { canonical, hashOf } from "./hash.ts";

async function inEmptyCache(body: (cache: DiskCache) => Promise<void>) {
  const folder = await mkdtemp(join(tmpdir(), "cache-"));
  try {
    await body(new DiskCache(folder));
  } finally {
    await rm(folder, { recursive: true });
  }
}

Deno.test("canonical() does not depend on the order of keys", () => {
  assert.equal(canonical({ b: 1, a: [{ d: 2, c: 3 }] }), '{"a":[{"c":3,"d":2}],"b":1}');
  assert.equal(hashOf({ a: 1, b: 2 }), hashOf({ b: 2, a: 1 }));
  assert.notEqual(hashOf({ a: 1 }), hashOf({ a: 2 }));
});

Deno.test("DiskCache computes once, and again where the key or the file's content differs", () =>
  inEmptyCache(async (cache) => {
    let calls = 0;
    const compute = () => Promise.resolve(++calls);
    assert.equal(await cache.of("runs", { seed: 1 }, compute), 1);
    assert.equal(await cache.of("runs", { seed: 1 }, compute), 1);
    assert.equal(await cache.of("runs", { seed: 2 }, compute), 2);
    const path = join(cache.folder, "runs", `${hashOf({ seed: 1 })}.json`);
    await writeFile(path, '{"key": {"seed": 1}, "val');
    assert.equal(await cache.of("runs", { seed: 1 }, compute), 3);
    const text = await readFile(path, "utf8");
    await writeFile(path, text.replace(/3}$/, "7}"));
    assert.equal(await cache.of("runs", { seed: 1 }, compute), 4, "a flipped digit is noticed");
    for (
      const other of [
        "null",
        `{"key":{"seed":1},"sha256":"x"}`,
        `{"key":${"[".repeat(30_000)}${"]".repeat(30_000)}}`,
      ]
    ) {
      const whole = await readFile(path, "utf8");
      await writeFile(path, other);
      assert.equal(await cache.of("runs", { seed: 1 }, () => Promise.resolve(4)), 4);
      assert.equal(await readFile(path, "utf8"), whole);
    }
    const written: number[] = [];
    const beside = (isWhole: boolean) => ({
      write: (value: number) => Promise.resolve(void written.push(value)),
      isWhole: () => Promise.resolve(isWhole),
    });
    assert.equal(await cache.of("runs", { seed: 1 }, compute, beside(false)), 5);
    assert.equal(await cache.of("runs", { seed: 1 }, compute, beside(true)), 5);
    assert.deepEqual(written, [5], "what belongs to a value is written with it");
    const names = await readdir(join(cache.folder, "runs"));
    assert.deepEqual(names.filter((name) => !name.endsWith(".json")), []);
  }));

Deno.test("a fresh DiskCache ignores what others kept, and keeps what it computes", () =>
  inEmptyCache(async ({ folder }) => {
    const key = { of: "fresh" };
    const path = join(folder, "runs", `${hashOf(key)}.json`);
    await new DiskCache(folder).of("runs", { of: "another" }, () => Promise.resolve(0));
    await writeFile(path, JSON.stringify({ key, value: "old" }));
    const fresh = new DiskCache(folder, true);
    assert.equal(await fresh.of("runs", key, () => Promise.resolve("new")), "new");
    assert.equal(await fresh.of("runs", key, () => Promise.resolve("newer")), "new");
  }));

Deno.test("DiskCache keeps nothing where the computation fails", () =>
  inEmptyCache(async (cache) => {
    const stopped = () => Promise.reject(new Error("stopped"));
    await assert.rejects(cache.of("runs", 1, stopped), /stopped/);
    assert.equal(await cache.of("runs", 1, () => Promise.resolve("after")), "after");
  }));

Deno.test("DiskCache keeps no value whose files cannot be written, but gives it in this process", () =>
  inEmptyCache(async (cache) => {
    const { warn } = console, warnings: string[] = [];
    console.warn = (text) => warnings.push(text);
    try {
      const value = { dear: true };
      const full = {
        write: () => Promise.reject(new Error("ENOSPC: no space left")),
        isWhole: () => Promise.resolve(true),
      };
      for (let i = 0; i < 2; i++) {
        assert.equal(await cache.of("runs", 2, () => Promise.resolve(value), full), value);
      }
    } finally {
      console.warn = warn;
    }
    await assert.rejects(readdir(join(cache.folder, "runs")), /ENOENT/);
    assert.equal(warnings.length, 1);
    assert.match(warnings[0]!, /Not kept in runs.*: ENOSPC.* Make room in .*, or set the cache's/);
  }));

Deno.test({
  name: "DiskCache gives what it cannot keep, once computed, until the process ends (needs /proc)",
  ignore: Deno.build.os !== "linux", // a folder that nobody can write into, root included
  async fn() {
    const { warn } = console, warnings: string[] = [];
    console.warn = (text) => warnings.push(text);
    try {
      const cache = new DiskCache("/proc/none");
      assert.equal(await cache.of("runs", 1, () => Promise.resolve("dear")), "dear");
      assert.equal(await cache.of("runs", 1, () => Promise.reject(new Error("again"))), "dear");
    } finally {
      console.warn = warn;
    }
    assert.equal(warnings.length, 1);
    assert.match(warnings[0]!, /^Not kept in runs/);
  },
});
