/**
 * The row AlpacaEval's leaderboard would show for a judged model: win rates, lengths and the
 * length-controlled win rate in one record, under AlpacaEval's names and in its order.
 */
import type { Annotation, LeaderboardRow, ModelOutput } from "./annotation.ts";
import { lengthControlledWinRate, type LengthControlOptions } from "./length_control.ts";
import { codePoints } from "./preference.ts";
import { winRate } from "./winrate.ts";

/** Floor of the mean length in code points; a missing output counts as empty. */
export function averageLength(outputs: readonly (string | null)[]): number {
  const total = outputs.reduce((sum, output) => sum + codePoints(output ?? ""), 0);
  return Math.floor(total / outputs.length);
}

/**
 * Computes the row.
 *
 * @param outputs the model's whole `model_outputs.json`, which may hold more rows than were judged;
 *   without it the average length is that of the judged rows
 * @returns rates in percent, lengths in code points; `length_controlled_winrate` is null where fewer
 *   than five rows leave nothing to cross-validate
 * @throws as `winRate` and `lengthControlledWinRate` do
 * @example leaderboardRow(await readAnnotations("annotations.json"), { outputs, difficulty, gamed })
 */
export function leaderboardRow(
  annotations: readonly Annotation[],
  { outputs, ...control }: LengthControlOptions & { readonly outputs?: readonly ModelOutput[] } =
    {},
): LeaderboardRow {
  const { win_rate, standard_error, discrete_win_rate, ...counts } = winRate(annotations);
  const fits = control.c !== undefined || counts.n_total >= 5;
  const controlled = fits ? lengthControlledWinRate(annotations, control) : null;
  return {
    win_rate,
    standard_error,
    n_wins: counts.n_wins,
    n_wins_base: counts.n_wins_base,
    n_draws: counts.n_draws,
    n_total: counts.n_total,
    n_missing: counts.n_missing,
    n_invalid: counts.n_invalid,
    discrete_win_rate,
    avg_length: averageLength(
      outputs?.map((row) => row.output) ?? annotations.map((row) => row.output_2),
    ),
    length_controlled_winrate: controlled?.length_controlled_winrate ?? null,
    lc_standard_error: controlled?.lc_standard_error ?? null,
    glm: controlled?.glm ?? null,
  };
}
