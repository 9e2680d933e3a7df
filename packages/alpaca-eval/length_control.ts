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
import type { Annotation, GamedRow } from "./annotation.ts";
import { crossValidateLogisticL1, fitLogisticL1, type RegressionRow, sigmoid } from "./logistic.ts";
import { codePoints, toProbability } from "./preference.ts";
import { standardError } from "./win_rate.ts";

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
  /** What must be said beside the rate: that it is another model's, or that its model may have failed. */
  readonly note: string | null;
}

/**
 * AlpacaEval's sign that its model may have failed: the controlled rate is a quarter of the way to 0
 * or 100 from the raw one, and ten points at least.
 */
function differsMuch(raw: number, controlled: number): boolean {
  return controlled < Math.min(raw - raw / 4, raw - 10) ||
    controlled > Math.max(raw + (100 - raw) / 4, raw + 10);
}

/** What must be said of a rate, or null; `raw` is the win rate of the same rows, both in percent. */
function noteOf(glm: LengthControlled["glm"], raw: number, controlled: number): string | null {
  const other = "Not the length-controlled rate of AlpacaEval's leaderboard, which needs the " +
    `instruction difficulties and the gamed rows, but that of another model, ${glm}.`;
  const differs = "It is very different from the raw rate: its model may have failed.";
  const said = [
    ...(glm === "length_controlled_v1" ? [] : [other]),
    ...(differsMuch(raw, controlled) ? [differs] : []),
  ];
  return said.length > 0 ? said.join(" ") : null;
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

/** Win rate at equal length by these weights; `difficulty` of each row, 0 without the feature. */
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
 * Fits the model to judged rows and predicts the win rate at equal length; 50 by definition for a
 * model judged against itself (both generators the same). Without difficulties and gamed rows it is
 * not the leaderboard's number: `glm` names what it is, `note` says so.
 *
 * @throws if no row has a preference, fewer than five without `c`, or too few difficulties are given
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
    const note = noteOf(glm, 50, 50);
    return { length_controlled_winrate: 50, lc_standard_error: 0, weights, c: c ?? NaN, glm, note };
  }
  const delta = standardisedLengthDifference(annotations);
  if (difficulty && difficulty.length < annotations.length) {
    throw new Error(
      `Expected a difficulty for each of ${annotations.length} rows but found ` +
        `${difficulty.length}: the list goes by row position, so it fits the annotations it was ` +
        "made for and no others",
    );
  }
  const rowDifficulty = annotations.map((_, i) => difficulty?.[i] ?? 0);
  const controls = (gamed ?? []).map((row): RegressionRow => ({
    features: [Math.tanh(row.std_delta_len), row.instruction_difficulty, 0],
    label: row.preference,
    weight: GAMED_WEIGHT,
  }));
  const judged = annotations.flatMap((row, i): RegressionRow[] => {
    const label = toProbability(row.preference);
    if (Number.isNaN(label)) return [];
    return [{ features: [Math.tanh(delta[i]!), rowDifficulty[i]!, 1], label, weight: 1 }];
  });
  if (judged.length === 0) {
    throw new Error(`Expected a row with a preference but found none in ${annotations.length}`);
  }
  const rows = [...controls, ...judged];
  const fit = c === undefined ? crossValidateLogisticL1(rows) : { c, beta: fitLogisticL1(rows, c) };
  const weights = {
    tanh_std_delta_len: fit.beta[0]!,
    instruction_difficulty: fit.beta[1]!,
    not_gamed_baseline: fit.beta[2]!,
  };
  const rate = lengthControlledFromWeights(weights, rowDifficulty);
  const raw = 100 * mean(judged.map(({ label }) => label));
  return {
    ...rate,
    weights,
    c: fit.c,
    glm,
    note: noteOf(glm, raw, rate.length_controlled_winrate),
  };
}
