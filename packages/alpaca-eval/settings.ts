/**
 * AlpacaEval's judge as settings: which prompt, which parameters, how an answer is read. Turns a
 * comparison into the body of a request and a reply into a preference. It sends nothing.
 */
import { readFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { parse } from "yaml";
import type { Comparison } from "./annotation.ts";
import { PythonRandom } from "./python_random.ts";

/** One message of a chat, as the endpoint wants it. */
export interface ChatMessage {
  readonly role: string;
  readonly content: string;
}

/** How a reply becomes 1…2. */
export type AnswerParser =
  | {
    readonly kind: "logprobs";
    /** Token that says the first output is better. */
    readonly first: string;
    /** All valid tokens, that one among them. */
    readonly tokens: readonly string[];
    /** 1 or 2 by the more probable token, in place of the probability. */
    readonly binarize: boolean;
  }
  | { readonly kind: "text"; readonly first: RegExp; readonly second: RegExp };

export interface JudgeSettings {
  readonly name: string;
  readonly template: readonly ChatMessage[];
  /** The body of a request without its messages: model, max_tokens, temperature, … */
  readonly parameters: Readonly<Record<string, unknown>>;
  readonly parser: AnswerParser;
}

/** Fields of `completions_kwargs` that steer AlpacaEval's own client and are not sent. */
const CLIENT_FIELDS = ["model_name", "num_procs", "batch_size", "price_per_token", "is_strip"];

/** Cuts `<|im_start|>role … <|im_end|>` into messages. */
function parseChat(text: string, path: string): ChatMessage[] {
  const blocks = [...text.matchAll(/<\|im_start\|>([^\n]*)\n([\s\S]*?)<\|im_end\|>/g)];
  if (blocks.length === 0) {
    throw new Error(`Expected <|im_start|>role … <|im_end|> in ${path} but found none`);
  }
  return blocks.map(([, role, content]) => ({ role: role!.trim(), content: content!.trim() }));
}

function parserOf(name: unknown, options: Record<string, unknown>, path: string): AnswerParser {
  if (name === "logprob_parser") {
    const first = String(options.numerator_token);
    const tokens = [...new Set([first, ...(options.denominator_tokens as string[])])];
    return { kind: "logprobs", first, tokens, binarize: options.is_binarize !== false };
  }
  if (name === "regex_parser") {
    const patterns = options.outputs_to_match as Record<string, string>;
    return {
      kind: "text",
      first: new RegExp(patterns["1"]!, "g"),
      second: new RegExp(patterns["2"]!, "g"),
    };
  }
  throw new Error(
    `Expected fn_completion_parser "logprob_parser" or "regex_parser" in ${path} but found "${name}"`,
  );
}

/**
 * Reads an AlpacaEval settings file (`configs.yaml`) and the prompt it names, which lies relative to
 * the folder above the file's, as in AlpacaEval.
 *
 * @param model asked for in place of the file's model
 * @throws if the file is not of the kind that a chat endpoint and one comparison a prompt can serve
 * @example await loadJudgeSettings("data/judge/weighted_alpaca_eval_gpt4_turbo/configs.yaml")
 */
export async function loadJudgeSettings(path: string, model?: string): Promise<JudgeSettings> {
  const [entry] = Object.entries(parse(await readFile(path, "utf8")) ?? {});
  const [name, raw] = entry ?? ["", null];
  const fields = (raw ?? {}) as Record<string, unknown>;
  if (fields.fn_completions !== "openai_completions" || (fields.batch_size ?? 1) !== 1) {
    throw new Error(
      `Expected fn_completions "openai_completions" and batch_size 1 in ${path} but found ` +
        `"${fields.fn_completions}" and ${fields.batch_size}`,
    );
  }
  const promptPath = join(dirname(dirname(path)), String(fields.prompt_template));
  const completion = (fields.completions_kwargs ?? {}) as Record<string, unknown>;
  const parameters = Object.fromEntries(
    Object.entries(completion).filter(([field]) => !CLIENT_FIELDS.includes(field)),
  );
  return {
    name,
    template: parseChat(await readFile(promptPath, "utf8"), promptPath),
    // AlpacaEval's client sends top_p 1 whatever the file says of it.
    parameters: { model: model ?? completion.model_name, top_p: 1, ...parameters },
    parser: parserOf(
      fields.fn_completion_parser,
      (fields.completion_parser_kwargs ?? {}) as Record<string, unknown>,
      path,
    ),
  };
}

/**
 * AlpacaEval's order of the two outputs: true where the candidate is shown first. It depends on the
 * instruction alone, so every model meets the same order.
 */
export function isSwitched(instruction: string): boolean {
  const seed = 0; // AlpacaEval's annotator seed
  return new PythonRandom(`is_switched_outputs${instruction}${seed}`).random() >= 0.5;
}

/**
 * The messages the judge is shown. All places are filled in one pass; AlpacaEval fills one after the
 * other, so that an output which contains "{output_2}" swallows its rival, and cuts the text into
 * messages afterwards, so that one which contains "<|im_end|>" ends the prompt.
 */
export function judgeMessages(
  settings: JudgeSettings,
  comparison: Pick<Comparison, "instruction" | "output_1" | "output_2">,
  switched: boolean = isSwitched(comparison.instruction),
): ChatMessage[] {
  const [first, second] = switched
    ? [comparison.output_2, comparison.output_1]
    : [comparison.output_1, comparison.output_2];
  const values: Record<string, string> = {
    instruction: comparison.instruction,
    output_1: first ?? "",
    output_2: second ?? "",
  };
  return settings.template.map(({ role, content }) => ({
    role,
    content: content.replace(/\{(instruction|output_1|output_2)\}/g, (_, field) => values[field]!),
  }));
}

/** The parts of a chat reply that a judge reads. */
interface ChatReply {
  readonly choices?: readonly {
    readonly message?: { readonly content?: string | null };
    readonly logprobs?: {
      readonly content?: readonly {
        readonly top_logprobs?: readonly { readonly token: string; readonly logprob: number }[];
      }[];
    } | null;
  }[];
}

/** What a reply says: a preference (NaN if none), and what it lacks to be read, if anything. */
export interface Answer {
  readonly preference: number;
  readonly flaw: string | null;
}

/**
 * Reads a reply: its preference, 1…2, in the order of the comparison. It is NaN where no valid token
 * is among the log-probabilities (one that is missing counts as probability 0), a text matches neither
 * answer or both, or the reply cannot be read at all, which `flaw` says.
 */
export function readAnswer(settings: JudgeSettings, reply: unknown, switched: boolean): Answer {
  const unread = (flaw: string): Answer => ({ preference: NaN, flaw });
  const choice = (reply as ChatReply | null)?.choices?.[0];
  if (!choice) return unread("a reply without choices");
  const { parser } = settings;
  let preference: number;
  if (parser.kind === "text") {
    const text = choice.message?.content;
    if (typeof text !== "string") return unread("a reply without a message");
    const count = (pattern: RegExp) => text.match(pattern)?.length ?? 0;
    const [first, second] = [count(parser.first), count(parser.second)];
    preference = first + second === 1 ? 1 + second : NaN;
  } else {
    const top = choice.logprobs?.content?.[0]?.top_logprobs;
    const numbers = Array.isArray(top) &&
      top.every((e) => typeof e?.logprob === "number" && !Number.isNaN(e.logprob));
    if (!numbers) return unread("a reply without log-probabilities");
    const valid = top.filter(({ token }) => parser.tokens.includes(token));
    const highest = Math.max(...valid.map(({ logprob }) => logprob));
    const weigh = (wanted: boolean) =>
      valid.filter(({ token }) => (token === parser.first) === wanted)
        .reduce((sum, { logprob }) => sum + Math.exp(logprob - highest), 0);
    const [first, others] = [weigh(true), weigh(false)];
    preference = 2 - first / (first + others); // 0 / 0 = NaN where neither token is listed
    if (parser.binarize && valid.length > 0) preference = first > others ? 1 : 2;
  }
  return { preference: switched ? 3 - preference : preference, flaw: null };
}
