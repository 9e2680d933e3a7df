/**
 * The row AlpacaEval's leaderboard would show for a judged model: win rates, lengths and the
 * length-controlled win rate in one record, under AlpacaEval's names and in its order.
 */
import type { Annotation, LeaderboardRow, ModelOutput } from "./annotation.ts";
import { lengthControlledWinRate, type LengthControlOptions } from "./length_control.ts";
import { codePoints } from "./preference.ts";
import { winRate } from "./winrate.ts";

/**
 * Floor of the mean length in code points; a missing output counts as empty.
 *
 * @param instructions how many outputs there should be, if some are missing from the list itself
 */
export function averageLength(
  outputs: readonly (string | null)[],
  instructions: number = outputs.length,
): number {
  const total = outputs.reduce((sum, output) => sum + codePoints(output ?? ""), 0);
  return Math.floor(total / Math.max(instructions, outputs.length));
}

export interface LeaderboardOptions extends LengthControlOptions {
  /** The model's `model_outputs.json`; without it, lengths are those of the judged rows. */
  readonly outputs?: readonly ModelOutput[];
  /**
   * Size of the instruction set: what the average length divides by, as AlpacaEval counts a missing
   * output as an empty one. By default as many as there are difficulties (the list names every
   * instruction of its set: 805 for AlpacaEval), or else as many as there are outputs.
   */
  readonly instructions?: number;
}

/**
 * Computes the row.
 *
 * @returns rates in percent, lengths in code points; `length_controlled_winrate` is null where fewer
 *   than five rows leave nothing to cross-validate
 * @throws as `winRate` and `lengthControlledWinRate` do
 * @example leaderboardRow(await readAnnotations("annotations.json"), { outputs, difficulty, gamed })
 */
export function leaderboardRow(
  annotations: readonly Annotation[],
  { outputs, instructions, ...control }: LeaderboardOptions = {},
): LeaderboardRow {
  const { win_rate, standard_error, discrete_win_rate, ...counts } = winRate(annotations);
  const fits = control.c !== undefined || counts.n_total >= 5;
  const controlled = fits ? lengthControlledWinRate(annotations, control) : null;
  const texts = outputs?.map((row) => row.output) ?? annotations.map((row) => row.output_2);
  const expected = instructions ?? control.difficulty?.length ?? texts.length;
  return {
    win_rate,
    standard_error,
    n_wins: counts.n_wins,
    n_wins_base: counts.n_wins_base,
    n_draws: counts.n_draws,
    n_total: counts.n_total,
    n_missing: counts.n_missing,
    n_invalid: counts.n_invalid,
    n_missing_outputs: Math.max(expected - texts.length, 0) +
      texts.filter((t) => t === null).length,
    discrete_win_rate,
    avg_length: averageLength(texts, expected),
    length_controlled_winrate: controlled?.length_controlled_winrate ?? null,
    lc_standard_error: controlled?.lc_standard_error ?? null,
    glm: controlled?.glm ?? null,
  };
}
