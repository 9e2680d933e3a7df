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
import { projectRoot } from "./settings.ts";
import { judgeSettings } from "./judges.ts";
import { comparisonsOf } from "./results.ts";
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
  return comparisonsOf(study, run, reference).map((comparison, i) => {
    const [score_1, score_2] = [reference.answers[i]!.score, run.answers[i]!.score];
    if (score_1 === null || score_2 === null) {
      const { id } = comparison;
      throw new Error(`Expected a score of the answers to ${id}, but found none: use a checker.`);
    }
    return { ...comparison, score_1, score_2 };
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
  const settings = await loadJudgeSettings(judgeSettings("weighted_alpaca_eval_gpt4_turbo"));
  return judgeMessages(settings, comparison).at(-1)!.content;
}
