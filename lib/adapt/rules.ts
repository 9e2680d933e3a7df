/**
 * The rule adapter (paper section 6): three hand-written rules whose scores are added to a base
 * model's logits, which under greedy decoding is exactly the product of experts of equations 4 and 5.
 *
 * Rules are data and name strings; here they are resolved to the ids of whichever tokenizer is loaded,
 * and applied step by step. Knows tokenizers; does not know models.
 */
import {
  inByteLetters,
  type LogitsProcessor,
  type StepContext,
  type Tokenizer,
} from "@implicit/decoder";

/** The names of the rules. */
export type Rule = "eos" | "repetition" | "uniform";

/** A change of one string's score at every step. */
export interface UniformChange {
  readonly string: string;
  readonly weight: number;
  /** Only the string as written. Default: with and without a space before it, whichever are tokens. */
  readonly exact?: boolean;
}

/** The rules as data; a rule left out is off. Weights are added to logits. */
export interface RuleSet {
  /** EOS ramp: `slope` · t after t response tokens while t < `horizon`, then nothing; `weight` from `from` on. */
  readonly eos?: {
    readonly slope: number;
    readonly horizon?: number;
    readonly beyond?: { readonly from: number; readonly weight: number };
  };
  /** Added once to every token that the response holds already; `instruction`: or the instruction does. */
  readonly repetition?: {
    readonly weight: number;
    readonly scope: "response" | "instruction";
    /** Strings that may repeat, with or without a space before them. */
    readonly exempt?: readonly string[];
  };
  readonly uniform?: readonly UniformChange[];
  /**
   * Tags after whose last occurrence instruction and response begin, as in the authors' code: a model
   * that writes a tag itself starts anew. Default: the prompt is the instruction.
   */
  readonly tags?: { readonly user: string; readonly assistant: string };
}

/** One line of what an adapter does. `ids` is empty where the string is no single token. */
export interface RuleRow {
  readonly rule: Rule;
  readonly string: string;
  readonly ids: readonly number[];
  readonly weight: number;
}

/** A rule's scores at a step: calls `add` for every token that has one. */
export type RulePart = (context: StepContext, add: (id: number, weight: number) => void) => void;

/** Rules made ready for one tokenizer. */
export interface RuleAdapter {
  /** Adds every rule's scores to the logits. */
  readonly processor: LogitsProcessor;
  /** The rules one by one. */
  readonly parts: ReadonlyMap<Rule, RulePart>;
  /** Which string became which ids, with which weight (the EOS ramp's per token). */
  explain(): RuleRow[];
}

/**
 * Makes an adapter of rules for a tokenizer.
 *
 * @throws if no string of the uniform rule is a token.
 * @example
 * const adapter = ruleAdapter(tokenizer, rules.llama2("code"));
 * await decoder.generate([prompt], { processors: [adapter.processor] });
 */
export function ruleAdapter(tokenizer: Tokenizer, rules: RuleSet): RuleAdapter {
  const parts = new Map<Rule, RulePart>();
  const rows: RuleRow[] = [];
  const start = starts(tokenizer, rules.tags);

  const { eos, repetition, uniform } = rules;
  if (eos) {
    const id = tokenizer.eosId;
    const { slope, horizon = Infinity, beyond } = eos;
    rows.push({ rule: "eos", string: tokenizer.token(id), ids: [id], weight: slope });
    parts.set("eos", (context, add) => {
      const t = context.ids.length - start.response(context);
      if (beyond && t >= beyond.from) add(id, beyond.weight);
      else if (t > 0 && t < horizon) add(id, slope * t);
    });
  }
  if (repetition) {
    const { weight, scope, exempt = [] } = repetition;
    const what = scope === "response" ? "response" : "instruction and response";
    rows.push({ rule: "repetition", string: `(every token of ${what})`, ids: [], weight });
    const free = new Set<number>();
    for (const string of exempt) {
      const ids = resolve(tokenizer, string);
      ids.forEach((id) => free.add(id));
      rows.push({ rule: "repetition", string, ids, weight: 0 });
    }
    const from = scope === "response" ? start.response : start.instruction;
    parts.set("repetition", (context, add) => {
      const seen = new Set(free);
      for (let i = from(context); i < context.ids.length; i++) {
        const id = context.ids[i]!;
        if (!seen.has(id)) add(id, weight);
        seen.add(id);
      }
    });
  }
  if (uniform) {
    const weights = new Map<number, number>();
    for (const { string, weight, exact } of uniform) {
      const ids = resolve(tokenizer, string, exact);
      rows.push({ rule: "uniform", string, ids, weight });
      for (const id of ids) weights.set(id, weight);
    }
    if (weights.size === 0) {
      const strings = uniform.map(({ string }) => JSON.stringify(string)).join(", ");
      throw new Error(
        `Expected a string of the uniform rule to be a token but found none of ${strings} in the ` +
          `vocabulary. Name strings that the tokenizer has as one token.`,
      );
    }
    parts.set("uniform", (_, add) => {
      for (const [id, weight] of weights) add(id, weight);
    });
  }
  return {
    parts,
    explain: () => [...rows],
    processor(logits, context) {
      const add = (id: number, weight: number) => {
        logits[id]! += weight;
      };
      for (const part of parts.values()) part(context, add);
    },
  };
}

/**
 * The ids of the single tokens that spell `string` (default: or the same after a space), in vocabularies
 * of byte-level BPE ("ĠI", "Ċ") and of SentencePiece ("▁I", "<0x0A>").
 */
function resolve(tokenizer: Tokenizer, string: string, exact = false): number[] {
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

/** Where instruction and response begin in the ids of a step. */
function starts(tokenizer: Tokenizer, tags: RuleSet["tags"]) {
  if (!tags) {
    return {
      instruction: () => 0,
      response: ({ promptLength }: StepContext) => promptLength,
    };
  }
  // A tag's first token depends on what stands before it ("<" or "▁<"), so it is left out.
  const ids = (tag: string) => {
    const all = tokenizer.encode(tag, { special: false });
    return all.length > 2 ? all.slice(1) : all;
  };
  const user = ids(tags.user), assistant = ids(tags.assistant);
  return {
    instruction: (context: StepContext) => lastEnd(context.ids, user) ?? 0,
    response: (context: StepContext) => lastEnd(context.ids, assistant) ?? context.promptLength,
  };
}

/** The index after the last occurrence of `part`. */
function lastEnd(ids: readonly number[], part: readonly number[]): number | undefined {
  for (let end = ids.length; end >= part.length; end--) {
    if (part.every((id, i) => ids[end - part.length + i] === id)) return end;
  }
  return undefined;
}

/** The same rules with only those named. */
export function chooseRules(rules: RuleSet, use: readonly Rule[]): RuleSet {
  const { eos, repetition, uniform, tags } = rules;
  return {
    ...(eos && use.includes("eos") ? { eos } : {}),
    ...(repetition && use.includes("repetition") ? { repetition } : {}),
    ...(uniform && use.includes("uniform") ? { uniform } : {}),
    ...(tags ? { tags } : {}),
  };
}

const exactly = (weight: number, ...strings: string[]): UniformChange[] =>
  strings.map((string) => ({ string, weight, exact: true }));

/**
 * Published rule sets.
 *
 * `llama2`: the rules for Llama-2's tokenizer (paper appendix E, table 8, and listing 1; the authors'
 * combined_model.py). The variants differ as paper and code do:
 * - the repetition rule covers the response (`paper`), or all after the last user tag (`code`);
 * - "What" at the start of a line has −3 (`paper`) or −5 (`code`);
 * - beyond 1,024 tokens EOS gets 100 (`paper`), or nothing (`code`, where that branch does nothing).
 * From 250 to 1,024 tokens neither adds anything to EOS.
 */
export const rules = {
  llama2(variant: "paper" | "code" = "code"): RuleSet {
    const isPaper = variant === "paper";
    return {
      eos: {
        slope: 15 / 250,
        horizon: 250,
        ...(isPaper ? { beyond: { from: 1025, weight: 100 } } : {}),
      },
      repetition: { weight: -1.5, scope: isPaper ? "response" : "instruction" },
      uniform: [
        ...exactly(-4, "<", " <", "|"),
        ...exactly(-5, " I", "I"),
        ...exactly(-3, " We"),
        ...exactly(isPaper ? -3 : -5, "What"),
        ...exactly(-6, " should"),
        ...exactly(1, " *", " -", "   ", " #", " ##", "\n", "!"),
      ],
      tags: { user: "<|user|>\n", assistant: "<|assistant|>\n" },
    };
  },
};
