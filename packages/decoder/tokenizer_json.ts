/**
 * A tokenizer.json as `@huggingface/tokenizers` must be given it to do what the reference does
 * (Hugging Face's tokenizers, in Rust). Steps in which the two differ are put into others in which
 * they agree; what cannot be put so is refused. Does NOT know ids or texts' encoding.
 *
 * Known to differ still: characters younger than the Unicode of one of the two.
 */
import type { Step } from "./detokenizer.ts";

/** An entry of "added_tokens". */
export interface AddedToken {
  readonly id: number;
  readonly content: string;
  readonly special?: boolean;
  readonly normalized?: boolean;
  readonly single_word?: boolean;
  readonly lstrip?: boolean;
  readonly rstrip?: boolean;
}

/** What is read of a tokenizer.json. */
export interface TokenizerJson {
  readonly model: Step & { readonly vocab: unknown };
  readonly added_tokens: readonly AddedToken[];
  readonly normalizer: Step | null;
  readonly pre_tokenizer: Step | null;
  readonly decoder: Step | null;
}

/** GPT-2's pattern, which ByteLevel applies; the library's own version knows JavaScript's spaces alone. */
const WORDS = "'s|'t|'re|'ve|'m|'ll|'d| ?\\p{L}+| ?\\p{N}+| ?[^\\s\\p{L}\\p{N}]+|\\s+(?!\\S)|\\s+";

const PUNCTUATION = "[\\p{P}$+<=>^`|~]";

/**
 * The file with its pre-tokenizers corrected, and no white space stripped beside added tokens:
 * {@link stripper} does it beforehand.
 *
 * @throws Error for what the library leaves out or does otherwise, and nothing here makes good.
 */
export function corrected(json: TokenizerJson, path: string): TokenizerJson {
  const refuse = (what: string): never => {
    throw new Error(
      `Expected a tokenizer whose steps are known here in ${path} but found ${what}: its tokens ` +
        "would differ from the reference's. Use another checkpoint, or tokens made elsewhere.",
    );
  };
  const prefix = json.model.continuing_subword_prefix;
  if (prefix && json.model.type === "BPE") refuse(`continuing_subword_prefix ${prefix}`);
  const single = json.added_tokens.find((token) => token.single_word);
  if (single) refuse(`the token ${single.content} as a single word alone`);
  const { pre_tokenizer, added_tokens } = json;
  return {
    ...{ normalizer: null, post_processor: null, decoder: null }, // as where they are left out
    ...json,
    pre_tokenizer: pre_tokenizer ? sequence(stepsOf(pre_tokenizer, refuse)) : null,
    added_tokens: added_tokens.map((token) =>
      isSoughtFirst(token, json) ? { ...token, lstrip: false, rstrip: false } : token
    ),
  };
}

/** Takes the white space beside added tokens that want it (`lstrip`, `rstrip`) out of a text. */
export function stripper(json: TokenizerJson): (text: string) => string {
  const added = new Map(
    json.added_tokens.filter((token) => isSoughtFirst(token, json))
      .map((token) => [token.content, token]),
  );
  if (![...added.values()].some(({ lstrip, rstrip }) => lstrip || rstrip)) return (text) => text;
  const longestFirst = [...added.keys()].toSorted((a, b) => b.length - a.length);
  const any = new RegExp(longestFirst.map(literal).join("|"), "gu");
  return (text) => {
    let stripped = "", from = 0, rstrip: boolean | undefined = false;
    const take = (to: number, lstrip?: boolean) => {
      let end = to;
      while (rstrip && from < to && isSpace(text[from]!)) from++;
      while (lstrip && end > from && isSpace(text[end - 1]!)) end--;
      stripped += text.slice(from, end);
    };
    for (const { 0: content, index } of text.matchAll(any)) {
      const token = added.get(content)!;
      take(index, token.lstrip);
      stripped += content;
      from = index + content.length;
      rstrip = token.rstrip;
    }
    take(text.length);
    return stripped;
  };
}

/** Whether an added token is sought in the text as it stands, and not in the normalized one. */
const isSoughtFirst = ({ normalized, special }: AddedToken, { normalizer }: TokenizerJson) =>
  !normalizer || !(normalized ?? !special);

const literal = (text: string) => text.replace(/[\\^$.*+?()[\]{}|/]/g, "\\$&");

const isSpace = (character: string) => /\p{White_Space}/u.test(character);

const sequence = (pretokenizers: Step[]): Step => ({ type: "Sequence", pretokenizers });

const split = (Regex: string, behavior = "Isolated", invert = false): Step => ({
  type: "Split",
  pattern: { Regex },
  behavior,
  invert,
});

/** What a pre-tokenizer does, in steps that the library does as the reference. */
function stepsOf(step: Step, refuse: (what: string) => never): Step[] {
  const { type, behavior } = step;
  switch (type) {
    case "Sequence":
      return (step.pretokenizers as Step[]).flatMap((one) => stepsOf(one, refuse));
    case "ByteLevel":
      return [
        // A step of the library's alone; "$&" is what has been found.
        ...step.add_prefix_space
          ? [{ type: "Replace", pattern: { Regex: "\\A[^ ]" }, content: " $&" }]
          : [],
        ...step.use_regex ?? true ? [split(WORDS)] : [],
        { type: "ByteLevel", add_prefix_space: false, use_regex: false },
      ];
    case "Digits": // to the library 0 to 9 alone
      return [split(step.individual_digits ? "\\p{N}" : "\\p{N}+")];
    case "Metaspace": {
      const scheme = step.prepend_scheme ?? (step.add_prefix_space === false ? "never" : "always");
      const { replacement = "▁" } = step;
      const apart = split(`${replacement}?[^${replacement}]+|${replacement}`);
      return [{ ...step, prepend_scheme: scheme }, ...step.split ?? true ? [apart] : []];
    }
    case "Punctuation":
      if (behavior === "Contiguous") return [split(`${PUNCTUATION}+`)];
      if ((behavior ?? "Isolated") === "Isolated") return [split(PUNCTUATION)];
      return refuse(`Punctuation with the behavior ${behavior}`);
    case "Whitespace":
      return [split("\\w+|[^\\w\\s]+", "Removed", true)];
    case "WhitespaceSplit":
      return [split("\\s+", "Removed")];
    case "Split": {
      const removed = behavior === "Removed";
      if (removed || (behavior === "Isolated" && !step.invert)) return [step];
      return refuse(`Split with the behavior ${behavior}${step.invert ? ", inverted" : ""}`);
    }
    default:
      return [step];
  }
}
