/**
 * A tokenizer: text to token ids and back, exactly as the reference libraries do it.
 *
 * The work is done by `@huggingface/tokenizers`, which reads the `tokenizer.json` of any Hugging
 * Face checkpoint; where it differs from the reference it is corrected (tokenizer_json.ts,
 * detokenizer.ts). This module adds the few facts the rest of the laboratory needs (which id is
 * BOS, EOS, padding; what one token looks like as text). It does NOT know of models, templates or
 * training examples.
 */
import { createHash } from "node:crypto";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { Tokenizer as Reference } from "@huggingface/tokenizers";
import { detokenizer } from "./detokenizer.ts";
import { parseObject, readObject } from "./json.ts";
import { checkIds, usable } from "./tokenizer_form.ts";
import { corrected, stripper, type TokenizerJson } from "./tokenizer_json.ts";

/** Text to ids and back; made by {@link loadTokenizer}. */
export interface Tokenizer {
  /** One more than the largest id, added tokens included. */
  readonly vocabSize: number;
  /** Beginning-of-sequence id, or null when the tokenizer has none. */
  readonly bosId: number | null;
  /** End-of-sequence id: what a model emits when its response is complete. */
  readonly eosId: number;
  readonly padId: number | null;
  /** sha256 (hex) of tokenizer.json's bytes. */
  readonly hash: string;
  /** `special` (default true): add BOS, if this tokenizer adds one of its own accord. */
  encode(text: string, options?: { special?: boolean }): number[];
  /** `skipSpecial` (default true) leaves BOS, EOS and their like out. Unknown ids give no text. */
  decode(ids: ArrayLike<number>, options?: { skipSpecial?: boolean }): string;
  /** The id of an exact vocabulary entry ("Ġthe", "▁I", "<0x0A>"), or undefined. */
  tokenId(token: string): number | undefined;
  /** The vocabulary entry of an id; "" where none stands (padded embedding rows). */
  token(id: number): string;
}

/** The fields of tokenizer_config.json that matter here; all may be absent. */
export interface TokenizerConfig {
  readonly bos_token?: string | { readonly content: string } | null;
  readonly eos_token?: string | { readonly content: string } | null;
  readonly pad_token?: string | { readonly content: string } | null;
  /** Of no effect, as in Hugging Face: it would eat spaces, and WordPiece's decoder has its own. */
  readonly clean_up_tokenization_spaces?: boolean;
}

/** Names tried, in this order, where no tokenizer_config.json says which token ends a text. */
const USUAL_EOS = ["</s>", "<|endoftext|>", "<|end_of_text|>", "<|im_end|>", "<eos>"];

/**
 * Loads the tokenizer of a checkpoint folder: `tokenizer.json`, and which of its tokens are special
 * by `tokenizer_config.json` and `special_tokens_map.json` where they are there.
 *
 * @throws Error when the folder has no tokenizer.json, or it is not one.
 * @example
 * const tokenizer = await loadTokenizer("data/world/base");
 * tokenizer.encode("Once upon a time");
 */
export async function loadTokenizer(folder: string): Promise<Tokenizer> {
  const path = join(folder, "tokenizer.json");
  const json = await readFile(path, "utf8").catch((cause: unknown) => {
    throw new Error(
      `Expected a tokenizer at ${path} but found none. Give a Hugging Face checkpoint folder; ` +
        `where it has only tokenizer.model, convert it first (AutoTokenizer…save_pretrained).`,
      { cause },
    );
  });
  const config = await readObject(join(folder, "tokenizer_config.json"));
  const map = await readObject(join(folder, "special_tokens_map.json"));
  // As in Hugging Face: the older map counts where the config does not list the added tokens itself.
  const special = config?.added_tokens_decoder ? { ...map, ...config } : { ...config, ...map };
  return createTokenizer(json, special as TokenizerConfig, path);
}

/**
 * Makes a tokenizer from the text of a tokenizer.json.
 *
 * @param json the file's text
 * @param config tokenizer_config.json's content: which tokens are BOS, EOS and padding
 * @param path the file's name, for error messages
 * @throws Error when the text is no tokenizer.json, or when no EOS token can be told.
 */
export function createTokenizer(
  json: string,
  config: TokenizerConfig = {},
  path = "tokenizer.json",
): Tokenizer {
  const parsed = parseObject(json, path) as unknown as TokenizerJson;
  if (!parsed.model?.vocab || !Array.isArray(parsed.added_tokens)) {
    throw new Error(
      `Expected a tokenizer.json with "model" (and its "vocab") and "added_tokens" at ${path} but ` +
        `found the keys ${Object.keys(parsed).join(", ") || "(none)"}. ` +
        `Save the tokenizer again with Hugging Face tokenizers.`,
    );
  }
  checkIds(parsed.model.vocab, parsed.added_tokens, path);
  const { reference, toText, strip } = usable(path, () => {
    const reference = new Reference(corrected(parsed, path), config);
    const toText = detokenizer(parsed.decoder ?? null), strip = stripper(parsed);
    const { ids } = reference.encode(strip("A text, 1 é."));
    const tokens = ids.map((id) => reference.id_to_token(id));
    if (tokens.includes(undefined)) throw new Error("a text with ids that name no token");
    toText(tokens as string[]);
    return { reference, toText, strip };
  });
  const special = new Set(
    parsed.added_tokens.filter((token) => token.special).map((token) => token.content),
  );
  // -1: ids are counted from 0, so an empty vocabulary gives size 0. A loop, because spreading
  // 100,000 ids into Math.max overflows the stack.
  let largest = -1;
  for (const id of reference.get_vocab().values()) largest = Math.max(largest, id);

  const named = (key: "bos_token" | "eos_token" | "pad_token"): number | null => {
    const entry = config[key] ?? null;
    if (entry === null) return null;
    const token: unknown = typeof entry === "object" ? entry.content : entry;
    if (typeof token !== "string") {
      throw new Error(
        `Expected ${key} of tokenizer_config.json or special_tokens_map.json beside ${path} to be a ` +
          `text, {"content": a text} or null, but found ${
            kindOf(entry)
          }. Write the token, not its id.`,
      );
    }
    const id = reference.token_to_id(token);
    if (id === undefined) {
      throw new Error(
        `Expected ${key} ${JSON.stringify(token)} of tokenizer_config.json in the vocabulary of ` +
          `${path} but found no such token. Take both files from the same checkpoint.`,
      );
    }
    return id;
  };
  const eosId = named("eos_token") ??
    USUAL_EOS.map((t) => reference.token_to_id(t)).find((id) => id !== undefined);
  if (eosId === undefined) {
    throw new Error(
      `Expected an end-of-sequence token for ${path} but found neither "eos_token" in ` +
        `tokenizer_config.json nor any of ${
          USUAL_EOS.join(" ")
        }. Name it in tokenizer_config.json.`,
    );
  }

  return {
    vocabSize: largest + 1,
    // Without a config, BOS is what the tokenizer itself puts before an empty text.
    bosId: named("bos_token") ?? reference.encode("").ids[0] ?? null,
    eosId,
    padId: named("pad_token"),
    hash: createHash("sha256").update(json).digest("hex"),
    encode: (text, options = {}) =>
      reference.encode(strip(text.toWellFormed()), { add_special_tokens: options.special ?? true })
        .ids,
    decode(ids, { skipSpecial = true } = {}) {
      const tokens = Array.from(ids, (id) => reference.id_to_token(id))
        .filter((token) => token !== undefined && !(skipSpecial && special.has(token)));
      return toText(tokens as string[]);
    },
    tokenId: (token) => reference.token_to_id(token),
    token: (id) => reference.id_to_token(id) ?? "",
  };
}

/** A value from outside in a few words: it may be nested deeply. */
const kindOf = (value: unknown) =>
  Array.isArray(value)
    ? "a list"
    : typeof value === "object"
    ? "an object without such a text"
    : String(value);

/**
 * The text each token adds when ids are read from left to right; joined, it is their decoding.
 * A character spread over several tokens stands at its last one, the others give "".
 *
 * @example
 * tokenTexts(tokenizer.encode("Hi there", { special: false }), tokenizer); // ["Hi", " there"]
 */
export function tokenTexts(ids: ArrayLike<number>, tokenizer: Tokenizer): string[] {
  const next = textStream(tokenizer, [], { skipSpecial: false });
  return Array.from(ids, (id, i) => next(id, i === ids.length - 1));
}

/**
 * Text as it is made: a function from each further id to what it adds, "" before a character is whole.
 *
 * @param before the ids that stand before, which give no text
 * @returns a function of an id, and of whether it is the last one and an unfinished character is shown
 * @example
 * const next = textStream(tokenizer, prompt);
 * await decoder.generate([prompt], { onToken: (_, id) => console.log(next(id)) });
 */
export function textStream(
  tokenizer: Tokenizer,
  before: readonly number[],
  options: { skipSpecial?: boolean } = {},
): (id: number, isLast?: boolean) => string {
  const ids = [...before];
  let from = 0; // decode from here on: enough left context for the decoder's treatment of spaces
  let told = ids.length; // ids before this one have been given out as text
  return (id, isLast = false) => {
    ids.push(id);
    const known = tokenizer.decode(ids.slice(from, told), options);
    const text = tokenizer.decode(ids.slice(from), options);
    if (text.endsWith("\uFFFD") && !isLast) return ""; // the rest of the character is to come
    if (told > from) from = told;
    told = ids.length;
    return text.slice(known.length);
  };
}
