import { deepStrictEqual, ok, strictEqual, throws } from "node:assert/strict";
import {
  averageOrders,
  bestConstantResponse,
  forgedResponse,
  nullModel,
  type ScoredComparison,
  simulateJudge,
  winRateByLength,
  winRateByPosition,
} from "./bias.ts";
import { readAnnotations } from "./annotation.ts";
import { lengthControlledWinRate } from "./length_control.ts";
import { absent, at } from "./testdata.ts";
import { winRate } from "./winrate.ts";

/** Equal quality on average, and a candidate that is longer four times in five. */
const rows: ScoredComparison[] = Array.from({ length: 500 }, (_, i) => ({
  instruction: `Instruction ${i}`,
  output_1: "x".repeat(50),
  output_2: "y".repeat(i % 5 ? 50 + (i * 7) % 40 : 50 - (i * 7) % 40),
  generator_1: "r",
  generator_2: "c",
  score_1: (i * 3 % 11) / 10,
  score_2: (i * 8 % 11) / 10,
}));

Deno.test("simulateJudge() is fair where it has no weakness, and length control undoes one", () => {
  const fair = simulateJudge(rows, { quality: 2 });
  const fooled = simulateJudge(rows, { quality: 2, length: 2 });
  const truth = winRate(fair).win_rate;
  ok(winRate(fooled).win_rate > truth + 8, "the bias shows");
  const controlled = lengthControlledWinRate(fooled).length_controlled_winrate;
  ok(Math.abs(controlled - truth) < 3, `${controlled} for ${truth}`);
  const bins = winRateByLength(fooled, 4);
  strictEqual(bins.reduce((sum, bin) => sum + bin.result.n_total, 0), 500);
  ok(bins.every((bin, i) => i === 0 || bin.low > bins[i - 1]!.high));
  ok(bins.at(-1)!.result.win_rate > bins[0]!.result.win_rate + 20);
});

Deno.test("winRateByPosition() finds a position bias, and both orders together undo it", () => {
  const fair = simulateJudge(rows, { quality: 2 });
  const biased = simulateJudge(rows, { quality: 2, position: 1 });
  const { firstWins, candidateFirst, candidateSecond } = winRateByPosition(biased);
  ok(firstWins > 60 && candidateFirst.win_rate > candidateSecond.win_rate + 20);
  strictEqual(candidateFirst.n_total + candidateSecond.n_total, 500);
  ok(Math.abs(winRateByPosition(fair).firstWins - 50) < 5);
  const swapped = simulateJudge(rows, { quality: 2, position: -1 });
  const both = averageOrders(biased, swapped);
  ok(Math.abs(winRate(both).win_rate - winRate(fair).win_rate) < 1);
  ok(Math.abs(winRateByPosition(both).firstWins - winRateByPosition(fair).firstWins) < 1);
  throws(() => averageOrders(biased, swapped.slice(1)), /another at row 0/);
});

Deno.test("null models answer alike, and the best one is the best against the checker", () => {
  deepStrictEqual(nullModel(["a", "b"], "c").map((row) => row.output), ["c", "c"]);
  const best = bestConstantResponse(["x", "y", "x"], 3, (i, r) => r === "y" && i > 0 ? 1 : 0);
  deepStrictEqual(best, { response: "y", scores: [0, 1, 1], mean: 2 / 3 });
  ok(forgedResponse.startsWith('"""'), "closes the quotation of the prompt");
});

Deno.test({
  name: "winRateByLength() and winRateByPosition() read published rows (needs ../shared/testdata)",
  ignore: absent,
  fn: async () => {
    const rows = await readAnnotations(at("FuseChat-Llama-3.2-1B-Instruct.annotations.json.gz"));
    const { candidateFirst, candidateSecond } = winRateByPosition(rows);
    strictEqual(candidateFirst.n_total + candidateSecond.n_total, 805);
    const total = winRateByLength(rows, 7).reduce((sum, bin) => sum + bin.result.n_total, 0);
    strictEqual(total, 805);
  },
});
