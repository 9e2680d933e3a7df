/**
 * The judge of the scales that have no checker: a language model behind an OpenAI-compatible
 * endpoint, with AlpacaEval's prompt, asked whether a run's answer beats the reference run's. Knows
 * runs and where the judge's settings lie; asking and its cost are lib/judge's.
 */
import { join } from "node:path";
import process from "node:process";
import { type Judge, judge, loadJudgeSettings, toProbability } from "@implicit/alpaca-eval";
import { progress } from "@implicit/notebook";
import { cacheFolder, projectRoot } from "./root.ts";
import type { Run } from "./run.ts";
import type { JudgeChoice, Prompt } from "./scale.ts";

/**
 * The judge that `choice` or IMPLICIT_JUDGE (a base URL) and IMPLICIT_JUDGE_MODEL name; null where
 * neither does. Answers are kept in the cache: asking again is free.
 */
export function configuredJudge(choice: JudgeChoice | null = fromEnvironment()): Judge | null {
  if (choice === null) return null;
  const {
    settings = "weighted_alpaca_eval_gpt4_turbo",
    keyVariable = "OPENAI_API_KEY",
    price = { input: 10, output: 30 },
    ceiling,
  } = choice;
  return async (comparisons) => {
    const path = join(projectRoot(), "data", "judge", settings, "configs.yaml");
    const bar = progress("judging", comparisons.length);
    let cost = "";
    const { annotations } = await judge(comparisons, {
      settings: await loadJudgeSettings(path, choice.model),
      endpoint: { baseUrl: choice.baseUrl, keyVariable, cache: join(cacheFolder(), "judge") },
      price,
      ceiling,
      onEstimate: (estimate) => cost = `at most ${estimate.cost.toFixed(2)} for the whole`,
      onAnswer: (done) => bar.update(done, cost),
    });
    await bar.done();
    return annotations;
  };
}

function fromEnvironment(): JudgeChoice | null {
  const baseUrl = process.env.IMPLICIT_JUDGE;
  return baseUrl ? { baseUrl, model: process.env.IMPLICIT_JUDGE_MODEL || undefined } : null;
}

/**
 * The probability that each of a run's answers beats the reference run's; NaN where the judge gave
 * none. A run against itself is a draw everywhere, without asking.
 */
export async function judgedWins(
  judge: Judge,
  prompts: readonly Prompt[],
  run: Run,
  reference: Run,
): Promise<number[]> {
  if (run === reference) return prompts.map(() => 0.5);
  const preferences = await judge(prompts.map(({ instruction }, i) => ({
    instruction,
    output_1: reference.answers[i]!.response,
    output_2: run.answers[i]!.response,
    generator_1: reference.arm,
    generator_2: run.arm,
  })));
  return preferences.map(({ preference }) => toProbability(preference));
}
