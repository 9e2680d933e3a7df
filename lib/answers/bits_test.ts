import assert from "node:assert/strict";
import { bitsLines, bitsRows, overRules, wordLines, worthOfWords } from "./bits.ts";
import { adapterFindings } from "./findings/adapters.ts";
import type { CellResult } from "./grid.ts";

/** Cells of three bases: an arm, its size, and in how many of ten instructions it wins. */
function cellsOf(
  arms: readonly (readonly [kind: string, arm: string, bits: number, wins: number])[],
): CellResult[] {
  return arms.flatMap(([kind, arm, bits, wins]) =>
    ["base-1", "base-2", "base-3"].map((base) => ({
      factors: { kind, arm },
      base,
      weights: "",
      seed: 1,
      outcomes: { win: "A".repeat(wins).padEnd(10, "0") },
      figures: { bits, numbers: bits / 32 },
      seconds: 1,
    }))
  );
}

const cells = cellsOf([
  ["base", "base", 0, 0],
  ["rules", "eos + repetition", 400, 1],
  ["rules", "eos + repetition + uniform", 1600, 4],
  ["one word less", "without I", 1500, 2],
  ["one word less", "without We", 1500, 4],
  ["greedy words", "greedy 1", 800, 2],
  ["greedy words", "greedy 2", 900, 4],
  ["greedy words", "greedy 4", 1000, 4],
  ["greedy words", "greedy 8", 1200, 4],
  ["bias and EOS slope", "EOS + bias 1", 75, 1],
  ["bias and EOS slope", "EOS + bias 16", 704, 3],
  ["bias and EOS slope", "EOS + bias all", 49184, 10],
  ["all weights", "all weights", 3e7, 10],
]);

Deno.test("bitsRows() has the smallest first, bitsLines() a line a kind without the base", () => {
  const rows = bitsRows(cells);
  assert.deepEqual([rows[0]!.arm, rows.at(-1)!.arm], ["base", "all weights"]);
  assert.deepEqual(
    rows.map(({ bits }) => bits),
    rows.map(({ bits }) => bits).sort((a, b) => a - b),
  );
  const lines = bitsLines(cells);
  assert.deepEqual(lines.map(({ name }) => name), [
    "bias and EOS slope",
    "rules",
    "some or all weights",
  ]);
  assert.deepEqual(lines[1]!.points.map(({ x, value }) => [x, value]), [[400, 10], [1600, 40]]);
});

Deno.test("overRules() holds what was learnt against the rules, worthOfWords() the words", () => {
  assert.deepEqual(overRules(cells).map(({ arm, value }) => [arm, value]), [
    ["EOS + bias 1", -30],
    ["EOS + bias 16", -10],
    ["EOS + bias all", 60],
    ["all weights", 60],
  ]);
  assert.deepEqual(worthOfWords(cells).map(({ label, value }) => [label, value]), [
    ["I", 20],
    ["We", 0],
  ]);
  const [line] = wordLines(cells);
  assert.deepEqual(line!.points.map(({ x }) => x), [0, 1, 2, 4, 8, 15]);
});

Deno.test("the findings on bits say what the cells say, and the opposite of other cells", () => {
  const of = (number: number, from = cells) =>
    adapterFindings.find((one) => one.number === number)!.find(from);
  assert.match(of(4).sentence, /^With 2 of fifteen words the rules win 40.0 %/);
  assert.match(of(10).sentence, /on one token wins 10.0 %.*on sixteen 30.0 %.*on all 100.0 %/);
  assert.match(of(11).sentence, /surely beats the rules .* is EOS \+ bias all: 1,537 numbers/);
  assert.match(of(22).sentence, /^Half of what all weights win takes 49,184 bits/);
  const beaten = cells.filter(({ factors }) => !/all/.test(factors.arm as string));
  assert.match(of(11, beaten).sentence, /^No adapter surely beats the rules/);
  assert.throws(() => of(22, beaten), /all weights.* is not computed yet/);
});
