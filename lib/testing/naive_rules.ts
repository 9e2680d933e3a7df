/**
 * The rules of the adapter as the paper tells them (appendix E and listing 1), written once more,
 * plainly, for tests to compare with.
 */
import type { Tokenizer } from "@implicit/decoder";
import { rules } from "../adapt/published_rules.ts";
import { type RuleAdapter, ruleAdapter } from "../adapt/rules.ts";

/** The names of the published rules. */
export type RuleName = "eos" | "repetition" | "uniform";

/** Tokens of the uniform rule that stories260K's SentencePiece vocabulary has. */
const uniform: readonly (readonly [token: string, weight: number])[] = [
  ["<", -4],
  ["|", -4],
  ["▁I", -5],
  ["I", -5],
  ["<0x0A>", 1],
  ["!", 1],
];

/**
 * One rule alone: what it adds to which logits.
 *
 * @param instruction where the instruction begins in a prompt
 */
export function naiveRule(
  rule: RuleName,
  variant: "paper" | "code",
  tokenizer: Tokenizer,
  instruction: number,
): (ids: readonly number[], promptLength: number) => Map<number, number> {
  return (ids, promptLength) => {
    const bias = new Map<number, number>();
    const t = ids.length - promptLength;
    if (rule === "eos" && t > 0 && t < 250) bias.set(tokenizer.eosId, 15 / 250 * t);
    if (rule === "uniform") {
      for (const [token, weight] of uniform) bias.set(tokenizer.tokenId(token)!, weight);
    }
    if (rule === "repetition") {
      const from = variant === "code" ? instruction : promptLength;
      for (const id of new Set(ids.slice(from))) bias.set(id, -1.5);
    }
    return bias;
  };
}

/** The adapter of one published rule alone. */
export function onlyRule(
  tokenizer: Tokenizer,
  variant: "paper" | "code",
  rule: RuleName,
): RuleAdapter {
  return ruleAdapter(tokenizer, rules.llama2(variant).filter(({ name }) => name === rule));
}
