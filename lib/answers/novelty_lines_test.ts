import assert from "node:assert/strict";
import type { CellResult } from "./grid.ts";
import { measureLines, refusalDoses } from "./novelty_lines.ts";
import type { Factors } from "./plan.ts";
import { withinFamilies } from "./within_families.ts";

const cell = (factors: Factors, outcomes: CellResult["outcomes"]): CellResult => (
  { factors, base: "base-1", weights: "", seed: 1, outcomes, figures: {}, seconds: 1 }
);

Deno.test("withinFamilies() takes out that one family is easier and was read more", () => {
  // Sums: all read but one, none passes; words: one was read, all pass.
  const outcomes = { passRead: "000-" + "A---", passNew: "---0" + "-AAA" };
  const [found] = withinFamilies([cell({ arm: "a" }, outcomes)]);
  assert.equal(found!.figures.gainWithin, 0);
  const better = { passRead: "AA--" + "AA--", passNew: "--0A" + "--00" };
  assert.equal(withinFamilies([cell({ arm: "a" }, better)])[0]!.figures.gainWithin, 75);
  const other = cell({ arm: "a" }, { pass: "A" });
  assert.equal(withinFamilies([other])[0], other);
});

const dosed = (arm: string, refusals: number, refuses: string, pretraining = "some refuse") =>
  cell({ pretraining, arm, refusals }, { refuses });
const cells = [
  dosed("response tuning", 0, "0000"),
  dosed("response tuning, refusals alone", 20, "AA00"),
  dosed("response tuning, refusals alone", 200, "AAAA"),
  dosed("instruction tuning", 0, "0000"),
  dosed("response tuning", 0, "A000", "nobody refuses"),
];

Deno.test("refusalDoses() begins at the tuning alone, and leaves out what was not computed", () => {
  const [line, ...others] = refusalDoses(cells, "refuses");
  assert.equal(others.length, 0);
  assert.equal(line!.name, "response tuning, refusals alone");
  assert.deepEqual(line!.points.map(({ x, value }) => [x, value]), [
    ["0", 0],
    ["20", 50],
    ["200", 100],
  ]);
  assert.deepEqual(refusalDoses(cells, "refuses", "nobody refuses"), []);
});

Deno.test("measureLines() has a line for each measure, along a factor of the cells wanted", () => {
  const both = [
    cell({ arm: "a", n: 1 }, { x: "A0", y: "00" }),
    cell({ arm: "b", n: 2 }, { x: "0" }),
  ];
  const lines = measureLines(both, { x: "one", y: "two" }, "arm", { n: 1 });
  assert.deepEqual(lines.map(({ name }) => name), ["one", "two"]);
  assert.deepEqual(lines[0]!.points.map(({ x, value }) => [x, value]), [["a", 50]]);
});
