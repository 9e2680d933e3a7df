/**
 * From strings to places in token ids: which tokens spell a string, and where in a text tags have
 * stood. Knows tokenizers; does not know rules.
 */
import { inByteLetters, type StepContext, type Tokenizer } from "@implicit/decoder";

/**
 * The ids of the single tokens that spell `string` (default: or the same after a space), in vocabularies
 * of byte-level BPE ("ĠI", "Ċ") and of SentencePiece ("▁I", "<0x0A>").
 *
 * @param exact only the string as written
 * @example tokenIds(tokenizer, "I") // those of "I" and " I"
 */
export function tokenIds(tokenizer: Tokenizer, string: string, exact = false): number[] {
  const strings = exact || string.startsWith(" ") ? [string] : [string, ` ${string}`];
  // Byte-level vocabularies spell every byte as a letter, so "▁" is three letters there.
  const isSentencePiece = tokenizer.tokenId("▁") !== undefined;
  const found = strings.flatMap((one) => {
    const bytes = [...new TextEncoder().encode(one)];
    const spellings = isSentencePiece ? [one.replaceAll(" ", "▁")] : [inByteLetters(one)];
    if (bytes.length === 1) {
      spellings.push(`<0x${bytes[0]!.toString(16).toUpperCase().padStart(2, "0")}>`);
    }
    spellings.push(one); // added tokens stand as they are
    const ids = spellings.map((spelling) => tokenizer.tokenId(spelling));
    return ids.find((id) => id !== undefined) ?? [];
  });
  return [...new Set(found)];
}

/**
 * Tags after whose last occurrence instruction and response begin, as in the authors' code: a model
 * that writes a tag itself starts anew.
 */
export interface Tags {
  readonly user: string;
  readonly assistant: string;
}

/** Where instruction and response begin in the ids of a step. */
export interface Starts {
  instruction(context: StepContext): number;
  response(context: StepContext): number;
  /** The same as data. */
  readonly plain: Readonly<Record<"instruction" | "response", PlainStart>>;
}

/** After the last occurrence of these ids; where there are none: the prompt's start, or its end. */
export interface PlainStart {
  readonly tag: readonly number[] | null;
  readonly otherwise: "start" | "response";
}

/** Finds the starts by tags. Without tags the prompt is the instruction. */
export function startsAfter(tokenizer: Tokenizer, tags?: Tags): Starts {
  const plain = (user: number[] | null, assistant: number[] | null) => ({
    instruction: { tag: user, otherwise: "start" },
    response: { tag: assistant, otherwise: "response" },
  } as const);
  if (!tags) {
    const response = ({ promptLength }: StepContext) => promptLength;
    return { instruction: () => 0, response, plain: plain(null, null) };
  }
  // A tag's first token depends on what stands before it ("<" or "▁<"), so it is left out.
  const ids = (tag: string) => {
    const all = tokenizer.encode(tag, { special: false });
    return all.length > 2 ? all.slice(1) : all;
  };
  const user = ids(tags.user), assistant = ids(tags.assistant);
  return {
    instruction: (context) => lastEnd(context.ids, user) ?? 0,
    response: (context) => lastEnd(context.ids, assistant) ?? context.promptLength,
    plain: plain(user, assistant),
  };
}

/** The index after the last occurrence of `part`. */
function lastEnd(ids: readonly number[], part: readonly number[]): number | undefined {
  for (let end = ids.length; end >= part.length; end--) {
    if (part.every((id, i) => ids[end - part.length + i] === id)) return end;
  }
  return undefined;
}
