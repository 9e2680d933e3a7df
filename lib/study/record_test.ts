import assert from "node:assert/strict";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { ResultRow } from "./results.ts";
import { readResults, summaryRows } from "./record.ts";

const row = (section: string, arm: string, seed: number | null, value: number): ResultRow => ({
  section,
  arm,
  model: "world-1",
  seed,
  metric: "win-rate",
  value,
  low: value - 1,
  high: value + 1,
  sd: null,
  n: 9,
  paper: null,
  seconds: 1,
  engine: "test",
  hashes: {},
  versions: {},
});

Deno.test("readResults() keeps the later of two rows of one number", async () => {
  const folder = await mkdtemp(join(tmpdir(), "results-"));
  const path = join(folder, "results.jsonl");
  try {
    assert.deepEqual(await readResults(path), []);
    const rows = [row("4.1", "base", 1, 2), row("4.1", "base", null, 3), row("4.1", "base", 1, 5)];
    await writeFile(path, rows.map((r) => JSON.stringify(r) + "\n").join(""));
    assert.deepEqual((await readResults(path)).map((r) => [r.seed, r.value]), [[null, 3], [1, 5]]);
  } finally {
    await rm(folder, { recursive: true });
  }
});

Deno.test("readResults() leaves out a torn line and a row of other values, with a warning each", async () => {
  const folder = await mkdtemp(join(tmpdir(), "results-")), { warn } = console;
  const path = join(folder, "results.jsonl"), warnings: string[] = [];
  console.warn = (text) => warnings.push(text);
  try {
    const whole = JSON.stringify(row("4.1", "base", 1, 2));
    const lines = [whole.slice(0, 40), whole, whole.replace('"low":1', '"low":"1"'), "null"];
    await writeFile(path, lines.join("\n"));
    assert.deepEqual(await readResults(path), [row("4.1", "base", 1, 2)]);
    assert.deepEqual(warnings.map((text) => /^Line (\d) of .* no result/.exec(text)?.[1]), [
      ...["1", "3", "4"],
    ]);
  } finally {
    console.warn = warn;
    await rm(folder, { recursive: true });
  }
});

Deno.test("summaryRows() shows numbers over all seeds in the paper's order", () => {
  const rows = [row("10", "a", null, 1), row("4.1", "b", null, 2), row("4.1", "b", 1, 2)];
  const summary = summaryRows(rows);
  assert.deepEqual(summary.map((r) => r.section), ["4.1", "10"]);
  assert.equal(summary[0]!["95 % interval"], "1.0 – 3.0");
});
