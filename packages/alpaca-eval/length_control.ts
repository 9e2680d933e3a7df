/**
 * The length-controlled win rate of AlpacaEval 2 (Dubois et al. 2024): a logistic model of the
 * preference with the length difference as a feature, asked what the win rate would be had both
 * responses been equally long. It takes judged rows and knows nothing of files or judges.
 *
 * Features of a row: tanh(Δlength / sd(Δlength)) with Δ = reference − candidate in code points,
 * the instruction's difficulty, and 1 for the rows of the candidate or 0 for the "gamed" rows: a
 * baseline made verbose and concise on purpose, which teach the model what length alone buys.
 */
import { mean, sampleStandardDeviation } from "simple-statistics";
import type { Annotation } from "./annotation.ts";
import {
  crossValidateLogisticL1,
  fitLogisticL1,
  type RegressionRows,
  sigmoid,
} from "./logistic.ts";
import { codePoints, toProbability } from "./preference.ts";
import { standardError } from "./winrate.ts";

/** A row of AlpacaEval's `df_gamed.csv`. */
export interface GamedRow {
  /** Probability that the gamed output wins, 0…1. */
  readonly preference: number;
  /** Length difference, standardised already. */
  readonly std_delta_len: number;
  readonly instruction_difficulty: number;
}

/** Coefficients of the three features, under the names of AlpacaEval's weight files. */
export interface LengthWeights {
  readonly tanh_std_delta_len: number;
  readonly instruction_difficulty: number;
  readonly not_gamed_baseline: number;
}

export interface LengthControlOptions {
  /**
   * Difficulty of each instruction **by row position**, as AlpacaEval has it: fitted on its own 805
   * rows, so pass it for those alone. Without it the feature is left out.
   */
  readonly difficulty?: readonly number[];
  /** Gamed rows; they weigh 0.1 each beside the candidate's rows of weight 1. */
  readonly gamed?: readonly GamedRow[];
  /** Inverse penalty; chosen by 5-fold cross-validation if left out. */
  readonly c?: number;
}

export interface LengthControlled {
  /** In percent, over all rows, those without a preference included. */
  readonly length_controlled_winrate: number;
  /** Standard error of the mean prediction, in points: AlpacaEval's, blind to the fit's own error. */
  readonly lc_standard_error: number;
  readonly weights: LengthWeights;
  /** The C that was used. */
  readonly c: number;
  /** AlpacaEval's name of the model: with difficulty and gamed rows, without the latter, or neither. */
  readonly glm: "length_controlled_v1" | "length_controlled_noreg" | "length_controlled_minimal";
}

const GAMED_WEIGHT = 0.2 / 2; // λ = 0.2, shared by two gamed baselines

/** Δlength / sd(Δlength) (ddof 1) of each row; all 0 where every difference is the same 0. */
export function standardisedLengthDifference(
  annotations: readonly Pick<Annotation, "output_1" | "output_2">[],
): number[] {
  const delta = annotations.map((row) =>
    codePoints(row.output_1 ?? "") - codePoints(row.output_2 ?? "")
  );
  const sd = delta.length < 2 ? 0 : sampleStandardDeviation(delta);
  return delta.map((value) => value === 0 ? 0 : value / sd);
}

/** Difficulty of row `i`, checked. */
function difficultyAt(difficulty: readonly number[], i: number): number {
  const value = difficulty[i];
  if (value === undefined) {
    throw new Error(
      `Expected a difficulty for each row but found ${difficulty.length} for row ${i + 1}: the ` +
        `list goes by row position, so it fits the annotations it was made for and no others`,
    );
  }
  return value;
}

/**
 * Predicted win rate at equal length, from weights known already (a fit, or AlpacaEval's
 * published weights).
 *
 * @param difficulty of each row; one 0 a row where the model has no such feature
 */
export function lengthControlledFromWeights(
  weights: LengthWeights,
  difficulty: readonly number[],
): { readonly length_controlled_winrate: number; readonly lc_standard_error: number } {
  const predictions = difficulty.map((value) =>
    sigmoid(weights.instruction_difficulty * value + weights.not_gamed_baseline)
  );
  return {
    length_controlled_winrate: 100 * mean(predictions),
    lc_standard_error: 100 * standardError(predictions),
  };
}

/**
 * Fits the model to judged rows and predicts the win rate at equal length. A model judged against
 * itself (both generators the same) is at 50 by definition.
 *
 * @throws if no row has a preference, if fewer than five have one and `c` is not given, or if the
 *   difficulties are fewer than the rows
 */
export function lengthControlledWinRate(
  annotations: readonly Annotation[],
  { difficulty, gamed, c }: LengthControlOptions = {},
): LengthControlled {
  const glm = !difficulty
    ? "length_controlled_minimal"
    : gamed
    ? "length_controlled_v1"
    : "length_controlled_noreg";
  if (gamed && !difficulty) {
    throw new Error("Expected difficulties beside the gamed rows but found none: pass both");
  }
  const generator = annotations[0]?.generator_2;
  if (generator !== undefined && annotations.every((row) => row.generator_1 === generator)) {
    const weights = { tanh_std_delta_len: 0, instruction_difficulty: 0, not_gamed_baseline: 0 };
    return { length_controlled_winrate: 50, lc_standard_error: 0, weights, c: c ?? NaN, glm };
  }
  const delta = standardisedLengthDifference(annotations);
  const rowDifficulty = annotations.map((_, i) => difficulty ? difficultyAt(difficulty, i) : 0);
  const features: number[][] = [], labels: number[] = [], weights: number[] = [];
  for (const row of gamed ?? []) {
    features.push([Math.tanh(row.std_delta_len), row.instruction_difficulty, 0]);
    labels.push(row.preference);
    weights.push(GAMED_WEIGHT);
  }
  annotations.forEach((row, i) => {
    const p = toProbability(row.preference);
    if (Number.isNaN(p)) return;
    features.push([Math.tanh(delta[i]!), rowDifficulty[i]!, 1]);
    labels.push(p);
    weights.push(1);
  });
  if (labels.length === (gamed?.length ?? 0)) {
    throw new Error(`Expected a row with a preference but found none in ${annotations.length}`);
  }
  const rows: RegressionRows = { features, labels, weights };
  const fit = c === undefined ? crossValidateLogisticL1(rows) : { c, beta: fitLogisticL1(rows, c) };
  const named = {
    tanh_std_delta_len: fit.beta[0]!,
    instruction_difficulty: fit.beta[1]!,
    not_gamed_baseline: fit.beta[2]!,
  };
  return {
    ...lengthControlledFromWeights(named, rowDifficulty),
    weights: named,
    c: fit.c,
    glm,
  };
}
