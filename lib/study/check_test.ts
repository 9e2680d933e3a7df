import assert from "node:assert/strict";
import { checkRows, checkSentences, committedRows } from "./check.ts";
import type { ResultRow } from "./results.ts";

const row = (arm: string, value: number, over: Partial<ResultRow> = {}): ResultRow => ({
  section: "4.1",
  arm,
  model: "base-1",
  seed: 1,
  metric: "win-rate",
  value,
  low: value - 2,
  high: value + 2,
  sd: null,
  n: 192,
  paper: null,
  seconds: 1,
  engine: "test",
  hashes: { base: "b", tokenizer: "t", prompts: "p", code: "c" },
  versions: { deno: "2.9.6" },
  ...over,
});
const committed = [row("base", 2), row("rules", 30), row("response-tuning", 40)];

Deno.test("checkRows() finds the same run equal to the last bit", () => {
  const check = checkRows(committed.map((row) => ({ ...row, seconds: 9 })), committed);
  assert.equal(check.holds, true);
  assert.ok(check.rows.every(({ moved }) => moved === "no"));
  assert.equal(
    checkSentences(check),
    "3 numbers compared with the committed ones: all equal to the last bit.\n" +
      "The committed numbers hold.",
  );
});

Deno.test("checkRows() tells what moved within its interval, an end of it included, or out of it", () => {
  const fresh = [row("base", 2), row("rules", 32), row("response-tuning", 43)];
  const check = checkRows(fresh, committed);
  assert.deepEqual(check.rows.map(({ arm, moved }) => [arm, moved]), [
    ["response-tuning", "outside"],
    ["rules", "within"],
    ["base", "no"],
  ]);
  assert.equal(check.holds, false);
  assert.match(checkSentences(check), /1 equal .*, 1 moved within .*, 1 moved out/);
  assert.equal(checkRows(fresh.slice(0, 2), committed).holds, true);
});

Deno.test("checkRows() takes an interval that moved for a move, though the value did not", () => {
  const check = checkRows([row("base", 2, { low: 1 })], committed);
  assert.deepEqual(check.rows.map(({ moved }) => moved), ["within"]);
});

Deno.test("checkRows() compares only what both have, and says what it left out", () => {
  const fresh = [
    row("base", 2),
    row("base", 2, { seed: 9 }),
    row("rules", 99, { n: 960 }),
    row("mine", 50),
  ];
  const check = checkRows(fresh, committed);
  assert.deepEqual(check.rows.map(({ arm }) => arm), ["base"]);
  assert.deepEqual([check.unknown, check.others, check.holds], [2, 1, true]);
  assert.match(
    checkSentences(check),
    /Left out: 2 numbers that nothing committed measures, 1 number over .*, 1 number that this run/,
  );
});

Deno.test("checkRows() does not hold where nothing was compared", () => {
  const check = checkRows([row("mine", 50)], committed);
  assert.equal(check.holds, false);
  assert.match(checkSentences(check), /^Nothing to compare/);
});

Deno.test("checkRows() names another version of the code, and compares all the same", () => {
  const other = { hashes: { ...committed[0]!.hashes, code: "d" }, versions: { deno: "3.0.0" } };
  const check = checkRows([row("base", 2.5, other)], committed);
  assert.deepEqual(check.differences, ["code c → d", "deno 2.9.6 → 3.0.0"]);
  assert.deepEqual([check.rows.length, check.holds], [1, true]);
});

Deno.test("checkRows() takes a base with other weights for another base", () => {
  const check = checkRows(
    [row("base", 2, { hashes: { ...committed[0]!.hashes, base: "x" } }), row("rules", 30)],
    committed,
  );
  assert.deepEqual([check.rows.length, check.foreign, check.holds], [1, 1, false]);
});

Deno.test("the committed rows hold against themselves", async () => {
  const rows = await committedRows();
  const check = checkRows(rows, rows);
  assert.deepEqual([check.holds, check.rows.length], [true, rows.length]);
});
