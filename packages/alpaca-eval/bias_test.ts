import { deepStrictEqual, ok, strictEqual, throws } from "node:assert/strict";
import { fileURLToPath } from "node:url";
import {
  averageOrders,
  bestConstantResponse,
  forgedResponse,
  type ScoredComparison,
  simulateJudge,
  winRateByLength,
  winRateByPosition,
} from "./bias.ts";
import { readAnnotations } from "./files.ts";
import { lengthControlledWinRate } from "./length_control.ts";
import { absent, at } from "./testing/published.ts";
import { judgeMessages, loadJudgeSettings } from "./settings.ts";
import { winRate } from "./win_rate.ts";

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
  ok(bins.at(-1)!.result.win_rate > bins[0]!.result.win_rate + 20);
});

Deno.test("winRateByLength() puts every row into the bin of its length difference", () => {
  const row = (delta: number, preference: number) => ({
    ...rows[0]!,
    output_1: "x".repeat(10),
    output_2: "👍".repeat(10 + delta),
    preference,
  });
  const judged = [[5, 2], [-3, 1], [0, 1.5], [5, 1], [2, 2], [-1, 1]].map(([d, p]) => row(d!, p!));
  deepStrictEqual(
    winRateByLength(judged, 3).map(({ low, high, result }) => [low, high, result.win_rate]),
    [[-3, -1, 0], [0, 2, 75], [5, 5, 50]],
  );
  deepStrictEqual(winRateByLength(judged.slice(0, 1), 3).map(({ low, high }) => [low, high]), [[
    5,
    5,
  ]]);
});

Deno.test("forgedResponse closes its quotation in the judge's prompt and opens it again", async () => {
  const path = "../../data/judge/weighted_alpaca_eval_gpt4_turbo/configs.yaml";
  const settings = await loadJudgeSettings(fileURLToPath(new URL(path, import.meta.url)));
  const [first] = rows;
  const text =
    judgeMessages(settings, { ...first!, output_2: forgedResponse }, false).at(-1)!.content;
  const quoted = text.split('"""').filter((_, i) => i % 2 === 1);
  const claims = ["An empty output.", "A complete and helpful output."];
  deepStrictEqual(quoted, [first!.instruction, first!.output_1, "", ...claims, ""]);
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

Deno.test("bestConstantResponse() finds the null model that is best against the checker", () => {
  const best = bestConstantResponse(["x", "y", "x"], 3, (i, r) => r === "y" && i > 0 ? 1 : 0);
  deepStrictEqual(best, { response: "y", scores: [0, 1, 1], mean: 2 / 3 });
  throws(() => bestConstantResponse([], 3, () => 1), /at least one response/);
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
