import { deepStrictEqual, ok, strictEqual, throws } from "node:assert/strict";
import { codePoints, preferencesFromScores, toProbability } from "./preference.ts";
import { winRate } from "./win_rate.ts";

const rows = (preferences: number[]) =>
  preferences.map((preference, i) => ({ instruction: `i${i}`, preference }));

Deno.test("winRate() counts wins, losses, draws, missing and invalid rows by name", () => {
  const result = winRate(rows([2, 1.75, 1, 1.25, 1.5, 0, NaN, 3, 0.5, -1]));
  const { win_rate, standard_error, ...counts } = result;
  deepStrictEqual(counts, {
    discrete_win_rate: 50,
    n_wins: 2,
    n_wins_base: 2,
    n_draws: 2,
    n_total: 6,
    n_missing: 1,
    n_invalid: 3,
  });
  strictEqual(win_rate, 50);
  // numpy.std([1, .75, 0, .25, .5, .5], ddof=1) / sqrt(6) * 100
  ok(Math.abs(standard_error - 14.433756729740644) < 1e-12);
});

Deno.test("winRate() of one row has no standard error; of none usable no rate; of nothing throws", () => {
  ok(Number.isNaN(winRate(rows([2])).standard_error));
  const unusable = winRate(rows([NaN, NaN]));
  ok(Number.isNaN(unusable.win_rate));
  strictEqual(unusable.n_missing, 2);
  strictEqual(unusable.n_total, 0);
  throws(() => winRate([]), /Expected at least one preference but found none/);
});

Deno.test("codePoints() counts as Python does, lone surrogates included", () => {
  strictEqual(codePoints("naïve 👍🏽"), 8);
  strictEqual(codePoints(""), 0);
  strictEqual(codePoints("\ud83d"), 1);
  strictEqual(codePoints("\udc4d\ud83d"), 2);
  strictEqual(codePoints("\ud83d\udc4d\udc4d"), 2);
});

Deno.test("toProbability() reads 0 as a draw and refuses what is no preference", () => {
  deepStrictEqual([0, 1, 1.5, 2, 2.1, 0.9, NaN].map(toProbability), [
    0.5,
    0,
    0.5,
    1,
    NaN,
    NaN,
    NaN,
  ]);
});

Deno.test("preferencesFromScores() compares, ties, and counts two zeros against the candidate", () => {
  const instructions = ["a", "b", "c", "d", "e"];
  const reference = [1, 0.6, 0.6, 0, NaN], candidate = [0.6, 1, 0.6, 0, 1];
  const values = (options?: Parameters<typeof preferencesFromScores>[3]) =>
    preferencesFromScores(instructions, reference, candidate, options).map((r) => r.preference);
  deepStrictEqual(values(), [1, 2, 1.5, 1, NaN]);
  deepStrictEqual(values({ bothZero: "tie" }), [1, 2, 1.5, 1.5, NaN]);
  deepStrictEqual(values({ identical: [false, false, false, true, false] })[3], 1.5);
});

Deno.test("preferencesFromScores() puts a run against itself at 50, failures included", () => {
  const scores = [0, 0, 1, 0.6], identical = scores.map(() => true);
  const itself = preferencesFromScores(["a", "b", "c", "d"], scores, scores, { identical });
  strictEqual(winRate(itself).win_rate, 50);
  throws(() => preferencesFromScores(["a"], [1], [1, 2]), /1 instructions but found 1 .* 2 /);
});
