/**
 * AlpacaEval's judge answered by a model of one's own: its prompt, and how likely each of its two
 * answers is as the next text. The model is a function that scores; this file knows none.
 */
import { mean } from "simple-statistics";
import { identicalOutputs, type Judge } from "./annotation.ts";
import { isSwitched, judgeMessages, type JudgeSettings, readAnswer } from "./settings.ts";

/**
 * Natural log-probability of each response as the continuation of its prompt; NaN where there is
 * none, such as for a prompt longer than the model's context: then there is no preference either.
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
}

/**
 * Makes a judge of a local model. The preference is that of AlpacaEval's weighted judge, 1 plus the
 * probability of the answer that names the candidate; identical outputs are a draw without asking. The
 * prompt is the texts of the settings' messages, an empty line between them.
 *
 * @throws if the settings read the answer as text
 * @example
 * const settings = await loadJudgeSettings("data/judge/short_alpaca_eval_clf/configs.yaml");
 * const judge = localJudge({ settings, score, bothOrders: true });
 * winRate(await judge(comparisons)).win_rate
 */
export function localJudge({ settings, score, bothOrders = false }: LocalJudgeOptions): Judge {
  const { parser, name } = settings;
  if (parser.kind !== "logprobs") {
    throw new Error(
      `Expected settings with the logprob_parser but found "${name}", which reads text: take ` +
        "weighted_alpaca_eval_gpt4_turbo or short_alpaca_eval_clf",
    );
  }
  const { tokens } = parser;
  return async (comparisons) => {
    const questions = comparisons.flatMap((row, place) => {
      if (identicalOutputs(row)) return [];
      const usual = isSwitched(row.instruction);
      return (bothOrders ? [usual, !usual] : [usual]).map((switched) => ({ row, place, switched }));
    });
    const requests = questions.flatMap(({ row, switched }) => {
      const texts = judgeMessages(settings, row, switched).map(({ content }) => content);
      return tokens.map((response) => ({ prompt: texts.join("\n\n") + "\n", response }));
    });
    const scores = requests.length > 0 ? await score(requests) : [];
    if (scores.length !== requests.length) {
      throw new Error(`Expected ${requests.length} scores but found ${scores.length}`);
    }
    const answers: number[][] = comparisons.map(() => []);
    questions.forEach(({ place, switched }, q) => {
      const top_logprobs = tokens.map((token, t) => (
        { token, logprob: scores[q * tokens.length + t] }
      ));
      const reply = { choices: [{ logprobs: { content: [{ top_logprobs }] } }] };
      answers[place]!.push(readAnswer(settings, reply, switched).preference);
    });
    return comparisons.map(({ instruction }, i) => (
      { instruction, preference: answers[i]!.length > 0 ? mean(answers[i]!) : 1.5 }
    ));
  };
}
