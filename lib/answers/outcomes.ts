/**
 * What a run gives for a cell, where it is not the run of the cell's own study, or where more than the
 * usual is kept of it.
 */
import { winTable } from "../study/results.ts";
import type { Answer, Run } from "../study/run.ts";
import type { Study } from "../study/study.ts";
import { habitsOf } from "./measures.ts";
import type { Measured } from "./plan.ts";

/**
 * A run beside the instruction-tuned one of its seed: `win`, `pass` and habits, as `following` gives
 * them, over the answers that count; and `winAll`, over all of them.
 *
 * @param counts which answers count, default all
 * @example
 * outcomesOf(study, run, reference, ({ family }) => family !== "poem")
 */
export async function outcomesOf(
  study: Study,
  run: Run,
  reference: Run,
  counts: (answer: Answer) => boolean = () => true,
): Promise<Measured> {
  const [wins = []] = await winTable(study, [run], [reference]);
  const { answers } = run;
  const counted = (values: readonly number[]) =>
    values.map((value, i) => counts(answers[i]!) ? value : NaN);
  return {
    outcomes: {
      win: counted(wins),
      pass: counted(answers.map(({ passed }) => passed ? 1 : 0)),
      winAll: wins,
    },
    figures: habitsOf(answers.filter(counts)),
  };
}
