/**
 * The language-model judge: asks an OpenAI-compatible chat endpoint which of two outputs is better,
 * with AlpacaEval's prompt and arithmetic. Says beforehand what it will cost, stops at a ceiling,
 * and picks up where a killed run left off. Win rates are made elsewhere (win_rate.ts).
 */
import { type Annotation, type Comparison, identicalOutputs } from "./annotation.ts";
import { Budget, countUsage, guessUsage, type Price, sumUsage, type Usage } from "./cost.ts";
import { type ChatBody, Client, type Endpoint, forEachConcurrently, Refusal } from "./http.ts";
import { isSwitched, judgeMessages, type JudgeSettings, readAnswer } from "./settings.ts";

export interface HttpJudgeOptions {
  readonly settings: JudgeSettings;
  readonly endpoint: Endpoint;
  readonly price: Price;
  /** The most that may be spent on one call, in the price's currency; 0 only estimates. Default 10. */
  readonly ceiling?: number;
  /** Called once, before anything is asked, with a guess, rather too high, of what that will use. */
  readonly onEstimate?: (estimate: Usage) => void;
  /** Called as rows are judged; `spent` is what was asked and used now. */
  readonly onAnswer?: (done: number, total: number, spent: Usage) => void;
}

/** A distinct question, and the rows that its answer judges. */
interface Question {
  readonly body: ChatBody;
  readonly guess: Usage;
  /** The answer on disk, or undefined. */
  readonly known: unknown;
  readonly rows: number[];
}

function questionsOf(
  comparisons: readonly Comparison[],
  settings: JudgeSettings,
  price: Price,
  client: Client,
): Question[] {
  const questions = new Map<string, Question>();
  comparisons.forEach((comparison, index) => {
    if (identicalOutputs(comparison)) return; // a draw without a question
    const body = { ...settings.parameters, messages: judgeMessages(settings, comparison) };
    const key = comparison.instruction + JSON.stringify(body);
    const guess = guessUsage(body, price);
    if (!questions.has(key)) {
      questions.set(key, { body, guess, known: client.cached(body), rows: [] });
    }
    questions.get(key)!.rows.push(index);
  });
  return [...questions.values()];
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
 * Makes a judge of an endpoint; it gives one annotation a comparison, in the same order. Identical
 * outputs are a draw without a call, twins are asked once.
 *
 * A question the endpoint refuses (too long, filtered) becomes a row without a preference (NaN), as
 * in AlpacaEval; so does a reply that lacks log-probabilities at the third attempt still. But if
 * either is the first thing to happen, all stops: then the settings do not fit the endpoint.
 *
 * @throws when asked: if the estimate exceeds the ceiling, or the spending would; if the endpoint
 *   does not accept the key; at the end if some questions found no answer. What was answered is on
 *   disk and free the next time.
 * @example
 * const settings = await loadJudgeSettings("data/judge/weighted_alpaca_eval_gpt4_turbo/configs.yaml");
 * const endpoint = { baseUrl: "https://api.openai.com/v1", keyVariable: "OPENAI_API_KEY", cache };
 * const judge = httpJudge({ settings, endpoint, price: { input: 10, output: 30 } });
 * winRate(await judge(comparisons)).win_rate
 */
export function httpJudge(
  { settings, endpoint, price, ceiling = 10, onEstimate, onAnswer }: HttpJudgeOptions,
): (comparisons: readonly Comparison[]) => Promise<Annotation[]> {
  return async (comparisons) => {
    const client = new Client(endpoint), budget = new Budget(ceiling);
    const questions = questionsOf(comparisons, settings, price, client);
    const open = questions.filter(({ known }) => known === undefined);
    const estimate = sumUsage(open.map(({ guess }) => guess));
    onEstimate?.(estimate);
    budget.check(estimate);

    let done = 0, answered = 0, lostInARow = 0;
    const annotations = comparisons.map((row): Annotation => (
      { ...row, annotator: settings.name, preference: 1.5 }
    ));
    const settle = (index: number, verdict: Partial<Annotation>) => {
      annotations[index] = { ...annotations[index]!, ...verdict };
      onAnswer?.(++done, comparisons.length, budget.spent);
    };
    const flawOf = (reply: unknown) => readAnswer(settings, reply, false).flaw;
    const read = ({ rows, guess }: Question, reply: unknown) => {
      const used = countUsage(reply, guess, price);
      const raw_completion = rawCompletion(reply, used);
      for (const i of rows) {
        const { preference } = readAnswer(settings, reply, isSwitched(comparisons[i]!.instruction));
        settle(i, { preference, price_per_example: used.cost, raw_completion });
      }
      if (!flawOf(reply)) answered++;
    };
    comparisons.forEach((row, i) => identicalOutputs(row) && settle(i, {}));
    for (const one of questions) if (one.known !== undefined) read(one, one.known);

    const lost: Error[] = [];
    await forEachConcurrently(open, client.concurrency, async (question) => {
      const { body, guess, rows } = question;
      const release = budget.promise(guess);
      try {
        const reply = await client.ask(body, flawOf);
        budget.spend(countUsage(reply, guess, price));
        const flaw = flawOf(reply);
        if (flaw && answered === 0) {
          throw new Error(
            `Expected an answer as "${settings.name}" reads it but found ${flaw}: use settings ` +
              "that read the answer as text (data/judge/text_alpaca_eval_clf/configs.yaml)",
          );
        }
        read(question, reply);
        if (!flaw) lostInARow = 0;
      } catch (error) {
        if (answered === 0) throw error;
        if (concernsOneRow(error)) {
          const raw_completion = { error: error.message };
          return rows.forEach((i) => settle(i, { preference: NaN, raw_completion }));
        }
        // Each was tried many times: an endpoint that is gone is not asked hundreds of times more.
        if (error instanceof Refusal || ++lostInARow === 3) throw error;
        lost.push(error as Error);
      } finally {
        release();
      }
    });
    if (lost.length > 0) {
      throw new Error(
        `Expected an answer to each of ${questions.length} questions but found none to ` +
          `${lost.length}: run again to ask for these alone. The first: ${lost[0]!.message}`,
      );
    }
    return annotations;
  };
}
