/**
 * AlpacaEval's judge answered by a model of one's own: its prompt, and how likely each of its two
 * answers is as the next text. The model is a function that scores; this file knows none.
 */
import { type Comparison, identicalOutputs, type Judge } from "./annotation.ts";
import { averageOrders } from "./bias.ts";
import type { Preference } from "./preference.ts";
import {
  type ChatMessage,
  isSwitched,
  judgeMessages,
  type JudgeSettings,
  readPreference,
} from "./settings.ts";

/**
 * Log-probability (natural) of each response as the continuation of its prompt, in the order of the
 * requests; NaN where there is none, such as for a prompt that is longer than the model's context.
 */
export type AnswerScorer = (
  requests: readonly { readonly prompt: string; readonly response: string }[],
) => Promise<readonly number[]>;

export interface LocalJudgeOptions {
  /** Settings that read log-probabilities (`logprob_parser`); their model and parameters are unused. */
  readonly settings: JudgeSettings;
  readonly score: AnswerScorer;
  /** Asks in both orders and averages, which undoes a position bias at twice the work. */
  readonly bothOrders?: boolean;
  /** The prompt as one text; by default the messages' texts, an empty line between them. */
  readonly format?: (messages: readonly ChatMessage[]) => string;
}

const plain = (messages: readonly ChatMessage[]) =>
  messages.map(({ content }) => content).join("\n\n") + "\n";

/**
 * Makes a judge of a local model. The preference is that of AlpacaEval's weighted judge, 1 plus the
 * probability of the answer that names the candidate among the valid answers; identical outputs are
 * a draw without asking, and a comparison without scores has no preference (NaN).
 *
 * @throws if the settings read the answer as text
 * @example
 * const settings = await loadJudgeSettings("data/judge/short_alpaca_eval_clf/configs.yaml");
 * const judge = localJudge({ settings, score, bothOrders: true });
 * winRate(await judge(comparisons)).win_rate
 */
export function localJudge(
  { settings, score, bothOrders = false, format = plain }: LocalJudgeOptions,
): Judge {
  const { parser } = settings;
  if (parser.kind !== "logprobs") {
    throw new Error(
      `Expected settings with the logprob_parser but found "${settings.name}", which reads text: ` +
        "take weighted_alpaca_eval_gpt4_turbo or short_alpaca_eval_clf",
    );
  }
  const { tokens } = parser;
  /** Asks once each, with the candidate shown first where `isSwitched`, or the other way round. */
  const ask = async (comparisons: readonly Comparison[], turned: boolean) => {
    const orders = comparisons.map(({ instruction }) => isSwitched(instruction) !== turned);
    const open = comparisons.flatMap((row, i) => identicalOutputs(row) ? [] : [i]);
    const requests = open.flatMap((i) => {
      const prompt = format(judgeMessages(settings, comparisons[i]!, orders[i]!));
      return tokens.map((response) => ({ prompt, response }));
    });
    const scores = requests.length > 0 ? await score(requests) : [];
    if (scores.length !== requests.length) {
      throw new Error(`Expected ${requests.length} scores but found ${scores.length}`);
    }
    const preferences = comparisons.map(() => 1.5);
    open.forEach((i, place) => {
      const top_logprobs = tokens.map((token, t) => ({
        token,
        logprob: scores[place * tokens.length + t]!,
      }));
      const reply = { choices: [{ logprobs: { content: [{ top_logprobs }] } }] };
      const scored = top_logprobs.every(({ logprob }) => !Number.isNaN(logprob));
      preferences[i] = scored ? readPreference(settings, reply, orders[i]!) : NaN;
    });
    return comparisons.map(({ instruction }, i): Preference => (
      { instruction, preference: preferences[i]! }
    ));
  };
  return async (comparisons) => {
    const given = await ask(comparisons, false);
    return bothOrders ? averageOrders(given, await ask(comparisons, true)) : given;
  };
}
