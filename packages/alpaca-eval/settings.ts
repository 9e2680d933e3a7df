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
    /** Which token of the answer is the verdict: 0 the first, −1 the last. */
    readonly index: number;
  }
  | { readonly kind: "text"; readonly first: RegExp; readonly second: RegExp };

export interface JudgeSettings {
  readonly name: string;
  readonly template: readonly ChatMessage[];
  /** The body of a request without its messages: model, max_tokens, temperature, … */
  readonly parameters: Readonly<Record<string, unknown>>;
  readonly parser: AnswerParser;
}

/** Values that a field may have: any of these, or any at all. */
type Allowed = Readonly<Record<string, readonly unknown[] | "any">>;

/** Fields of a settings file: what is obeyed, and what has no effect on an answer or its order. */
const FIELDS: Allowed = {
  prompt_template: "any",
  fn_completions: [undefined, "openai_completions"],
  completions_kwargs: "any",
  fn_completion_parser: [undefined, "regex_parser", "logprob_parser"],
  completion_parser_kwargs: "any",
  completion_key: "any",
  batch_size: [undefined, 1],
  seed: [undefined, 0],
  is_randomize_output_order: [undefined, true],
  is_add_default_processors: [undefined, true],
  processors_to_kwargs: [undefined, null],
  is_shuffle: "any",
  is_store_raw_completions: "any",
  packages_for_which_to_show_version: "any",
  pretty_name: "any",
  link: "any",
};

/** Fields of `completions_kwargs` that steer AlpacaEval's own client and are not sent. */
const CLIENT_FIELDS = ["model_name", "num_procs", "batch_size", "price_per_token", "is_strip"];

/** Fields of `completions_kwargs` that are sent: of OpenAI's API, and of those that follow it. */
const SENT_FIELDS = [
  ...["max_tokens", "max_completion_tokens", "temperature", "top_p", "logprobs", "top_logprobs"],
  ...["frequency_penalty", "presence_penalty", "logit_bias", "seed", "stop", "reasoning_effort"],
  ...["response_format", "service_tier", "user", "verbosity", "top_k", "min_p"],
  ...["repetition_penalty", "chat_template_kwargs", "reasoning", "think", "provider"],
];
const COMPLETION_FIELDS: Allowed = {
  ...Object.fromEntries([...CLIENT_FIELDS, ...SENT_FIELDS].map((field) => [field, "any"])),
  n: [undefined, 1],
  stream: [undefined, false],
};

/** The fields of a part of a settings file. @throws at one that is unknown, or has no such value */
function checkFields(value: unknown, where: string, allowed: Allowed): Record<string, unknown> {
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    throw new Error(`Expected fields in ${where} but found ${JSON.stringify(value)}`);
  }
  const fields = value as Record<string, unknown>;
  for (const [field, found] of Object.entries(fields)) {
    if (!Object.hasOwn(allowed, field)) {
      throw new Error(
        `Expected only fields that can be obeyed in ${where} but found "${field}": there are ` +
          Object.keys(allowed).join(", "),
      );
    }
    const values = allowed[field]!;
    if (values === "any" || values.includes(found)) continue;
    const list = values.filter((one) => one !== undefined).map((one) => JSON.stringify(one));
    throw new Error(
      `Expected ${field} ${list.join(" or ")} in ${where} but found ${JSON.stringify(found)}`,
    );
  }
  return fields;
}

async function readText(path: string): Promise<string> {
  return await readFile(path, "utf8").catch((error: Error) => {
    throw new Error(`Expected a file to read at ${path} but found: ${error.message}`);
  });
}

function parseYaml(text: string, path: string): unknown {
  try {
    return parse(text);
  } catch (error) {
    throw new Error(`Expected YAML in ${path} but found: ${(error as Error).message}`);
  }
}

/** Cuts `<|im_start|>role … <|im_end|>` into messages. @throws where a text stands outside of them */
function parseChat(text: string, path: string): ChatMessage[] {
  const block = /<\|im_start\|>([^\n]*)\n([\s\S]*?)<\|im_end\|>/g;
  const blocks = [...text.matchAll(block)], outside = text.replace(block, "").trim();
  if (blocks.length === 0 || outside !== "") {
    throw new Error(
      `Expected <|im_start|>role … <|im_end|> in ${path} and nothing else but found ` +
        (outside === "" ? "none" : JSON.stringify(outside.slice(0, 80))),
    );
  }
  return blocks.map(([, role, content]) => ({ role: role!.trim(), content: content!.trim() }));
}

/** A pattern of Python's as one of ours: its `$` stands before a last line feed too. */
function regexOf(pattern: unknown, where: string): RegExp {
  const unlike = typeof pattern === "string" && /\\[AZ]|\(\?(?![:=!<])|\(\?<?P/.exec(pattern)?.[0];
  if (typeof pattern !== "string" || unlike) {
    throw new Error(
      `Expected a pattern without Python's own signs in ${where} but found ` +
        JSON.stringify(unlike || pattern),
    );
  }
  const translated = pattern.replace(
    /\\.|\[(?:\\.|[^\]])*\]|\$/gs,
    (part) => part === "$" ? "(?=\\n?$)" : part,
  );
  try {
    return new RegExp(translated, "g");
  } catch (error) {
    throw new Error(`Expected a pattern in ${where} but found: ${(error as Error).message}`);
  }
}

function parserOf(fields: Record<string, unknown>, path: string): AnswerParser {
  const where = `completion_parser_kwargs of ${path}`;
  const given = fields.completion_parser_kwargs ?? {};
  const key = (wanted: string) =>
    checkFields({ completion_key: fields.completion_key ?? wanted }, path, {
      completion_key: [wanted],
    });
  if (fields.fn_completion_parser === "logprob_parser") {
    key("completions_all");
    const options = checkFields(given, where, {
      numerator_token: "any",
      denominator_tokens: "any",
      is_binarize: [undefined, true, false],
      log_prob_index: "any",
    });
    const { numerator_token: first, denominator_tokens: others, log_prob_index: index = 0 } =
      options;
    if (typeof first !== "string" || !Array.isArray(others) || others.length === 0) {
      throw new Error(
        `Expected a numerator_token and a list of denominator_tokens in ${where} but found ` +
          `${JSON.stringify(first)} and ${JSON.stringify(others)}`,
      );
    }
    if (!Number.isInteger(index)) {
      throw new Error(`Expected a whole log_prob_index in ${where} but found ${index}`);
    }
    const tokens = [...new Set([first, ...others.map(String)])];
    const binarize = options.is_binarize !== false;
    return { kind: "logprobs", first, tokens, binarize, index: Number(index) };
  }
  key("completions");
  const { outputs_to_match } = checkFields(given, where, { outputs_to_match: "any" });
  const patterns = checkFields(outputs_to_match, `outputs_to_match of ${path}`, {
    1: "any",
    2: "any",
  });
  return { kind: "text", first: regexOf(patterns[1], where), second: regexOf(patterns[2], where) };
}

/**
 * Reads an AlpacaEval settings file (`configs.yaml`) and the prompt it names, which lies relative to
 * the folder above the file's, as in AlpacaEval.
 *
 * @param model asked for in place of the file's model
 * @throws if a field is unknown or cannot be obeyed, by a chat endpoint and one comparison a prompt
 * @example await loadJudgeSettings("data/judge/weighted_alpaca_eval_gpt4_turbo/configs.yaml")
 */
export async function loadJudgeSettings(path: string, model?: string): Promise<JudgeSettings> {
  const entries = Object.entries(parseYaml(await readText(path), path) ?? {});
  if (entries.length !== 1) {
    throw new Error(`Expected one annotator in ${path} but found ${entries.length}`);
  }
  const [name, raw] = entries[0]!;
  const fields = checkFields(raw, path, FIELDS);
  const where = `completions_kwargs of ${path}`;
  const completion = checkFields(fields.completions_kwargs ?? {}, where, COMPLETION_FIELDS);
  const parameters = Object.fromEntries(
    Object.entries(completion).filter(([field]) => !CLIENT_FIELDS.includes(field)),
  );
  const promptPath = join(dirname(dirname(path)), String(fields.prompt_template));
  const template = parseChat(await readText(promptPath), promptPath);
  const prompt = template.map(({ content }) => content).join("\n");
  const places = new Set([...prompt.matchAll(/\{(\w+)\}/g)].map(([, place]) => place!));
  const known = ["instruction", "output_1", "output_2"];
  const others = [...places].filter((place) => !known.includes(place)); // Node 20 lacks difference()
  if (!places.has("output_1") || !places.has("output_2") || others.length > 0) {
    throw new Error(
      `Expected the places {output_1}, {output_2} and perhaps {instruction} in ${promptPath} but ` +
        `found [${[...places].join(", ")}]`,
    );
  }
  const asked = model ?? completion.model_name;
  if (typeof asked !== "string" || asked === "") {
    throw new Error(`Expected a model_name in ${where} but found ${JSON.stringify(asked)}`);
  }
  return {
    name,
    template,
    // AlpacaEval's client sends top_p 1 where the file says nothing of it.
    parameters: { model: asked, top_p: 1, ...parameters },
    parser: parserOf(fields, path),
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
    const top = choice.logprobs?.content?.at(parser.index)?.top_logprobs;
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
