import { deepEqual, equal, match, ok } from "node:assert/strict";
import { mechanismFindings } from "./findings/mechanism.ts";
import type { CellResult } from "./grid.ts";
import {
  documentKinds,
  figureLines,
  gainLines,
  pairTiles,
  shareLines,
  swapLines,
  withRises,
} from "./mechanism_rows.ts";
import type { Factors } from "./plan.ts";

const bases = ["base-1", "base-2", "base-3"];

/** Cells of three bases that are alike but for a little. */
function cellsOf(
  factors: Factors,
  figures: Readonly<Record<string, number>>,
  outcomes: Readonly<Record<string, string>> = {},
): CellResult[] {
  return bases.map((base, i) => ({
    factors,
    base,
    weights: "",
    seed: 1,
    outcomes,
    figures: Object.fromEntries(
      Object.entries(figures).map(([name, value]) => [name, value * (1 + i / 100)]),
    ),
    seconds: 1,
  }));
}

function modeCells(kinds: number): CellResult[] {
  const figures = { kl: 4, klKinds: 4 * kinds, klEnd: 0.8, static: 0.6, apart: 0.7, shown: 0.1 };
  return [
    ...cellsOf({ arm: "base" }, {
      answer: 0.3,
      "full mode": -1,
      "full content": -3,
      "full end": -1,
    }),
    ...cellsOf({ arm: "response tuning" }, {
      ...figures,
      answer: 0.9,
      "full mode": -0.1,
      "full content": -2,
      "full end": -0.1,
      "kl 0": 1,
      "kl 2": 0.1,
    }),
  ];
}

function solutionCells(loss: number, same = 0.5, winOfBase = "0055"): CellResult[] {
  const cost = (of: string, more: number) =>
    cellsOf({ part: "cost", of }, {
      "loss 0.25": 0.3 + more,
      "loss own": 0.3,
      "noise 4": 0.4 + more,
    });
  const pair = (of: string, and: string, cosine: number) =>
    cellsOf({ part: "pair", of, with: and }, { cosine });
  return [
    ...cellsOf({ part: "solution", of: "general" }, {}, { pass: "AA0A" }),
    ...cellsOf({ part: "solution", of: "narrow" }, {}, { pass: "000A" }),
    ...cost("general", 0),
    ...cost("narrow", loss),
    ...pair("instruction", "response", same),
    ...pair("general", "instruction", 0.2),
    ...pair("instruction", "distilled rules", 0.6),
    ...cellsOf({ part: "swap", of: "response", with: 0 }, {}, { win: "5555" }),
    ...cellsOf({ part: "swap", of: "base", with: 0 }, {}, { win: winOfBase }),
  ];
}

const find = (number: number, study: string, cells: readonly CellResult[]) =>
  mechanismFindings.find((one) => one.number === number && one.study === study)!.find(cells);

Deno.test("the modes' answer follows their share of the divergence", () => {
  match(find(20, "hidden-modes", modeCells(0.8)).sentence, /^Mostly: .* from 30 to 91 %/);
  match(find(20, "hidden-modes", modeCells(0.4)).sentence, /^In part: /);
  const { sentence, sure } = find(20, "hidden-modes", modeCells(0.1));
  match(sentence, /^In small part: .* 10 % \[10, 10\] of KL/);
  equal(sure, "clear");
});

Deno.test("the general solution is nearer only where the narrow one loses at equal length", () => {
  const of = (loss: number) => find(20, "narrow-or-general", solutionCells(loss)).sentence;
  match(of(0.2), /^The general solution is nearer: .* 0\.202 .* it passes 25 %, the general 75 %/);
  match(of(-0.1), /^The narrow is as near/);
});

Deno.test("swaps count only where losing a layer's tuning costs something", () => {
  const of = (same: number, winOfBase: string) =>
    find(1, "narrow-or-general", solutionCells(0.2, same, winOfBase)).sentence;
  match(
    of(0.5, "0055"),
    /^In degree: .* cosine 0\.51 .* a swapped layer costs 0 points, the base's 25/,
  );
  match(of(0.1, "5555"), /^As from poems: .* swaps tell nothing/);
});

Deno.test("sentences have thirty words or fewer", () => {
  const found = [
    find(20, "hidden-modes", modeCells(0.1)),
    find(20, "narrow-or-general", solutionCells(0.2)),
    find(1, "narrow-or-general", solutionCells(0.2)),
    find(1, "narrow-or-general", solutionCells(0.2, 0.1, "5555")),
  ];
  for (const { sentence } of found) {
    const words = sentence.replace(/\[[^\]]*\]/g, "").split(/\s+/).filter((word) =>
      /\w/.test(word)
    );
    ok(words.length <= 30, `${words.length} words: ${sentence}`);
  }
});

Deno.test("rows of the notebook: gains over the base, shares, lines along a number, tiles, swaps", () => {
  const modes = modeCells(0.5);
  const [mode] = gainLines([...modes], "full");
  ok(Math.abs(mode!.points[0]!.value - 0.9) < 0.02);
  const [kinds, rest] = shareLines(modes, ["kind of reply", "all else"], ["response tuning"]);
  ok(Math.abs(kinds!.points[0]!.value - 50) < 0.01);
  ok(Math.abs(rest!.points[0]!.value - 30) < 0.01);
  const [line] = figureLines(modes, "kl", { tuned: { arm: "response tuning" } }, 10);
  deepEqual(line!.points.map(({ x }) => x), [0, 2]);
  ok(Math.abs(line!.points[0]!.value - 10.1) < 0.01);
  const solutions = solutionCells(0.2, 0.6);
  const { names, values } = pairTiles(solutions, "cosine");
  deepEqual(names, ["instruction", "response", "general", "distilled rules"]);
  deepEqual(values[0]!.map((value) => value!.toFixed(1)), ["1.0", "0.6", "0.2", "0.6"]);
  deepEqual(values[1]!.map((value) => value?.toFixed(1) ?? null), ["0.6", "1.0", null, null]);
  const narrow = { narrow: { part: "cost", of: "narrow" } };
  const rises = figureLines(withRises(solutions), "rise", narrow);
  ok(Math.abs(rises[0]!.points[0]!.value - 0.3) < 0.01);
  equal(swapLines(solutions, ["base"])[0]!.points[0]!.x, "layer 1");
});

Deno.test("documents answer about as often as the recipe's modes say", () => {
  const kinds = documentKinds();
  ok(kinds.answer > 40 && kinds.answer < 60, `${kinds.answer}`);
  ok(Math.abs(Object.values(kinds).reduce((a, b) => a + b) - 100) < 1e-9);
});
