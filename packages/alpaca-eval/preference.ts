/**
 * What a judge says about two responses to one instruction, and what a checker says: graded scores
 * compared. It knows nothing of who made the scores, of models or of the micro-world.
 */

/**
 * One judgement on AlpacaEval's scale: 1 = the reference's response is better, 2 = the candidate's
 * is, 1.5 (or, in old files, 0) = neither, NaN = the judge gave no usable answer.
 */
export interface Preference {
  readonly instruction: string;
  readonly preference: number;
}

/** A preference as the probability that the candidate wins, 0…1; NaN where there is none. */
export function toProbability(preference: number): number {
  if (preference === 0) return 0.5;
  return preference >= 1 && preference <= 2 ? preference - 1 : NaN;
}

/** Length in Unicode code points, as Python counts it: "👍" is one, where JavaScript says two. */
export const codePoints = (text: string): number => [...text].length;

/**
 * Compares graded scores, one an instruction: the higher wins, equal scores tie, an unscored response
 * (NaN) gives NaN.
 *
 * @param options.bothZero what two zeros count as: a "loss" (default) for the candidate, so that a
 *   base that never follows an instruction stays near 0 although its reference fails at times too
 * @param options.identical rows of the same response twice: a tie, as AlpacaEval has it
 * @throws if the lists are not equally long
 * @example preferencesFromScores(["a", "b"], [1, 0.6], [1, 1]) // preferences 1.5 and 2
 */
export function preferencesFromScores(
  instructions: readonly string[],
  reference: readonly number[],
  candidate: readonly number[],
  options: { readonly bothZero?: "loss" | "tie"; readonly identical?: readonly boolean[] } = {},
): Preference[] {
  const { bothZero = "loss", identical } = options;
  const lengths = [reference, candidate, identical ?? reference].map((list) => list.length);
  if (lengths.some((length) => length !== instructions.length)) {
    throw new Error(
      `Expected one score of each run for each of ${instructions.length} instructions but found ` +
        `${lengths[0]} of the reference and ${lengths[1]} of the candidate` +
        (identical ? ` and ${lengths[2]} marks of identity` : ""),
    );
  }
  return instructions.map((instruction, i) => {
    const theirs = reference[i]!, ours = candidate[i]!;
    let preference = 1.5;
    if (Number.isNaN(theirs) || Number.isNaN(ours)) preference = NaN;
    else if (identical?.[i]) preference = 1.5;
    else if (theirs === 0 && ours === 0) preference = bothZero === "loss" ? 1 : 1.5;
    else if (ours !== theirs) preference = ours > theirs ? 2 : 1;
    return { instruction, preference };
  });
}
