/**
 * Vocabulary entries to text, by the decoder that a tokenizer.json names.
 *
 * Where `@huggingface/tokenizers` differs from the reference (bytes that are no UTF-8, a U+FEFF made
 * of bytes, added tokens in Latin-1 letters, a first token of several spaces) the step is written
 * here; the others are the library's. Does NOT know ids.
 */
import { SequenceDecoder } from "@huggingface/tokenizers";
import { byteLetters } from "./byte_level.ts";

/** One step of a tokenizer.json: its type, and what the type needs. */
export interface Step {
  readonly type: string;
  readonly [option: string]: unknown;
}

type Decode = (tokens: string[]) => string[];

/**
 * The text of a list of vocabulary entries.
 *
 * @param decoder what tokenizer.json has under "decoder"; without one, entries are parted by spaces
 * @throws Error for a type that the library does not have.
 * @example detokenizer({ type: "ByteLevel" })(["ĠnaÃ¯ve"]) // " naïve"
 */
export function detokenizer(decoder: Step | null): (tokens: string[]) => string {
  if (decoder === null) return (tokens) => tokens.join(" ");
  const steps = stepsOf(decoder);
  return (tokens) => steps.reduce((now, step) => step(now), tokens).join("");
}

function stepsOf(decoder: Step): Decode[] {
  switch (decoder.type) {
    case "Sequence":
      return (decoder.decoders as Step[]).flatMap(stepsOf);
    case "ByteLevel":
      return [fromByteLetters];
    case "ByteFallback":
      return [fromByteTokens];
    case "Metaspace":
      return [fromMetaspace(decoder)];
    default: {
      const theirs = new SequenceDecoder(
        {
          type: "Sequence",
          decoders: [decoder],
        } as ConstructorParameters<typeof SequenceDecoder>[0],
      );
      return [(tokens) => theirs.decode_chain(tokens)];
    }
  }
}

const bytesOf = new Map(Array.from(byteLetters, ([byte, letter]) => [letter, byte]));
const utf8 = new TextEncoder();
const lenient = new TextDecoder("utf-8", { ignoreBOM: true });
const strict = new TextDecoder("utf-8", { ignoreBOM: true, fatal: true });

/** Entries in byte letters; one with any other character in it stands for itself. */
function fromByteLetters(tokens: string[]): string[] {
  const bytes = tokens.flatMap((token) => {
    const known = Array.from(token, (letter) => bytesOf.get(letter));
    return known.includes(undefined) ? Array.from(utf8.encode(token)) : known as number[];
  });
  return [lenient.decode(Uint8Array.from(bytes))];
}

/** `<0xE2>` and its like; each of a row of them that is no UTF-8 gives one U+FFFD. */
function fromByteTokens(tokens: string[]): string[] {
  const text: string[] = [];
  let row: number[] = [];
  const end = () => {
    if (row.length === 0) return;
    try {
      text.push(strict.decode(Uint8Array.from(row)));
    } catch {
      text.push("\uFFFD".repeat(row.length));
    }
    row = [];
  };
  for (const token of tokens) {
    const hex = /^<0x([0-9A-Fa-f]{2})>$/.exec(token)?.[1];
    if (hex) row.push(parseInt(hex, 16));
    else {
      end();
      text.push(token);
    }
  }
  end();
  return text;
}

/** "▁" is a space, and none at the beginning if the tokenizer has put it there. */
function fromMetaspace({ replacement = "▁", prepend_scheme = "always" }: Step): Decode {
  return (tokens) =>
    tokens.map((token, i) =>
      token.replaceAll(replacement as string, i === 0 && prepend_scheme !== "never" ? "" : " ")
    );
}
