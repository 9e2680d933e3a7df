/** The rule that keeps a response from repeating itself (paper section 6 and appendix E). */
import { libraryValue } from "@implicit/memo";
import type { Rule } from "./rules.ts";
import { type Starts, startsAfter, type Tags, tokenIds } from "./tokens.ts";

/** Settings of {@link repetitionPenalty}. */
export interface RepetitionPenaltyOptions {
  /** Added once to the logit of every token that has occurred. */
  readonly weight: number;
  /** Where: in the response, or in the instruction as well. */
  readonly scope: "response" | "instruction";
  /** Strings that may repeat, with or without a space before them. */
  readonly exempt?: readonly string[];
  /** What instruction and response are counted from. Default: the prompt is the instruction. */
  readonly tags?: Tags;
  /** Default `repetition`. */
  readonly name?: string;
}

/** What the rule has at hand: the starts, and the tokens that may repeat. */
type Resolved = Starts & { readonly exempt: readonly { string: string; ids: readonly number[] }[] };

/**
 * The repetition penalty: `weight` on every token that has occurred, however often.
 *
 * @example repetitionPenalty({ weight: -1.5, scope: "response", exempt: [".", ","] })
 */
export function repetitionPenalty(
  options: RepetitionPenaltyOptions,
): RepetitionPenaltyOptions & Rule<Resolved> {
  const { weight, scope, exempt, tags, name = "repetition" } = options;
  const parameters = { weight, scope, exempt, tags };
  return libraryValue<Rule<Resolved>, RepetitionPenaltyOptions>("repetitionPenalty", parameters, {
    name,
    resolve: (tokenizer) => ({
      ...startsAfter(tokenizer, tags),
      exempt: (exempt ?? []).map((string) => ({ string, ids: tokenIds(tokenizer, string) })),
    }),
    score(context, add) {
      const { resolved, ids } = context;
      const seen = new Set(resolved.exempt.flatMap((one) => one.ids));
      for (let i = resolved[scope](context); i < ids.length; i++) {
        const id = ids[i]!;
        if (!seen.has(id)) add(id, weight);
        seen.add(id);
      }
    },
    plain: (resolved) => ({
      kind: "repetition",
      weight,
      exempt: resolved.exempt.flatMap(({ ids }) => ids),
      since: resolved.plain[scope],
    }),
    explain(resolved) {
      const what = scope === "response" ? "response" : "instruction and response";
      return [
        { string: `(every token of ${what})`, ids: [], weight },
        ...resolved.exempt.map((one) => ({ ...one, weight: 0 })),
      ];
    },
  });
}
