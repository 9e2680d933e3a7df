import assert from "node:assert/strict";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { finishedNotebooks } from "./finished.ts";

Deno.test("a notebook has finished until its cells or what decides their work change", async () => {
  const folder = await mkdtemp(join(tmpdir(), "finished-"));
  const write = (...cells: string[]) =>
    writeFile(
      join(folder, "a.ipynb"),
      JSON.stringify({ cells: cells.map((source) => ({ source, outputs: [Math.random()] })) }),
    );
  const open = (seeds: number) =>
    finishedNotebooks(folder, join(folder, "cache"), resolve(import.meta.dirname!, ".."), {
      seeds,
    });
  try {
    await write("1 + 1");
    assert.equal(await open(1).has("a"), false);
    await open(1).add("a");
    await write("1 + 1"); // its outputs differ
    assert.equal(await open(1).has("a"), true);
    assert.equal(await open(2).has("a"), false);
    await write("1 + 2");
    assert.equal(await open(1).has("a"), false);
  } finally {
    await rm(folder, { recursive: true });
  }
});
