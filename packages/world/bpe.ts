/**
 * Trains a byte-level BPE tokenizer and writes it as Hugging Face's tokenizer.json, the format
 * every other tool reads. It knows nothing of models or of the world its sample comes from.
 *
 * Text is cut by GPT-2's pattern (Radford et al. 2019), bytes are written as printable characters,
 * and the most frequent neighbouring pair is merged until the vocabulary is full (Sennrich et al.
 * 2016). Strings that never stand side by side in the sample are never merged: a chat template that
 * does not occur stays in its pieces.
 */
import { byteLetters, inByteLetters } from "@implicit/decoder";

/** Ids 0, 1 and 2. */
export const specialTokens = { pad: "<pad>", bos: "<s>", eos: "</s>" } as const;

/** GPT-2's cut of a text into words, across which nothing is merged. */
export const wordPattern =
  /'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+/gu;

/** The files of a tokenizer, as values to be written as JSON. */
export interface TokenizerFiles {
  readonly "tokenizer.json": Record<string, unknown>;
  readonly "tokenizer_config.json": Record<string, unknown>;
}

/**
 * Trains on a sample of text. The same sample and size give the same files; ties between pairs go
 * to the pair that is first in the alphabet.
 *
 * @param sample texts; whole documents or lines
 * @param vocabSize the size aimed at, special tokens and the 256 bytes included; it is smaller
 *   only where no pair occurs twice any more
 * @throws where `vocabSize` leaves no room for the bytes
 * @example const files = trainBpe(["low lower lowest"], 300);
 */
export function trainBpe(sample: Iterable<string>, vocabSize: number): TokenizerFiles {
  const specials = Object.values(specialTokens);
  const tokens = [...specials, ...byteLetters.values()];
  if (vocabSize < tokens.length) {
    throw new Error(
      `Expected a vocabulary of at least ${tokens.length} (the bytes and ${specials.length} ` +
        `special tokens) but found ${vocabSize}`,
    );
  }
  const words = countWords(sample);
  const merges: [string, string][] = [];
  while (tokens.length < vocabSize) {
    const best = mostFrequentPair(words);
    if (!best) break;
    const [left, right] = best;
    for (const word of words) merge(word.pieces, left, right);
    merges.push(best);
    tokens.push(left + right);
  }
  return files(tokens, merges);
}

interface Word {
  readonly pieces: string[];
  readonly count: number;
}

function countWords(sample: Iterable<string>): Word[] {
  const counts = new Map<string, number>();
  for (const text of sample) {
    for (const [word] of text.matchAll(wordPattern)) counts.set(word, (counts.get(word) ?? 0) + 1);
  }
  return [...counts].map(([word, count]) => ({ pieces: [...inByteLetters(word)], count }));
}

/** Pieces hold no space (it is written Ġ), so one separates the halves of a pair. */
function mostFrequentPair(words: readonly Word[]): [string, string] | undefined {
  const counts = new Map<string, number>();
  for (const { pieces, count } of words) {
    for (let i = 1; i < pieces.length; i++) {
      const pair = `${pieces[i - 1]} ${pieces[i]}`;
      counts.set(pair, (counts.get(pair) ?? 0) + count);
    }
  }
  let best: string | undefined;
  let most = 1;
  for (const [pair, count] of counts) {
    if (count > most || (count === most && best !== undefined && pair < best)) {
      [best, most] = [pair, count];
    }
  }
  return best?.split(" ") as [string, string] | undefined;
}

function merge(pieces: string[], left: string, right: string): void {
  for (let i = 0; i + 1 < pieces.length; i++) {
    if (pieces[i] === left && pieces[i + 1] === right) pieces.splice(i, 2, left + right);
  }
}

function files(tokens: readonly string[], merges: readonly [string, string][]): TokenizerFiles {
  const { pad, bos, eos } = specialTokens;
  const strip = { lstrip: false, normalized: false, rstrip: false };
  const special = { ...strip, single_word: false, special: true };
  const byteLevel = {
    type: "ByteLevel",
    add_prefix_space: false,
    trim_offsets: true,
    use_regex: true,
  };
  return {
    "tokenizer.json": {
      version: "1.0",
      truncation: null,
      padding: null,
      added_tokens: [pad, bos, eos].map((content, id) => ({ id, content, ...special })),
      normalizer: null,
      pre_tokenizer: byteLevel,
      post_processor: {
        type: "TemplateProcessing",
        single: [{ SpecialToken: { id: bos, type_id: 0 } }, { Sequence: { id: "A", type_id: 0 } }],
        pair: [
          { SpecialToken: { id: bos, type_id: 0 } },
          { Sequence: { id: "A", type_id: 0 } },
          { Sequence: { id: "B", type_id: 0 } },
        ],
        special_tokens: { [bos]: { id: bos, ids: [tokens.indexOf(bos)], tokens: [bos] } },
      },
      decoder: byteLevel,
      model: {
        type: "BPE",
        dropout: null,
        unk_token: null,
        continuing_subword_prefix: null,
        end_of_word_suffix: null,
        fuse_unk: false,
        byte_fallback: false,
        ignore_merges: false,
        vocab: Object.fromEntries(tokens.map((token, id) => [token, id])),
        merges,
      },
    },
    "tokenizer_config.json": {
      tokenizer_class: "PreTrainedTokenizerFast",
      bos_token: bos,
      eos_token: eos,
      pad_token: pad,
      clean_up_tokenization_spaces: false,
    },
  };
}
