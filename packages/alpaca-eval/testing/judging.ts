/**
 * What the tests of the judge share: settings, invented comparisons, an empty cache, and a judge that
 * also says what it estimated and spent. For tests alone.
 */
import { strictEqual } from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";
import type { Comparison } from "../annotation.ts";
import type { Usage } from "../cost.ts";
import type { Endpoint } from "../http.ts";
import { httpJudge, type HttpJudgeOptions } from "../http_judge.ts";
import { isSwitched, judgeMessages, loadJudgeSettings } from "../settings.ts";
import { loopbackProbability } from "./loopback.ts";

const data = new URL("../../../data/judge/", import.meta.url);
const pathOf = (name: string) => fileURLToPath(new URL(`${name}/configs.yaml`, data));

export const settingsPath = pathOf("weighted_alpaca_eval_gpt4_turbo");
/** AlpacaEval's settings, which read log-probabilities. */
export const settings = await loadJudgeSettings(settingsPath);
/** Settings that read the answer as text. */
export const textSettings = await loadJudgeSettings(pathOf("text_alpaca_eval_clf"));
export const price = { input: 10, output: 30 };

export const comparisons = (count: number): Comparison[] =>
  Array.from({ length: count }, (_, i) => ({
    instruction: `Instruction ${i}`,
    output_1: `reference ${i}`,
    output_2: `candidate ${i} 👍`,
    generator_1: "r",
    generator_2: "c",
  }));

/** The text the judge is shown for a comparison. */
export const textOf = (comparison: Comparison) =>
  judgeMessages(settings, comparison).at(-1)!.content;

/** What the loopback judge means by its answer. */
export function expected(comparison: Comparison): number {
  const first = loopbackProbability(textOf(comparison));
  return isSwitched(comparison.instruction) ? 1 + first : 2 - first;
}

/** Runs with an empty cache folder that is gone afterwards. */
export async function withCache(body: (cache: string) => Promise<void>): Promise<void> {
  const cache = mkdtempSync(join(tmpdir(), "judge-"));
  try {
    await body(cache);
  } finally {
    rmSync(cache, { recursive: true });
  }
}

/** An endpoint that does not wait long. */
export const quick = (
  baseUrl: string,
  cache: string,
  more: Partial<Endpoint> = {},
): Endpoint => ({ baseUrl, cache, backoff: 2, concurrency: 16, ...more });

/** Judges, and says what was estimated and spent and how many rows have no preference. */
export async function judge(rows: readonly Comparison[], options: HttpJudgeOptions) {
  let estimate: Usage | undefined, spent: Usage | undefined, done = 0;
  const annotations = await httpJudge({
    ...options,
    onEstimate: (usage) => estimate = usage,
    onAnswer: (answered, total, used) => {
      strictEqual(total, rows.length);
      [done, spent] = [answered, used];
    },
  })(rows);
  const missing = annotations.filter((row) => Number.isNaN(row.preference)).length;
  return { annotations, estimate: estimate!, spent: spent!, missing, done };
}

/** The warnings of the process while `body` runs. */
export async function warningsOf(body: () => Promise<unknown>): Promise<string[]> {
  const said: string[] = [];
  const hear = ({ message }: Error) => void said.push(message);
  process.on("warning", hear);
  try {
    await body();
    await new Promise((resolve) => setTimeout(resolve, 5)); // they come a tick late
  } finally {
    process.off("warning", hear);
  }
  return said;
}
