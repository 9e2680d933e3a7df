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

/** Refuses outputs that are not those that were judged: by the model's name, and by their texts. */
function checkOutputs(annotations: readonly Annotation[], outputs: readonly ModelOutput[]): void {
  const judged = annotations[0]?.generator_2, listed = outputs[0]?.generator;
  if (judged !== undefined && listed !== undefined && judged !== listed) {
    const [ours, theirs] = [judged, listed].map((name) => JSON.stringify(name));
    throw new Error(
      `Expected outputs of ${ours}, the model that was judged, but found those of ${theirs}: name ` +
        "that model's own file",
    );
  }
  const texts = new Map<string, Set<string>>();
  for (const { instruction, output } of outputs) {
    texts.set(instruction, (texts.get(instruction) ?? new Set()).add(output ?? ""));
  }
  const others = annotations.filter(({ instruction, output_2 }) => {
    const listed = texts.get(instruction);
    return listed && !listed.has(output_2 ?? "");
  });
  if (others.length === 0) return;
  throw new Error(
    `Expected the outputs that were judged but found other texts for ${others.length} of ` +
      `${annotations.length} instructions: name the file that the annotations were made of`,
  );
}

/**
 * Computes the row. The average length counts a missing output as an empty one, as AlpacaEval does: it
 * divides by the number of difficulties (one for every instruction), or else of outputs.
 *
 * @returns rates in percent, lengths in code points. `length_controlled_winrate` is AlpacaEval's alone:
 *   with difficulties and gamed rows. Without them it is null, and the rate of the lesser model stands
 *   under that model's name, as `length_controlled_minimal_winrate`; `note` says so, or that raw and
 *   controlled rate differ much. Fewer than five rows leave nothing to cross-validate: no such rate.
 * @throws as `winRate` and `lengthControlledWinRate` do, and if the outputs are not those that were judged
 * @example leaderboardRow(await readAnnotations("annotations.json"), { outputs, difficulty, gamed })
 */
export function leaderboardRow(
  annotations: readonly Annotation[],
  { outputs, ...control }: LeaderboardOptions = {},
): Record<string, number | string | null> {
  if (outputs) checkOutputs(annotations, outputs);
  const { win_rate, standard_error, discrete_win_rate, ...counts } = winRate(annotations);
  const fits = control.c !== undefined || counts.n_total >= 5;
  const controlled = fits ? lengthControlledWinRate(annotations, control) : null;
  const published = controlled?.glm === "length_controlled_v1" ? controlled : null;
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
    length_controlled_winrate: published ? published.length_controlled_winrate : null,
    lc_standard_error: published ? published.lc_standard_error : null,
    glm: controlled?.glm ?? null,
    ...(controlled && !published
      ? { [`${controlled.glm}_winrate`]: controlled.length_controlled_winrate }
      : {}),
    note: controlled?.note ?? null,
  };
}
