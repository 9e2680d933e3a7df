/**
 * What AlpacaEval's files hold, as types: outputs, comparisons, preferences, annotations, and the
 * judge that makes preferences. Files are read in files.ts.
 */
import type { Preference } from "./preference.ts";

/** A row of `model_outputs.json`. A model that failed to answer has `output: null`. */
export interface ModelOutput {
  readonly instruction: string;
  readonly output: string | null;
  readonly generator: string;
  readonly dataset?: string;
}

/** Two models' outputs to one instruction, before anybody has judged them: 1 the reference, 2 ours. */
export interface Comparison {
  readonly instruction: string;
  readonly output_1: string | null;
  readonly output_2: string | null;
  readonly generator_1: string;
  readonly generator_2: string;
  readonly dataset?: string;
  /** Names the instruction to a judge that knows more of it than its words. */
  readonly id?: string;
}

/** A row of `annotations.json`: a comparison that has been judged. */
export interface Annotation extends Comparison, Preference {
  readonly annotator?: string;
  /** What the judge returned, when there was a judge to ask. */
  readonly raw_completion?: unknown;
  readonly price_per_example?: number;
}

/**
 * A judge: says of each comparison which output is better, in the same order (see `Preference`).
 *
 * @example
 * const longer: Judge = (comparisons) => Promise.resolve(comparisons.map((row) => ({
 *   instruction: row.instruction,
 *   preference: row.output_2!.length > row.output_1!.length ? 2 : 1,
 * })));
 */
export type Judge = (comparisons: readonly Comparison[]) => Promise<readonly Preference[]>;

/** Whether two outputs are the same text: every judge of AlpacaEval's calls that a draw, unasked. */
export function identicalOutputs(row: Pick<Comparison, "output_1" | "output_2">): boolean {
  return (row.output_1 ?? "") === (row.output_2 ?? "");
}

/** A row of AlpacaEval's `df_gamed.csv`: a baseline made verbose or concise on purpose. */
export interface GamedRow {
  /** Probability that the gamed output wins, 0…1. */
  readonly preference: number;
  /** Length difference, standardised already. */
  readonly std_delta_len: number;
  readonly instruction_difficulty: number;
}

/**
 * Pairs outputs by instruction, in the order of the model's file and of occurrence.
 *
 * @returns the pairs, and the instructions only one of the two has (judged by nobody: say so)
 */
export function pairOutputs(
  model: readonly ModelOutput[],
  reference: readonly ModelOutput[],
): { readonly comparisons: Comparison[]; readonly unpaired: string[] } {
  const waiting = new Map<string, ModelOutput[]>();
  for (const row of reference) {
    waiting.set(row.instruction, [...(waiting.get(row.instruction) ?? []), row]);
  }
  const comparisons: Comparison[] = [], unpaired: string[] = [];
  for (const row of model) {
    const other = waiting.get(row.instruction)?.shift();
    if (!other) {
      unpaired.push(row.instruction);
      continue;
    }
    comparisons.push({
      instruction: row.instruction,
      output_1: other.output,
      generator_1: other.generator,
      output_2: row.output,
      generator_2: row.generator,
      ...(row.dataset === undefined ? {} : { dataset: row.dataset }),
    });
  }
  for (const rest of waiting.values()) unpaired.push(...rest.map((row) => row.instruction));
  return { comparisons, unpaired };
}
