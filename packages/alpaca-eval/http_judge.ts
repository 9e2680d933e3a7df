/**
 * The language-model judge: asks an OpenAI-compatible chat endpoint which of two outputs is better,
 * with AlpacaEval's prompt and arithmetic. Says beforehand what it will cost, stops at a ceiling,
 * and picks up where a killed run left off. Win rates are made elsewhere (win_rate.ts).
 */
import { type Annotation, type Comparison, identicalOutputs } from "./annotation.ts";
import { forEachConcurrently } from "./concurrency.ts";
import { Budget, countUsage, guessUsage, type Price, sumUsage, type Usage } from "./cost.ts";
import type { ChatBody } from "./dialect.ts";
import { Client, type Endpoint, Refusal, Stop } from "./http.ts";
import { isSwitched, judgeMessages, type JudgeSettings, readAnswer } from "./settings.ts";
import { OF_ONE_TEXT, quotable } from "./words.ts";

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
    const messages = judgeMessages(settings, comparison);
    const body = client.fit({ ...settings.parameters, messages });
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

/** So many of the first answers, all without a verdict, say that the settings do not fit the judge. */
const FIRST = 5;
/** So many in a row say it later: an answer in two without a verdict is no judge either. */
const IN_A_ROW = 20;

/** Ten rows at most, by number. */
function named(rows: readonly number[]): string {
  return rows.slice(0, 10).join(", ") + (rows.length > 10 ? " …" : "");
}

/** What a reply says in the place of a verdict, for a message. */
function wordsOf(reply: unknown): string {
  const [choice] = (reply as {
    choices: { message?: { content?: unknown }; finish_reason?: unknown }[];
  }).choices;
  const content = choice?.message?.content;
  if (choice?.finish_reason === "length" && !content) {
    return "without a word, its tokens used up (a model that thinks first needs more of them)";
  }
  return typeof content === "string" ? `"${quotable(content)}"` : "no text";
}

/**
 * Notices when a run goes nowhere: when equal refusals, or answers that make no sense, follow each
 * other. It counts; whoever asks it stops.
 */
class Patience {
  #senseless = 0;
  #refused = 0;
  #words = "";
  /** Answers with a verdict. */
  sensible = 0;
  /** The last refusal, in the endpoint's words. */
  refused = "";

  /** @throws if the answers up to this one say that the settings do not fit the judge */
  answer(settings: JudgeSettings, reply: unknown): void {
    this.#refused = 0;
    if (!Number.isNaN(readAnswer(settings, reply, false).preference)) {
      this.sensible++;
      this.#senseless = 0;
      return;
    }
    if (++this.#senseless < (this.sensible === 0 ? FIRST : IN_A_ROW)) return;
    throw new Stop(
      `Expected answers as "${settings.name}" reads them but found none in ${this.#senseless} in ` +
        `a row, the last ${
          wordsOf(reply)
        }: the settings do not fit this judge (a model that thinks ` +
        "aloud, or whose tokens begin with a space, needs settings of its own)",
    );
  }

  /** @throws the refusal if it is one of all questions */
  refusal(refusal: Refusal): void {
    // Equal but for numbers and names of requests.
    const words = refusal.message.replace(/\S*\d\S*/g, "");
    this.#refused = words === this.#words ? this.#refused + 1 : 1;
    this.#words = words;
    this.refused = refusal.message;
    const ofOneText = OF_ONE_TEXT.test(refusal.message);
    if (this.#refused >= (ofOneText ? this.sensible === 0 ? FIRST : Infinity : 3)) throw refusal;
  }
}

/**
 * Makes a judge of an endpoint; it gives one annotation a comparison, in the same order. Identical
 * outputs are a draw without a call, twins are asked once.
 *
 * A question the endpoint refuses (too long, filtered) becomes a row without a preference (NaN), as
 * in AlpacaEval; so does a reply that lacks log-probabilities at the third attempt still. But what is
 * no fault of one row stops the run: key, credit or model gone, equal refusals in a row, first
 * answers that all make no sense.
 *
 * @throws when asked: before the first call if the estimate exceeds the ceiling or the cache cannot
 *   be written; later if an answer cannot be kept, if the spending would exceed it, or for the
 *   reasons above, in the endpoint's own words and with the rows that have no verdict; at the end if
 *   some questions found none. What was answered is on disk and free the next time.
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
    const needed = settings.parser.kind === "logprobs" ? ["logprobs", "top_logprobs"] : [];
    const client = new Client(endpoint, needed), budget = new Budget(ceiling);
    const look = () => questionsOf(comparisons, settings, price, client);
    const isOpen = ({ known }: Question) => known === undefined;
    const estimate = sumUsage(look().filter(isOpen).map(({ guess }) => guess));
    onEstimate?.(estimate);
    budget.check(estimate);

    let done = 0, answered = 0, lostInARow = 0;
    const patience = new Patience();
    const annotations = comparisons.map((row): Annotation => (
      { ...row, annotator: settings.name, preference: NaN }
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
      patience.answer(settings, reply);
    };
    /** The error, and what is missing for its sake. */
    const stopped = (error: unknown) => {
      const missing = annotations.flatMap(({ preference }, i) =>
        Number.isNaN(preference) ? [i] : []
      );
      const { message } = error as Error;
      return new Error(
        `${message}. ${missing.length} of ${comparisons.length} rows have no verdict (${
          named(missing)
        }); ` +
          "what was answered is kept: run again for the rest",
        { cause: error },
      );
    };
    const lost: Error[] = [];
    const ask = async ({ body, guess, rows, ...question }: Question) => {
      const release = budget.promise(guess);
      try {
        const reply = await client.ask(body, flawOf);
        budget.spend(countUsage(reply, guess, price));
        const flaw = flawOf(reply);
        if (flaw && answered === 0) {
          throw new Stop(
            `Expected an answer as "${settings.name}" reads it but found ${flaw}: use settings ` +
              "that read the answer as text (data/judge/text_alpaca_eval_clf/configs.yaml)",
          );
        }
        read({ body, guess, rows, ...question }, reply);
        if (!flaw) lostInARow = 0;
      } catch (error) {
        if (error instanceof Refusal) {
          patience.refusal(error);
          const raw_completion = { error: error.message };
          return rows.forEach((i) => settle(i, { raw_completion }));
        }
        // Each was tried many times: an endpoint that is gone is not asked hundreds of times more.
        if (error instanceof Stop || answered === 0 || ++lostInARow === 3) throw error;
        lost.push(error as Error);
      } finally {
        release();
      }
    };
    const giveBack = estimate.calls > 0 ? await client.own() : () => {};
    try {
      const questions = look(); // another judge may have answered some since
      const open = questions.filter(isOpen);
      comparisons.forEach((row, i) => identicalOutputs(row) && settle(i, { preference: 1.5 }));
      for (const one of questions) if (one.known !== undefined) read(one, one.known);
      // The first alone: what is wrong with all of them is known before the others are paid.
      const first = patience.sensible === 0 ? FIRST : 0;
      await forEachConcurrently(open.slice(0, first), client.concurrency, ask);
      await forEachConcurrently(open.slice(first), client.concurrency, ask);
      if (lost.length > 0) {
        throw new Error(
          `Expected an answer to each of ${questions.length} questions but found none to ` +
            `${lost.length}, first for this: ${lost[0]!.message}`,
        );
      }
      if (patience.sensible === 0 && questions.length > 0) {
        throw new Error(
          `Expected an answer that "${settings.name}" can read but found none to any of ` +
            `${questions.length} questions` +
            (patience.refused ? `. The last: ${patience.refused}` : ": they do not fit this judge"),
        );
      }
    } catch (error) {
      throw stopped(error);
    } finally {
      giveBack();
    }
    return annotations;
  };
}
