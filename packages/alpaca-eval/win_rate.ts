/**
 * Win rates as AlpacaEval 2 defines them, from preferences alone. Lengths, length control and
 * intervals are its neighbours' business (length_control.ts, significance.ts).
 */
import { mean, sampleStandardDeviation } from "simple-statistics";
import { type Preference, toProbability } from "./preference.ts";

/** AlpacaEval's columns under AlpacaEval's names; rates and errors in percent. */
export interface WinRate {
  /** 100 · mean probability that the candidate wins. NaN if no row has a preference. */
  readonly win_rate: number;
  /** 100 · sd (ddof 1) / √n. NaN for a single row. */
  readonly standard_error: number;
  /** (wins + draws / 2) / n · 100. */
  readonly discrete_win_rate: number;
  readonly n_wins: number;
  readonly n_wins_base: number;
  readonly n_draws: number;
  /** Rows with a valid preference: the n of everything above. */
  readonly n_total: number;
  /** Rows the judge gave no usable answer to (NaN): left out, as AlpacaEval does. */
  readonly n_missing: number;
  /** Rows whose preference is neither 0 nor in [1, 2]: left out, as AlpacaEval does. */
  readonly n_invalid: number;
}

/** Standard error of the mean with ddof 1; NaN where fewer than two values leave it undefined. */
export function standardError(values: readonly number[]): number {
  if (values.length < 2) return NaN;
  return sampleStandardDeviation(values as number[]) / Math.sqrt(values.length);
}

/**
 * The win rate of the candidate over the reference.
 *
 * @throws if there is no row at all
 * @example winRate(preferencesFromScores(instructions, reference, candidate)).win_rate
 */
export function winRate(preferences: readonly Preference[]): WinRate {
  if (preferences.length === 0) {
    throw new Error("Expected at least one preference but found none: nothing was judged");
  }
  const all = preferences.map(({ preference }) => preference);
  const valid = all.map(toProbability).filter((p) => !Number.isNaN(p));
  const wins = valid.filter((p) => p > 0.5).length;
  const losses = valid.filter((p) => p < 0.5).length;
  const draws = valid.length - wins - losses;
  const missing = all.filter(Number.isNaN).length;
  return {
    win_rate: valid.length > 0 ? 100 * mean(valid) : NaN,
    standard_error: 100 * standardError(valid),
    discrete_win_rate: ((wins + draws / 2) / valid.length) * 100,
    n_wins: wins,
    n_wins_base: losses,
    n_draws: draws,
    n_total: valid.length,
    n_missing: missing,
    n_invalid: all.length - valid.length - missing,
  };
}
