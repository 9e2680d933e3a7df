/**
 * A look at the examples that arms train on: where they come from, how long they are, a few of
 * them. Rows for tables; knows the scale's data and the template, nothing of drawing.
 */
import { lengthStatistics, previewExamples, type PreviewRow } from "../text/statistics.ts";
import { templates } from "../text/template.ts";
import { type Arm, tuningOf } from "./arm.ts";
import { longestExample } from "./run.ts";
import type { Study } from "./study.ts";

/** The examples of one arm. */
export interface DataView {
  readonly arm: string;
  /** Source, count and what became of rows that do not fit; or why there are none. */
  readonly account: string;
  readonly examples: readonly PreviewRow[];
  /** Lengths in tokens, as a table's row; null where there are no examples. */
  readonly lengths: Readonly<Record<string, string | number>> | null;
}

/**
 * Reads the examples of each arm. One whose data cannot be had says why and stops nothing.
 *
 * @example
 * ```ts
 * const views = await viewData(study, [arms.responseTuning, arms.singleTask("sums")]);
 * await showTable(views.flatMap(({ lengths }) => lengths ?? []));
 * ```
 */
export async function viewData(study: Study, list: readonly Arm[]): Promise<DataView[]> {
  const views: DataView[] = [];
  for (const arm of list) {
    try {
      views.push(await viewOne(study, arm));
    } catch (error) {
      views.push({ arm: arm.name, account: (error as Error).message, examples: [], lengths: null });
    }
  }
  return views;
}

async function viewOne({ scale, base, seeds }: Study, arm: Arm): Promise<DataView> {
  const tuning = tuningOf(arm);
  const examples = await scale.examples(tuning, seeds[0]!);
  const maxLength = longestExample(scale, base);
  const statistics = lengthStatistics(examples, base.tokenizer, templates[arm.template], {
    maxLength,
  });
  const [whole, prompt, targets] = statistics.rows;
  return {
    arm: arm.name,
    account: await scale.account?.(tuning) ?? `${examples.length} drawn from the micro-world`,
    examples: previewExamples(examples, 3, 160),
    lengths: whole && prompt && targets
      ? {
        arm: arm.name,
        examples: examples.length,
        "median prompt": prompt.median,
        "median response": targets.median,
        "90 % of responses up to": targets.p90,
        longest: whole.max,
        [`cut at ${maxLength}`]: statistics.truncated,
        "nothing left": statistics.dropped,
        "first tokens": statistics.firstTokens.length,
      }
      : null,
  };
}
