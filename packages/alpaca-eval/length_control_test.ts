import { ok, strictEqual, throws } from "node:assert/strict";
import { readFileSync } from "node:fs";
import type { Annotation } from "./annotation.ts";
import { readAnnotations, readDifficulty, readGamed } from "./files.ts";
import {
  lengthControlledFromWeights,
  lengthControlledWinRate,
  type LengthControlOptions,
} from "./length_control.ts";
import { crossValidateLogisticL1, fitLogisticL1 } from "./logistic.ts";
import { winRate } from "./win_rate.ts";
import { absent, at, models, publishedLeaderboard } from "./testing/published.ts";

const close = (found: number, expected: number, tolerance: number, what: string) =>
  ok(Math.abs(found - expected) <= tolerance, `${what}: expected ${expected} but found ${found}`);

const toy: Annotation[] = Array.from({ length: 40 }, (_, i) => ({
  instruction: `i${i}`,
  output_1: "x".repeat(20 + (i * 7) % 11),
  output_2: "x".repeat(10 + (i * 13) % 31),
  generator_1: "reference",
  generator_2: "candidate",
  preference: 1 + ((i * 17) % 10) / 10,
}));

Deno.test("fitLogisticL1() meets the optimality conditions of the penalised problem", () => {
  const features = Array.from(
    { length: 60 },
    (_, i) => [Math.sin(i), Math.cos(3 * i), (i % 3) - 1],
  );
  const labels = features.map((x, i) => (Math.sin(i * i) + x[0]! + 2) / 5);
  const rows = features.map((x, i) => (
    { features: x, label: labels[i]!, weight: 0.5 + (i % 2) }
  ));
  for (const c of [0.01, 0.1, 1, 100]) {
    const beta = fitLogisticL1(rows, c);
    beta.forEach((value, j) => {
      const gradient = features.reduce((sum, x, i) => {
        const p = 1 / (1 + Math.exp(-x.reduce((z, v, k) => z + v * beta[k]!, 0)));
        return sum + c * rows[i]!.weight * (p - labels[i]!) * x[j]!;
      }, 0);
      // At the minimum the gradient is −sign(β) where β ≠ 0 and within [−1, 1] where β = 0.
      if (value === 0) ok(Math.abs(gradient) <= 1 + 1e-8, `${gradient}`);
      else close(gradient, -Math.sign(value), 1e-6, `gradient ${j} at C = ${c}`);
    });
  }
  ok(fitLogisticL1(rows, 1e-4).every((value) => value === 0), "a strong penalty leaves nothing");
});

Deno.test("fitLogisticL1() names what is wrong with its rows", () => {
  throws(() => fitLogisticL1([], 1), /at least one/);
  const row = { features: [1], label: 0, weight: 1 };
  throws(() => fitLogisticL1([row, { ...row, features: [NaN] }], 1), /row 1/);
  throws(() => fitLogisticL1([row, { ...row, features: [1, 2] }], 1), /1 finite features.*row 1/);
  throws(() => crossValidateLogisticL1([row, row]), /at least 5 rows/);
});

Deno.test("lengthControlledWinRate() gives 50 to a model against itself, and to equal rivals", () => {
  const self = toy.map((row) => ({ ...row, generator_1: "candidate" }));
  strictEqual(lengthControlledWinRate(self).length_controlled_winrate, 50);
  const ties = toy.map((row) => ({ ...row, preference: 1.5 }));
  strictEqual(lengthControlledWinRate(ties).length_controlled_winrate, 50);
});

Deno.test("lengthControlledWinRate() removes what length alone buys", () => {
  // A judge that looks at length only, and a candidate that is mostly longer.
  const fooled = toy.map((row, i) => {
    const delta = i % 5 === 0 ? -6 : 6;
    const output_2 = "x".repeat(row.output_1!.length + delta);
    return { ...row, output_2, preference: 1 + 1 / (1 + Math.exp(-delta / 6)) };
  });
  const { length_controlled_winrate, glm } = lengthControlledWinRate(fooled, { c: 1e4 });
  strictEqual(glm, "length_controlled_minimal");
  close(length_controlled_winrate, 50, 0.1, "at equal length");
});

Deno.test("lengthControlledWinRate() leaves rows without a preference out, and says what it lacks", () => {
  const rate = (rows: Annotation[]) =>
    lengthControlledWinRate(rows, { c: 1e4 }).length_controlled_winrate;
  const without = (preference: number) =>
    rate(toy.map((row, i) => i % 4 ? row : { ...row, preference }));
  strictEqual(without(NaN), without(0.5), "no usable answer is no answer");
  for (const preference of [1, 1.5, 2]) ok(without(preference) !== without(NaN));
  const none = toy.map((row) => ({ ...row, preference: NaN }));
  throws(() => lengthControlledWinRate(none), /Expected a row with a preference/);
  throws(() => lengthControlledWinRate(toy, { gamed: [] }), /difficulties/);
  throws(() => lengthControlledWinRate(toy, { difficulty: [1, 2] }), /each of 40 rows but found 2/);
  // Without a difference in length to explain anything, what is left is the win rate, shrunk to 50.
  const equal = toy.map((row) => ({ ...row, output_2: row.output_1 }));
  const fit = lengthControlledWinRate(equal, { c: 1e6 });
  close(fit.length_controlled_winrate, winRate(toy).win_rate, 1e-3, "at equal length");
  strictEqual(fit.weights.tanh_std_delta_len, 0);
});

interface Oracle {
  readonly model: string;
  readonly published: {
    readonly length_controlled_winrate: number;
    readonly lc_standard_error: number;
  };
  readonly published_glm_weights: Parameters<typeof lengthControlledFromWeights>[0];
  readonly C_inferred: number;
  readonly lc_exact_fit_at_C_with_reconstructed_gamed: number;
  readonly lc_sklearn161_cv_with_reconstructed_gamed: number;
}

Deno.test("lengthControlledWinRate() names what it is without AlpacaEval's tables", () => {
  const difficulty = toy.map((_, i) => Math.sin(i));
  const gamed = [{ preference: 0.5, std_delta_len: 1, instruction_difficulty: 0.1 }];
  const noteOf = (options: LengthControlOptions) =>
    lengthControlledWinRate(toy, options).note ?? "";
  ok(
    /^Not the .* leaderboard, .* another model, length_controlled_minimal\.$/.test(
      noteOf({ c: 1 }),
    ),
  );
  ok(/another model, length_controlled_noreg\.$/.test(noteOf({ c: 1, difficulty })));
  strictEqual(noteOf({ c: 1, difficulty, gamed }), "");
  const self = toy.map((row) => ({ ...row, generator_1: "candidate" }));
  ok(/length_controlled_minimal/.test(lengthControlledWinRate(self).note!));
});

Deno.test({
  name: "lengthControlledWinRate() equals the published numbers (needs ../shared/testdata)",
  ignore: absent,
  fn: async () => {
    const oracle = JSON.parse(readFileSync(at("oracle.json"), "utf8")) as Oracle[];
    const difficulty = await readDifficulty(at("instruction_difficulty_RECOVERED.csv"));
    const gamed = await readGamed(at("df_gamed_RECONSTRUCTED.csv"));
    const board = publishedLeaderboard();
    for (const model of models) {
      const annotations = await readAnnotations(at(`${model}.annotations.json.gz`));
      const expected = oracle.find((entry) => entry.model === model)!;
      const published = expected.published.length_controlled_winrate;
      strictEqual(published, board.get(model)!.length_controlled_winrate);
      const known = lengthControlledFromWeights(
        expected.published_glm_weights,
        difficulty.slice(0, annotations.length),
      );
      close(known.length_controlled_winrate, published, 1e-6, `${model}, published weights`);
      if (expected.published.lc_standard_error !== null) {
        close(known.lc_standard_error, expected.published.lc_standard_error, 1e-6, "its error");
      }
      const fixed = lengthControlledWinRate(annotations, {
        difficulty,
        gamed,
        c: expected.C_inferred,
      });
      close(fixed.length_controlled_winrate, published, 0.02, `${model}, given C`);
      const exact = expected.lc_exact_fit_at_C_with_reconstructed_gamed;
      close(fixed.length_controlled_winrate, exact, 1e-5, `${model}, exact fit`);
      const start = performance.now();
      const free = lengthControlledWinRate(annotations, { difficulty, gamed });
      ok(performance.now() - start < 10_000, "cross-validation in less than ten seconds");
      close(free.length_controlled_winrate, published, 0.2, `${model}, cross-validated`);
      strictEqual(free.glm, "length_controlled_v1");
    }
  },
});

Deno.test({
  name: "fitLogisticL1() equals scikit-learn along the path of C (needs ../shared/testdata)",
  ignore: absent,
  fn: async () => {
    const reference = JSON.parse(readFileSync(at("sklearn_reference_alpaca-7b.json"), "utf8")) as {
      Cs: number[];
      scores: number[][];
      coef: number[];
      C: number;
    };
    const difficulty = await readDifficulty(at("instruction_difficulty_RECOVERED.csv"));
    const gamed = await readGamed(at("df_gamed_RECONSTRUCTED.csv"));
    const annotations = await readAnnotations(at("alpaca-7b.annotations.json.gz"));
    const { weights } = lengthControlledWinRate(annotations, { difficulty, gamed, c: reference.C });
    Object.values(weights).forEach((value, j) => close(value, reference.coef[j]!, 2e-3, `β${j}`));
    const delta = annotations.map((row) => [...row.output_1!].length - [...row.output_2!].length);
    const average = delta.reduce((a, b) => a + b) / delta.length;
    const sd = Math.sqrt(delta.reduce((s, d) => s + (d - average) ** 2, 0) / (delta.length - 1));
    const rows = [
      ...gamed.map((row) => ({
        features: [Math.tanh(row.std_delta_len), row.instruction_difficulty, 0],
        label: row.preference,
        weight: 0.1,
      })),
      ...annotations.map(({ preference }, i) => ({
        features: [Math.tanh(delta[i]! / sd), difficulty[i]!, 1],
        label: preference === 0 ? 0.5 : preference - 1,
        weight: 1,
      })),
    ];
    const { losses } = crossValidateLogisticL1(rows);
    losses.forEach((loss, k) => {
      const theirs = -reference.scores.reduce((sum, fold) => sum + fold[k]!, 0) / 5;
      // liblinear stops at a tolerance of 1e-4 on the gradient, so its losses carry that much less.
      close(loss, theirs, 1e-5, `held-out loss at C = ${reference.Cs[k]}`);
    });
  },
});
