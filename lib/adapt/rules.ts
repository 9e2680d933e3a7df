/**
 * The rule adapter (paper section 6): rules written by hand whose scores are added to a base model's
 * logits, which under greedy decoding is exactly the product of experts of equations 4 and 5.
 *
 * A rule is a value that a notebook cell can write. Knows tokenizers; does not know models, nor which
 * rules there are.
 */
import type { LogitsProcessor, StepContext, Tokenizer } from "@implicit/decoder";
import type { PlainStart } from "./tokens.ts";

/**
 * Gives tokens scores, step by step. Further fields are its parameters: what `score` depends on has to
 * be among them or in `resolve`, since runs are told apart by a rule's fields and source.
 *
 * @example
 * const shorter: Rule<number> & { most: number } = {
 *   name: "shorter",
 *   most: 20,
 *   resolve: (tokenizer) => tokenizer.eosId,
 *   score({ t, resolved }, add) {
 *     if (t > this.most) add(resolved, 5);
 *   },
 * };
 */
export interface Rule<R = unknown> {
  readonly name: string;
  /** Its strings as the ids of a tokenizer, or whatever else `score` wants to have at hand. */
  resolve(tokenizer: Tokenizer): R;
  /** Calls `add` for every token whose logit changes. */
  score(context: RuleContext<R>, add: (id: number, weight: number) => void): void;
  /** What it does, for people: which string became which ids, with which weight. */
  explain?(resolved: R, tokenizer: Tokenizer): readonly RuleRow[];
  /** The same as data, for engines that run no JavaScript. */
  plain?(resolved: R): PlainRule;
}

/** A rule as data: ids in place of strings, nothing left to look up. */
export type PlainRule =
  | {
    readonly kind: "eos";
    readonly id: number;
    readonly slope: number;
    readonly horizon: number | null;
    readonly beyond: { readonly from: number; readonly weight: number } | null;
    readonly since: PlainStart;
  }
  | {
    readonly kind: "repetition";
    readonly weight: number;
    readonly exempt: readonly number[];
    readonly since: PlainStart;
  }
  | { readonly kind: "uniform"; readonly weights: readonly (readonly [number, number])[] };

/** A step as a rule sees it. */
export interface RuleContext<R> extends StepContext {
  /** Tokens of the response so far. */
  readonly t: number;
  /** What the rule's `resolve` gave. */
  readonly resolved: R;
}

/** One line of what a rule does. `ids` is empty where the string is no single token. */
export interface RuleRow {
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
  /** The rules one by one, by name. */
  readonly parts: ReadonlyMap<string, RulePart>;
  /** What they do, of those that say so. */
  explain(): ({ readonly rule: string } & RuleRow)[];
  /** All of them as data. @throws where one is a function that only JavaScript runs. */
  plain(): PlainRule[];
}

/**
 * Makes an adapter of rules for a tokenizer.
 *
 * @throws if two rules have one name, if a rule cannot be resolved, and at the step where one gives a
 *   score to an id outside the vocabulary, or one that is no number.
 * @example
 * const adapter = ruleAdapter(tokenizer, [eosRamp({ slope: 0.1 }), ...mine]);
 * await decoder.generate([prompt], { processors: [adapter.processor] });
 */
export function ruleAdapter(tokenizer: Tokenizer, rules: readonly Rule[]): RuleAdapter {
  const parts = new Map<string, RulePart>();
  const rows: ({ rule: string } & RuleRow)[] = [];
  const plain: (() => PlainRule)[] = [];
  rules.forEach((rule, place) => {
    const { name } = rule;
    if (parts.has(name)) {
      const first = rules.findIndex((other) => other.name === name);
      throw new Error(
        `Expected rules of different names, but found "${name}" twice, as number ${first + 1} ` +
          `(${JSON.stringify(rules[first])}) and number ${place + 1} (${JSON.stringify(rule)}). ` +
          `Give one of them another name.`,
      );
    }
    const resolved = rule.resolve(tokenizer);
    parts.set(name, (context, add) => {
      const t = context.ids.length - context.promptLength;
      rule.score({ ...context, t, resolved }, add);
    });
    plain.push(() => {
      if (rule.plain) return rule.plain(resolved);
      throw new Error(
        `Expected rules that can be written as data, but found "${name}", a function: leave it ` +
          `out, or let this project's own decoder run it.`,
      );
    });
    for (const row of rule.explain?.(resolved, tokenizer) ?? []) rows.push({ rule: name, ...row });
  });
  return {
    parts,
    explain: () => [...rows],
    plain: () => plain.map((one) => one()),
    processor(logits, context) {
      for (const [name, part] of parts) {
        part(context, (id, weight) => {
          if (!(id in logits) || Number.isNaN(weight)) {
            throw new Error(
              `Expected the rule "${name}" to add numbers to ids of the vocabulary of ` +
                `${logits.length}, but found ${weight} for ${id}.`,
            );
          }
          logits[id]! += weight;
        });
      }
    },
  };
}
