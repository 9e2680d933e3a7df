/**
 * From a training example to token ids and the label mask: which tokens the loss is taken on.
 *
 * Follows the authors' code (`encode_with_messages_format`), token by token: the mask's boundaries
 * are the lengths of separately tokenised prefixes, the last turn's newline is cut off, and what is
 * left of a response after truncation has no EOS. Does NOT know of data files, batches or models.
 */
import { type Tokenizer, tokenTexts } from "@implicit/decoder";
import { type Example, type Message, pair } from "@implicit/hub";
import { IGNORED } from "./ignored.ts";
import type { ChatTemplate } from "./template.ts";

export type { Example, Message };

/** Token ids and labels of equal length; label −100 = not a target. Labels are NOT shifted. */
export interface EncodedExample {
  readonly ids: readonly number[];
  readonly labels: readonly number[];
}

/** The authors' choices are the defaults. */
export interface EncodeOptions {
  /** Longest example in tokens, cut at the right. Default 2048. */
  maxLength?: number;
  /**
   * Whether the newline after a non-final EOS is a target. Default true: in the code it falls
   * between two masked spans. The paper's equations 1–2 sum over response tokens alone: false.
   */
  turnNewline?: boolean;
}

/**
 * Encodes one example: BOS, tags and instructions masked; responses and their EOS are targets.
 *
 * @returns null when truncation leaves no target (the authors' code drops such examples).
 * @throws Error on an empty conversation, an unknown role or a content that is not text.
 * @example
 * const example = { messages: [{ role: "user", content: "Hi" }, { role: "assistant", content: "Hello!" }] };
 * encodeExample(example, tokenizer, templates.tulu); // { ids: […], labels: [-100, …, 22172, 2] }
 */
export function encodeExample(
  example: Example,
  tokenizer: Tokenizer,
  template: ChatTemplate,
  options: EncodeOptions = {},
): EncodedExample | null {
  const { maxLength = 2048, turnNewline = true } = options;
  checkMessages(example.messages);
  const eos = tokenizer.token(tokenizer.eosId);
  const turns = example.messages.map(({ role, content }) => ({
    role,
    tag: role === "system" ? template.system ?? "<|system|>\n" : template[role],
    body: strip(content) + (role === "assistant" ? eos : "") + "\n",
  }));
  const text = (until: number) => turns.slice(0, until).map((t) => t.tag + t.body).join("");
  const encode = (s: string) => tokenizer.encode(s).slice(0, maxLength);

  // Only the end is stripped: the tags already stand at the start, and a template without tags
  // must keep the newline that stands for an empty instruction.
  const ids = encode(stripEnd(text(turns.length)));
  const labels = [...ids];
  const mask = (from: number, to: number) => labels.fill(IGNORED, from, to);
  turns.forEach(({ role }, k) => {
    const start = k === 0 ? 0 : encode(text(k)).length;
    if (role !== "assistant") {
      const responseFollows = turns[k + 1]?.role === "assistant";
      mask(start, encode(text(k + 1) + (responseFollows ? template.assistant : "")).length);
    } else if (!turnNewline) {
      mask(encode(stripEnd(text(k + 1))).length, encode(text(k + 1)).length);
    }
  });
  return labels.every((label) => label === IGNORED) ? null : { ids, labels };
}

/** A single-turn example as prompt and response: cut before its first target. */
export function splitAtTarget({ ids, labels }: EncodedExample): {
  readonly prompt: readonly number[];
  readonly response: readonly number[];
} {
  const cut = labels.findIndex((label) => label !== IGNORED);
  return { prompt: ids.slice(0, cut), response: ids.slice(cut) };
}

/**
 * An instruction and its response as token ids, EOS included, for scoring.
 *
 * @returns null where `maxLength` leaves nothing of the response.
 */
export function encodePair(
  instruction: string,
  response: string,
  tokenizer: Tokenizer,
  template: ChatTemplate,
  maxLength: number,
) {
  const encoded = encodeExample(pair(instruction, response), tokenizer, template, { maxLength });
  return encoded && splitAtTarget(encoded);
}

/**
 * The response-tuning form of an example (paper §4): every user turn becomes the empty string;
 * tags, system turns and responses stay, earlier responses included.
 */
export function toResponseTuning(example: Example): Example {
  return {
    messages: example.messages.map((m) => m.role === "user" ? { ...m, content: "" } : m),
  };
}

/** One token of an encoded example, for a coloured view. */
export interface MaskedToken {
  readonly id: number;
  /** The vocabulary entry, e.g. "▁I". */
  readonly token: string;
  /** The text it adds; joined over all tokens this is the whole training text. */
  readonly text: string;
  /** Whether the loss is taken on it. */
  readonly target: boolean;
}

/**
 * An encoded example token by token, with the targets marked.
 *
 * @example
 * explainMask(encoded, tokenizer).filter((t) => t.target).map((t) => t.text).join("");
 */
export function explainMask(encoded: EncodedExample, tokenizer: Tokenizer): MaskedToken[] {
  const texts = tokenTexts(encoded.ids, tokenizer);
  return encoded.ids.map((id, i) => ({
    id,
    token: tokenizer.token(id),
    text: texts[i]!,
    target: encoded.labels[i] !== IGNORED,
  }));
}

// Python's str.strip() and JavaScript's trim() disagree on a handful of characters (U+FEFF, the
// information separators, NEL); the masks are Python's.
const SPACE =
  "[\\t-\\r\\x1c-\\x20\\x85\\xa0\\u1680\\u2000-\\u200a\\u2028\\u2029\\u202f\\u205f\\u3000]+";
const LEADING = new RegExp(`^${SPACE}`);
const TRAILING = new RegExp(`${SPACE}$`);
const stripEnd = (text: string) => text.replace(TRAILING, "");
const strip = (text: string) => stripEnd(text.replace(LEADING, ""));

function checkMessages(messages: readonly Message[]): void {
  if (messages.length === 0) {
    throw new Error("Expected an example of at least one message but found none. Leave it out.");
  }
  messages.forEach(({ role, content }, k) => {
    if (!["system", "user", "assistant"].includes(role)) {
      throw new Error(
        `Expected role system, user or assistant in message ${k} but found ${
          JSON.stringify(role)
        }.`,
      );
    }
    if (typeof content !== "string") {
      throw new Error(
        `Expected text as the content of message ${k} (${role}) but found ${typeof content}.`,
      );
    }
  });
}
