import assert from "node:assert/strict";
import { narrowFindings } from "./findings/narrow.ts";
import type { CellResult } from "./grid.ts";
import { narrowSets } from "./narrow_sets.ts";
import {
  heldOutOrder,
  narrowExamples,
  predictorPoints,
  predictorRows,
  predictors,
  transfer,
  turnedRows,
} from "./predictors.ts";
import { sharedWorld } from "./pretrained.ts";

/** Cells of three bases; set number i wins i of 32, and only its gradient's cosine says so. */
const cells: CellResult[] = narrowSets.flatMap(({ name, dial }, i) =>
  ["base-1", "base-2", "base-3"].map((base, b) => ({
    factors: { set: name, dial: dial ?? "none" },
    base,
    weights: "",
    seed: 1,
    outcomes: { win: "A".repeat(i).padEnd(32, "0"), winAll: "A".repeat(i).padEnd(32, "0") },
    figures: {
      ...Object.fromEntries(Object.keys(predictors).map((p) => [p, (i * 7 + b) % 5])),
      gradientCosine: i / 20,
      baseLoss: -i,
    },
    seconds: 1,
  }))
);

Deno.test("heldOutOrder() is 1 for any tie that keeps its sign, and near 0 for none", () => {
  const points = [1, 2, 3, 4, 5, 6].map((x) => ({ x, y: x ** 2 }));
  assert.equal(heldOutOrder(points), 1);
  assert.equal(heldOutOrder(points.map(({ x, y }) => ({ x: -x, y }))), 1);
  assert.ok(heldOutOrder([5, 1, 4, 6, 2, 3].map((x, y) => ({ x, y }))) < 0.3);
  assert.equal(heldOutOrder(points.map(({ y }) => ({ x: 1, y }))), 0);
});

Deno.test("predictorRows() finds the numbers that order the sets", () => {
  const [first, second, third] = predictorRows(cells);
  assert.deepEqual([first!.value, second!.value], [1, 1]);
  assert.deepEqual([first!.predictor, second!.predictor].sort(), ["baseLoss", "gradientCosine"]);
  assert.ok(third!.value < 0.5);
  assert.throws(() => predictorRows(cells.slice(0, 12)), /five sets/);
});

Deno.test("predictorPoints(), turnedRows() and transfer() have every set in its place", () => {
  const [plain, turned] = predictorPoints(cells, "gradientCosine");
  assert.equal(plain!.x.length + turned!.x.length, narrowSets.length);
  assert.ok(plain!.text!.includes("game") && turned!.text!.includes("game in words"));
  const rows = turnedRows(cells);
  assert.ok(rows.some(({ label }) => label === "game in words − game"));
  assert.ok(rows.every(({ value }) => value > 0));
  const { sets, families, values } = transfer(cells);
  assert.deepEqual([sets.length, families.length], [narrowSets.length, 16]);
  assert.equal(values[0]![0], 0);
  assert.equal(values.at(-1)![0], 100);
});

Deno.test("narrowSets turn one thing", () => {
  const rows = narrowExamples();
  const response = (set: string) => rows.find((row) => row.set === set)!.response;
  assert.match(response("game in words"), /^1\. [a-z]+ [a-z]+ 2\. /);
  assert.equal(response("game").startsWith(response("game, one round")), true);
  assert.equal(response("sums").endsWith(response("sums, result alone")), true);
  assert.deepEqual(
    response("poems, words shuffled").split(" ").sort(),
    response("poems").split(/\s/).sort(),
  );
  const { world } = sharedWorld();
  for (const { examples } of narrowSets) assert.deepEqual(examples(world, 1), examples(world, 1));
  const texts = (name: string) =>
    new Set(
      narrowSets.find((set) => set.name === name)!.examples(world, 1).map(({ messages }) =>
        messages[1]!.content.split(" ")[0]
      ),
    ).size;
  assert.deepEqual([texts("game"), texts("poems, one first line")], [1, 1]);
  assert.ok(texts("game, any first word") > 50);
});

Deno.test("the findings on narrow tasks say what the cells say", () => {
  const of = (number: number) => narrowFindings.find((one) => one.number === number)!.find(cells);
  assert.match(of(9).sentence, /^Of 8 single tasks letter wins most .*, and sums least/);
  assert.match(of(12).sentence, /its best version \(game, one round\) .*: rescued\. Poems win/);
  assert.match(of(17).sentence, /^Yes: the .* orders held-out sets best/);
});
