/**
 * A study's answers in AlpacaEval's shape, with the checker's score beside each, so that a judge's
 * faults can be shown where the truth is known.
 */
import { existsSync } from "node:fs";
import { join } from "node:path";
import {
  type Annotation,
  judgeMessages,
  loadJudgeSettings,
  readAnnotations,
  type ScoredComparison,
} from "@implicit/alpaca-eval";
import { projectRoot } from "./root.ts";
import type { Run } from "./run.ts";
import type { Study } from "./study.ts";

/**
 * Pairs a run's answers (`output_2`) with a reference run's (`output_1`), scores included.
 *
 * @throws if the scale has no checker.
 * @example
 * ```ts
 * const rows = scoredComparisons(study, run, reference);
 * winRate(simulateJudge(rows, { quality: 4, length: 2 })).win_rate;
 * ```
 */
export function scoredComparisons(study: Study, run: Run, reference: Run): ScoredComparison[] {
  return study.prompts.map(({ id, instruction }, i) => {
    const [theirs, ours] = [reference.answers[i]!, run.answers[i]!];
    if (theirs.score === null || ours.score === null) {
      throw new Error(`Expected a score of the answers to ${id}, but found none: use a checker.`);
    }
    return {
      id,
      instruction,
      output_1: theirs.response,
      output_2: ours.response,
      generator_1: reference.arm,
      generator_2: run.arm,
      score_1: theirs.score,
      score_2: ours.score,
    };
  });
}

/**
 * Published annotations of AlpacaEval, where a copy lies in `shared/testdata/alpaca_eval` beside the
 * project (their licence does not allow them in it); null where it does not.
 *
 * @param model the file's name before `.annotations.json.gz`.
 */
export async function publishedAnnotations(model: string): Promise<Annotation[] | null> {
  const folder = join(projectRoot(), "..", "shared", "testdata", "alpaca_eval");
  const path = join(folder, `${model}.annotations.json.gz`);
  return existsSync(path) ? await readAnnotations(path) : null;
}

/** What AlpacaEval's judge gets to read of one comparison: the last message of its prompt. */
export async function judgePrompt(comparison: ScoredComparison): Promise<string> {
  const folder = join(projectRoot(), "data", "judge", "weighted_alpaca_eval_gpt4_turbo");
  const settings = await loadJudgeSettings(join(folder, "configs.yaml"));
  return judgeMessages(settings, comparison).at(-1)!.content;
}
