/**
 * The judge of the scales that have no checker: a language model behind an OpenAI-compatible
 * endpoint, with AlpacaEval's prompt. Knows where the judge's settings lie and shows progress; asking
 * and its cost are alpaca-eval's.
 */
import { join } from "node:path";
import { type Judge, judge, loadJudgeSettings, type Price } from "@implicit/alpaca-eval";
import { progress } from "@implicit/notebook";
import { judgeSettings } from "./judges.ts";
import { readSettings } from "./settings.ts";

/** Which judge to ask. */
export interface JudgeChoice {
  /** "https://api.openai.com/v1", "http://localhost:8000/v1". */
  readonly baseUrl: string;
  /** Default: the settings' own, GPT-4 Turbo of November 2023. */
  readonly model?: string;
  /** Settings in data/judge; default "weighted_alpaca_eval_gpt4_turbo", which needs log-probabilities. */
  readonly settings?: string;
  /** The environment variable that holds the key; default OPENAI_API_KEY. */
  readonly keyVariable?: string;
  /** Per million tokens; default GPT-4 Turbo's, 10 and 30. */
  readonly price?: Price;
  /** The most that may be spent on one run; default 10. */
  readonly ceiling?: number;
}

/**
 * A language model behind an endpoint as a judge. Answers are kept in the cache: asking again is free.
 *
 * @param cache the folder of finished work; default: the settings'.
 * @example
 * const study = await openStudy({ judge: endpointJudge({ baseUrl: "http://localhost:8000/v1" }) });
 */
export function endpointJudge(
  choice: JudgeChoice,
  cache: string = readSettings().cache,
): Judge {
  const {
    settings = "weighted_alpaca_eval_gpt4_turbo",
    keyVariable = "OPENAI_API_KEY",
    price = { input: 10, output: 30 },
    ceiling,
  } = choice;
  return async (comparisons) => {
    const bar = progress("judging", comparisons.length);
    let cost = "";
    const { annotations } = await judge(comparisons, {
      settings: await loadJudgeSettings(judgeSettings(settings), choice.model),
      endpoint: { baseUrl: choice.baseUrl, keyVariable, cache: join(cache, "judge") },
      price,
      ceiling,
      onEstimate: (estimate) => cost = `at most ${estimate.cost.toFixed(2)} for the whole`,
      onAnswer: (done) => bar.update(done, cost),
    });
    await bar.done();
    return annotations;
  };
}
