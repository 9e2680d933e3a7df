import assert from "node:assert/strict";
import { shippedBases } from "../plan.ts";
import { amountAndKind } from "../amount_and_kind.ts";
import {
  among,
  barsOf,
  differencesTable,
  matrixOf,
  measuresAlong,
  measuresTable,
} from "../charted.ts";
import { estimates } from "../estimates.ts";
import type { CellResult } from "../grid.ts";
import { templatesStudy } from "../templates.ts";
import { amountFindings } from "./amounts.ts";

/** Cells of a plan whose pass rate, in tenths, follows from their factors. */
function made(
  plan: { cells(size: "full"): readonly { factors: Readonly<Record<string, string | number>> }[] },
  tenths: (factors: Readonly<Record<string, string | number>>) => number,
): CellResult[] {
  const factors = plan.cells("full").slice(0, plan.cells("full").length / 6)
    .map(({ factors }) => factors);
  return shippedBases.flatMap((base) =>
    factors.map((of) => {
      const right = tenths(of);
      const pass = ("A".repeat(right) + "0".repeat(10 - right)).repeat(8);
      const outcomes = { pass, rankMean: "9".repeat(80) };
      return {
        factors: of,
        base,
        weights: "",
        seed: 1,
        outcomes,
        figures: { stops: 0.5 },
        seconds: 1,
      };
    })
  );
}

const findingOf = (number: number) => amountFindings.find((one) => one.number === number)!;

Deno.test("the answers follow the cells, whichever way they come out", () => {
  const answers = made(
    amountAndKind,
    ({ tunedOn, steps }) =>
      tunedOn === "nothing"
        ? 0
        : /instr|half|tenth/.test(`${tunedOn}`)
        ? 9
        : tunedOn === "responses"
        ? (steps === 300 ? 3 : 6)
        : 1,
  );
  assert.match(findingOf(3).find(answers).sentence, /bring 100 %.*answers are needed/);
  assert.match(findingOf(6).find(answers).sentence, /add 30\.0 .*in part/);
  assert.match(findingOf(14).find(answers).sentence, /passes 60, 60 and 30 % .*harms/);
  const alike = made(amountAndKind, ({ tunedOn }) => tunedOn === "nothing" ? 1 : 5);
  assert.match(findingOf(3).find(alike).sentence, /any text does/);
  assert.match(findingOf(6).find(alike).sentence, /neither adds/);
  assert.match(findingOf(14).find(alike).sentence, /neither helps nor harms/);
  for (const { sentence } of [3, 6, 14].map((number) => findingOf(number).find(answers))) {
    const words = sentence.replace(/\[[^\]]*\]/g, "").match(/\S*\w\S*/g)!;
    assert(words.length <= 30, `${words.length} words: ${sentence}`);
  }
  assert.throws(() => findingOf(3).find(alike.slice(0, 3)), /not computed yet/);
});

Deno.test("the answer on templates tells own tags from others", () => {
  const cells = made(
    templatesStudy,
    ({ arm, tuned, asked }) =>
      arm === "base" ? 2 : tuned === asked ? (tuned === "newline" ? 4 : 8) : 3,
  );
  const { sentence, sure } = findingOf(5).find(cells);
  assert.match(sentence, /passes 40 to 80 %; .*keeps 20 % of its gain; .*passes 30 %/);
  assert.equal(sure, "clear");
});

Deno.test("estimates as bars, matrix and lines are the same numbers", () => {
  const cells = made(templatesStudy, ({ arm }) => arm === "base" ? 2 : 5)
    .filter(({ factors }) => factors.arm === "response tuning");
  const rows = estimates(cells, "pass");
  const { rows: tuned, columns: asked, values } = matrixOf(rows, "tuned", "asked");
  assert.deepEqual([tuned.length, asked.length, values.flat().length], [6, 6, 36]);
  assert.deepEqual([...new Set(values.flat())], [50]);
  assert.equal(barsOf(rows, "tuned", "asked")[1]!.label, "semantic, A and B");
  const some = made(amountAndKind, () => 5)
    .filter(({ factors }) => factors.tunedOn === "responses" && factors.examples === 960);
  const [pass, stops] = measuresAlong(some, ["pass", "stops"], "steps");
  assert.deepEqual(pass!.points.map(({ x }) => x), ["1", "4", "15", "30", "60", "120", "300"]);
  assert.deepEqual([pass!.points[0]!.value, stops!.points[0]!.value], [50, 50]);
  const few = among(estimates(some, "pass"), { examples: 960, steps: [4, 60] });
  assert.deepEqual(few.map(({ steps }) => steps), [4, 60]);
  const [row] = measuresTable(some, ["pass", "stops"]);
  assert.deepEqual(row, { tunedOn: "responses", examples: 960, steps: 1, pass: 50, stops: 50 });
  const [difference] = differencesTable(some, "pass", [[{ steps: 60 }, { steps: 4 }]]);
  assert.deepEqual([difference!.first, difference!.difference], ["60", 0]);
});
