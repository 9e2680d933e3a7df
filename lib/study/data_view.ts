/**
 * A look at the examples that arms train on: where they come from, how long they are in tokens, a few
 * of them. Rows for tables; knows the scale's data and the template, nothing of drawing.
 */
import { max, quantile } from "simple-statistics";
import { type Example, splitAtTarget } from "../text/example.ts";
import { IGNORED } from "../text/ignored.ts";
import { type Arm, tuningOf } from "./arm.ts";
import { encodedExamples, longestExample } from "./run.ts";
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

/** An example cut short enough to stand in a table. */
export interface PreviewRow {
  /** From 1. */
  readonly number: number;
  readonly instruction: string;
  readonly response: string;
  /** Turns of the assistant. */
  readonly turns: number;
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
  const encoded = await encodedExamples(scale, base, arm, seeds[0]!);
  const limit = longestExample(scale, base);
  const whole = encoded.map(({ ids }) => ids.length);
  const targets = encoded.map(({ labels }) => labels.filter((label) => label !== IGNORED).length);
  const parts = encoded.map(splitAtTarget);
  const prompts = parts.map(({ prompt }) => prompt.length);
  return {
    arm: arm.name,
    account: await scale.account?.(tuning) ?? `${examples.length} drawn from the micro-world`,
    examples: examples.slice(0, 3).map(preview),
    lengths: encoded.length === 0 ? null : {
      arm: arm.name,
      examples: examples.length,
      "median prompt": quantile(prompts, 0.5),
      "median response": quantile(targets, 0.5),
      "90 % of responses up to": quantile(targets, 0.9),
      longest: max(whole),
      [`cut at ${limit}`]: whole.filter((length) => length === limit).length,
      "nothing left": examples.length - encoded.length,
      "first tokens": new Set(parts.map(({ response }) => response[0])).size,
    },
  };
}

/** An example as text, each side cut between characters: a cut must not halve an emoji. */
function preview({ messages }: Example, index: number): PreviewRow {
  const first = (role: "user" | "assistant") => {
    const points = Array.from(messages.find((message) => message.role === role)?.content ?? "");
    return points.length <= 160 ? points.join("") : `${points.slice(0, 159).join("")}…`;
  };
  return {
    number: index + 1,
    instruction: first("user"),
    response: first("assistant"),
    turns: messages.filter(({ role }) => role === "assistant").length,
  };
}
