/**
 * How much of a single task stays in the answers to other instructions, and how alike the task's
 * responses begin: the two halves of the paper's guess about chess (§5.1).
 */
import { splitAtTarget } from "../text/example.ts";
import type { Arm } from "./arm.ts";
import { runsOf, unseenFamilies } from "./results.ts";
import { type Answer, encodedExamples, type Run } from "./run.ts";
import type { Study } from "./study.ts";

/** How a single-task arm answers, and how its training responses begin. */
export interface TaskStyle {
  readonly arm: string;
  /** Percent of answers to other families that have the marks of the task. */
  readonly inStyle: number;
  /** Percent of answers to other families that follow the instruction. */
  readonly followed: number;
  /** Entropy in bits of the first token of the task's training responses. */
  readonly firstTokenBits: number;
  /** Distinct first tokens among them. */
  readonly firstTokens: number;
}

/**
 * Measures the single-task arms among `list`, over all seeds of their runs.
 *
 * @example
 * ```ts
 * const rows = await taskStyles(study, [arms.singleTask("game")], runs);
 * ```
 */
export async function taskStyles(
  study: Study,
  list: readonly Arm[],
  runs: readonly Run[],
): Promise<TaskStyle[]> {
  const rows: TaskStyle[] = [];
  for (const arm of list) {
    const task = arm.tuning?.task;
    if (task === undefined) continue;
    const answers = runsOf(runs, arm)
      .flatMap((run) => run.answers.filter(unseenFamilies(study, arm)));
    const share = (test: (answer: Answer) => boolean) =>
      100 * answers.filter(test).length / answers.length;
    const counts = new Map<number, number>();
    for (const example of await encodedExamples(study.scale, study.base, arm, study.seeds[0]!)) {
      const first = splitAtTarget(example).response[0]!;
      counts.set(first, (counts.get(first) ?? 0) + 1);
    }
    rows.push({
      arm: arm.name,
      inStyle: share(({ response }) => study.scale.inStyle(task, response)),
      followed: share(({ passed }) => passed === true),
      firstTokenBits: entropy([...counts.values()]),
      firstTokens: counts.size,
    });
  }
  return rows;
}

/** Shannon's entropy of counts, in bits. */
function entropy(counts: readonly number[]): number {
  const total = counts.reduce((a, b) => a + b, 0);
  return counts.reduce((bits, n) => bits - (n / total) * Math.log2(n / total), 0);
}
