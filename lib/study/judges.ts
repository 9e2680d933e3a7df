/**
 * The judges a study can take: the micro-world's checker, a language model behind an endpoint, and a
 * model at hand. Each is AlpacaEval's `Judge`, a function from comparisons to preferences; a cell can
 * write another. Knows checkers, models and where a judge's settings lie; does not know runs.
 */
import { join } from "node:path";
import {
  checkBaseUrl,
  httpJudge,
  identicalOutputs,
  type Judge,
  loadJudgeSettings,
  localJudge,
  type Preference,
  preferencesFromScores,
  type Price,
} from "@implicit/alpaca-eval";
import { createDecoder, type Model, type Tokenizer } from "@implicit/decoder";
import { progress } from "@implicit/notebook";
import { projectRoot, readSettings } from "./settings.ts";

/** The folder of a judge's prompt and settings; see data/judge/README.md. */
export const judgeSettings = (name: string): string =>
  join(projectRoot(), "data", "judge", name, "configs.yaml");

/**
 * A checker as a judge: the response that scores higher is better. Equal scores and identical
 * responses tie; two different responses that both score zero are a loss, so that a base that never
 * follows an instruction stays near 0; an unscored one gives NaN.
 *
 * @param grade the score, 0…1, of a response to the instruction with that `id`; null for none
 * @throws if a comparison has no `id`
 * @example
 * const judge = checkerJudge((id, response) => grade(world, taskOf(id), response).score);
 */
export function checkerJudge(
  grade: (id: string, response: string) => number | null,
): Judge {
  return (comparisons) => {
    const score = (id: string | undefined, response: string | null) => {
      if (id !== undefined) return grade(id, response ?? "") ?? NaN;
      throw new Error("Expected comparisons with the id of their prompt but found one without");
    };
    return Promise.resolve(preferencesFromScores(
      comparisons.map(({ instruction }) => instruction),
      comparisons.map(({ id, output_1 }) => score(id, output_1)),
      comparisons.map(({ id, output_2 }) => score(id, output_2)),
      { identical: comparisons.map(identicalOutputs) },
    ));
  };
}

/** Says how many comparisons have no preference: a win rate of the others is one of a part. */
function sayMissing(preferences: readonly Preference[]): void {
  const missing = preferences.filter(({ preference }) => Number.isNaN(preference)).length;
  if (missing === 0) return;
  console.log(
    `The judge gave no preference to ${missing} of ${preferences.length} comparisons: win rates ` +
      "are those of the others alone.",
  );
}

/** Which judge to ask. */
export interface JudgeChoice {
  /** "https://api.openai.com/v1", "http://localhost:8000/v1", an Azure deployment's (see `Endpoint`). */
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
 * Comparisons without an answer are counted and said.
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
  checkBaseUrl(choice.baseUrl);
  return async (comparisons) => {
    const bar = progress("judging", comparisons.length);
    let cost = "";
    const judge = httpJudge({
      settings: await loadJudgeSettings(judgeSettings(settings), choice.model),
      endpoint: { baseUrl: choice.baseUrl, keyVariable, cache: join(cache, "judge") },
      price,
      ceiling,
      onEstimate: (estimate) => cost = `at most ${estimate.cost.toFixed(2)} for the whole`,
      onAnswer: (done) => bar.update(done, cost),
    });
    const preferences = await judge(comparisons);
    await bar.done();
    sayMissing(preferences);
    return preferences;
  };
}

export interface ModelJudgeOptions {
  /** Settings in data/judge that read log-probabilities; default "short_alpaca_eval_clf". */
  readonly settings?: string;
  /** Asks in both orders and averages. */
  readonly bothOrders?: boolean;
  /** Default: all cores. */
  readonly threads?: number;
}

/**
 * A model at hand as a judge: AlpacaEval's question, answered by how likely the model finds each of
 * the two answers. A comparison that is longer than the model's context has no preference (NaN).
 *
 * @throws when asked: if no comparison fits the context
 * @example
 * const { model, tokenizer } = study.base;
 * winRate(await modelJudge(model, tokenizer, { bothOrders: true })(comparisons)).win_rate
 */
export function modelJudge(
  model: Model,
  tokenizer: Tokenizer,
  { settings = "short_alpaca_eval_clf", bothOrders, threads }: ModelJudgeOptions = {},
): Judge {
  const { contextLength } = model.config;
  const score = async (requests: readonly { prompt: string; response: string }[]) => {
    const pairs = requests.map(({ prompt, response }, index) => ({
      index,
      prompt: tokenizer.encode(prompt),
      response: tokenizer.encode(response, { special: false }),
    }));
    // A response's last token is predicted but never read: one more than the context fits.
    const fit = pairs.filter((p) => p.prompt.length + p.response.length - 1 <= contextLength);
    if (fit.length === 0) {
      throw new Error(
        `Expected comparisons that fit the judge's context of ${contextLength} tokens but found ` +
          `none of ${requests.length} that does: take shorter settings, or another model.`,
      );
    }
    const scores = requests.map(() => NaN);
    const decoder = await createDecoder(model, { threads });
    try {
      const found = await decoder.score(fit);
      fit.forEach(({ index }, i) => scores[index] = found[i]!.sum);
    } finally {
      decoder.dispose();
    }
    return scores;
  };
  return async (comparisons) => {
    const read = await loadJudgeSettings(judgeSettings(settings));
    const preferences = await localJudge({ settings: read, score, bothOrders })(comparisons);
    sayMissing(preferences);
    return preferences;
  };
}
