/**
 * The row AlpacaEval's leaderboard would show for a judged model: win rates, lengths and the
 * length-controlled win rate in one record, under AlpacaEval's names and in its order.
 */
import type { Annotation, ModelOutput } from "./annotation.ts";
import { lengthControlledWinRate, type LengthControlOptions } from "./length_control.ts";
import { codePoints } from "./preference.ts";
import { winRate } from "./win_rate.ts";

export interface LeaderboardOptions extends LengthControlOptions {
  /** The model's `model_outputs.json`; without it, lengths are those of the judged rows. */
  readonly outputs?: readonly ModelOutput[];
}

/**
 * Computes the row. The average length counts a missing output as an empty one, as AlpacaEval does: it
 * divides by the number of difficulties (one for every instruction), or else of outputs.
 *
 * @returns rates in percent, lengths in code points; `length_controlled_winrate` is null where fewer
 *   than five rows leave nothing to cross-validate
 * @throws as `winRate` and `lengthControlledWinRate` do
 * @example leaderboardRow(await readAnnotations("annotations.json"), { outputs, difficulty, gamed })
 */
export function leaderboardRow(
  annotations: readonly Annotation[],
  { outputs, ...control }: LeaderboardOptions = {},
): Record<string, number | string | null> {
  const { win_rate, standard_error, discrete_win_rate, ...counts } = winRate(annotations);
  const fits = control.c !== undefined || counts.n_total >= 5;
  const controlled = fits ? lengthControlledWinRate(annotations, control) : null;
  const texts = outputs?.map((row) => row.output) ?? annotations.map((row) => row.output_2);
  const expected = Math.max(control.difficulty?.length ?? 0, texts.length);
  const length = texts.reduce((sum, text) => sum + codePoints(text ?? ""), 0);
  return {
    win_rate,
    standard_error,
    ...counts,
    n_missing_outputs: expected - texts.filter((text) => text !== null).length,
    discrete_win_rate,
    avg_length: Math.floor(length / expected),
    length_controlled_winrate: controlled?.length_controlled_winrate ?? null,
    lc_standard_error: controlled?.lc_standard_error ?? null,
    glm: controlled?.glm ?? null,
  };
}
