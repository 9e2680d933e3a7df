/**
 * The language-model judge: asks an OpenAI-compatible chat endpoint which of two outputs is better,
 * with AlpacaEval's prompt and arithmetic. Says beforehand what it will cost, stops at a ceiling,
 * and picks up where a killed run left off. Win rates are made elsewhere (winrate.ts).
 */
import type { Annotation, Comparison } from "./annotation.ts";
import {
  addUsage,
  countUsage,
  guessUsage,
  noUsage,
  type Price,
  Purse,
  type Usage,
} from "./cost.ts";
import { Client, type Endpoint, forEachConcurrently, type Question, Refusal } from "./http.ts";
import {
  isSwitched,
  judgeMessages,
  type JudgeSettings,
  readPreference,
  unreadable,
} from "./settings.ts";

export interface JudgeOptions {
  readonly settings: JudgeSettings;
  readonly endpoint: Endpoint;
  readonly price: Price;
  /** The most that may be spent, in the price's currency. */
  readonly ceiling?: number;
  /** Called once, before anything is asked. */
  readonly onEstimate?: (estimate: Estimate) => void;
  readonly onAnswer?: (done: number, total: number) => void;
  readonly signal?: AbortSignal;
}

/** What judging will cost. Tokens are guessed from the text, rather too many than too few. */
export interface Estimate extends Usage {
  /** Questions to ask. */
  readonly calls: number;
  /** Comparisons answered on disk already, or with identical outputs. */
  readonly free: number;
}

export interface Judgement {
  /** One row a comparison, in the same order; NaN where the judge gave no usable answer. */
  readonly annotations: Annotation[];
  readonly estimate: Estimate;
  /** What was asked and used now, without what was on disk already. */
  readonly spent: Usage & { readonly calls: number };
  /** Rows without a preference. */
  readonly missing: number;
}

interface Task {
  readonly comparison: Comparison;
  /** None where the outputs are identical: a draw without a call. */
  readonly question: Question | null;
  readonly switched: boolean;
}

function prepare(comparisons: readonly Comparison[], settings: JudgeSettings): Task[] {
  return comparisons.map((comparison) => {
    const switched = isSwitched(comparison.instruction);
    const identical = (comparison.output_1 ?? "") === (comparison.output_2 ?? "");
    const messages = judgeMessages(settings, comparison, switched);
    const question = { path: "/chat/completions", body: { ...settings.parameters, messages } };
    return { comparison, switched, question: identical ? null : question };
  });
}

function estimate(tasks: readonly Task[], client: Client, price: Price): Estimate {
  const open = new Map<string, Usage>();
  for (const { question } of tasks) {
    if (!question || client.cached(question) !== undefined) continue;
    open.set(JSON.stringify(question), guessUsage(question, price));
  }
  const whole = [...open.values()].reduce(addUsage, noUsage);
  return { ...whole, calls: open.size, free: tasks.length - open.size };
}

/** What judging these comparisons would cost now; asks nothing. */
export function estimateJudging(
  comparisons: readonly Comparison[],
  { settings, endpoint, price }: Pick<JudgeOptions, "settings" | "endpoint" | "price">,
): Estimate {
  return estimate(prepare(comparisons, settings), new Client(endpoint), price);
}

/** The choice as AlpacaEval stores it, with its text and token count. */
function rawCompletion(reply: unknown, { inputTokens, outputTokens }: Usage): unknown {
  const choice = (reply as { choices: { message?: { content?: string } }[] }).choices[0]!;
  const text = choice.message?.content ?? "";
  return { ...choice, text, total_tokens: inputTokens + outputTokens };
}

/** Whether an error concerns one question alone: a refusal that is not about key, model or quota. */
function concernsOneRow(error: unknown): error is Refusal {
  return error instanceof Refusal && ![401, 403, 404, 429, 503].includes(error.status);
}

/**
 * Judges every comparison.
 *
 * A question the endpoint refuses (too long, filtered) becomes a row without a preference, as in
 * AlpacaEval; so does a reply that lacks log-probabilities at the third attempt still. But if either
 * is the first thing to happen, all stops: then the settings do not fit the endpoint.
 *
 * @throws before the first call if the estimate exceeds the ceiling; later if the spending would; if
 *   the endpoint does not accept the key; and at the end if some questions found no answer. What was
 *   answered is on disk and free the next time.
 * @example
 * const settings = await loadJudgeSettings("data/judge/weighted_alpaca_eval_gpt4_turbo/configs.yaml");
 * const endpoint = { baseUrl: "https://api.openai.com/v1", keyVariable: "OPENAI_API_KEY", cache };
 * const price = { input: 10, output: 30 };
 * const { annotations } = await judge(comparisons, { settings, endpoint, price });
 */
export async function judge(
  comparisons: readonly Comparison[],
  { settings, endpoint, price, ceiling = 10, onEstimate, onAnswer, signal }: JudgeOptions,
): Promise<Judgement> {
  const client = new Client(endpoint);
  const purse = new Purse(ceiling);
  const tasks = prepare(comparisons, settings);
  const expected = estimate(tasks, client, price);
  onEstimate?.(expected);
  purse.check(expected, expected.calls);

  const annotations = new Array<Annotation>(tasks.length);
  const lost: Error[] = [];
  let answered = 0, done = 0, lostInARow = 0;
  const settle = (index: number, preference: number, more: Partial<Annotation> = {}) => {
    const { comparison } = tasks[index]!;
    annotations[index] = { ...comparison, annotator: settings.name, preference, ...more };
    onAnswer?.(++done, tasks.length);
  };
  const flawOf = (reply: unknown) => unreadable(settings, reply);

  await forEachConcurrently(tasks, client.concurrency, async ({ question, switched }, index) => {
    if (!question) return settle(index, 1.5);
    const guess = guessUsage(question, price);
    const promised = client.cached(question) === undefined ? guess.cost : 0;
    purse.promise(promised);
    try {
      const { reply, sent } = await client.ask(question, { flaw: flawOf, signal });
      const used = countUsage(reply, guess, price);
      if (sent) purse.spend(used);
      const flaw = flawOf(reply);
      if (flaw && sent && answered === 0) {
        throw new Error(
          `Expected an answer as "${settings.name}" reads it but found ${flaw}: use settings that ` +
            "read the answer as text (data/judge/text_alpaca_eval_clf/configs.yaml)",
        );
      }
      if (!flaw) [answered, lostInARow] = [answered + 1, 0];
      settle(index, readPreference(settings, reply, switched), {
        price_per_example: used.cost,
        raw_completion: rawCompletion(reply, used),
      });
    } catch (error) {
      if (answered === 0 || signal?.aborted) throw error;
      if (concernsOneRow(error)) {
        settle(index, NaN, { raw_completion: { error: error.message } });
        return;
      }
      // Each has been tried many times: an endpoint that is gone is not asked hundreds of times more.
      if (error instanceof Refusal || ++lostInARow === 3) throw error;
      lost.push(error as Error);
    } finally {
      purse.release(promised);
    }
  });
  if (lost.length > 0) {
    throw new Error(
      `Expected an answer to each of ${tasks.length} comparisons but found none to ${lost.length}: ` +
        `run again to ask for these alone. The first: ${lost[0]!.message}`,
    );
  }
  const missing = annotations.filter((row) => Number.isNaN(row.preference)).length;
  return { annotations, estimate: expected, spent: purse.spent, missing };
}
