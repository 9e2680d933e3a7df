import assert from "node:assert/strict";
import { differenceOverBases, overBases } from "./bases.ts";
import type { ResultRow } from "./results.ts";

const row = (model: string, arm: string, values: (number | null)[][]): ResultRow => ({
  section: "6",
  arm,
  model,
  seed: null,
  metric: "win-rate",
  value: 100 * values.flat().reduce<number>((sum, v) => sum + (v ?? 0), 0) / values.flat().length,
  low: 0,
  high: 0,
  sd: null,
  n: 1,
  paper: null,
  seconds: 0,
  engine: "",
  hashes: {},
  versions: {},
  values,
});

Deno.test("overBases() lets a base count as one draw", () => {
  const same = Array.from({ length: 100 }, (_, i) => i % 2);
  const alike = overBases(["a", "b", "c"].map((base) => row(base, "rules", [same, same])));
  assert.equal(alike.length, 1);
  assert.deepEqual([alike[0]!.value, alike[0]!.lowest, alike[0]!.highest, alike[0]!.bases], [
    50,
    50,
    50,
    3,
  ]);
  assert.ok(alike[0]!.low > 38 && alike[0]!.high < 62, JSON.stringify(alike[0]));
  // Bases that differ, without any spread of their own: the interval is theirs.
  const apart = overBases([0, 0.5, 1].map((p, i) => row(`${i}`, "rules", [same.map(() => p)])))[0]!;
  assert.deepEqual([apart.value, apart.lowest, apart.highest], [50, 0, 100]);
  assert.ok(apart.low < 10 && apart.high > 90, JSON.stringify(apart));
});

Deno.test("differenceOverBases() pairs arms within bases, and leaves missing values out", () => {
  const rows = ["a", "b"].flatMap((base, i) => [
    row(base, "rules", [[0.5 + i / 4, 0.5 + i / 4, null]]),
    row(base, "rules-without-eos", [[0.25 + i / 4, 0.25 + i / 4, 1]]),
  ]);
  assert.deepEqual(differenceOverBases(rows, "6", "rules", "rules-without-eos"), {
    value: 25,
    low: 25,
    high: 25,
  });
  assert.throws(
    () => differenceOverBases(rows, "6", "rules", "base"),
    /a base with rules and base/,
  );
});
