/** The rule that changes some tokens' scores at every step alike (paper section 6 and table 8). */
import { libraryValue } from "@implicit/memo";
import type { Rule } from "./rules.ts";
import { tokenIds } from "./tokens.ts";

/** A change of one string's score at every step. */
export interface UniformChange {
  readonly string: string;
  /** Added to its logit. */
  readonly weight: number;
  /** Only the string as written. Default: with and without a space before it, whichever are tokens. */
  readonly exact?: boolean;
}

/** What {@link uniformChanges} has as its parameter. */
export interface UniformChanges {
  readonly changes: readonly UniformChange[];
}

/** The rule's rows. */
type Resolved = readonly { string: string; ids: readonly number[]; weight: number }[];

/**
 * Uniform token changes. Of two changes of one token the later one holds.
 *
 * @throws (its `resolve`) if no string is a token.
 * @example uniformChanges([{ string: "I", weight: -5 }, { string: "\n", weight: 1 }])
 */
export function uniformChanges(
  changes: readonly UniformChange[],
  options: { readonly name?: string } = {},
): UniformChanges & Rule<Resolved> {
  return libraryValue<Rule<Resolved>, UniformChanges>("uniformChanges", { changes }, {
    name: options.name ?? "uniform",
    resolve(tokenizer) {
      const rows = changes.map(({ string, weight, exact }) => ({
        string,
        ids: tokenIds(tokenizer, string, exact),
        weight,
      }));
      if (rows.every(({ ids }) => ids.length === 0)) {
        const strings = changes.map(({ string }) => JSON.stringify(string)).join(", ");
        throw new Error(
          `Expected a string of the uniform rule to be a token but found none of ${strings} in ` +
            `the vocabulary. Name strings that the tokenizer has as one token.`,
        );
      }
      return rows;
    },
    score({ resolved }, add) {
      for (const [id, weight] of weightsOf(resolved)) add(id, weight);
    },
    plain: (resolved) => ({ kind: "uniform", weights: [...weightsOf(resolved)] }),
    explain: (resolved) => resolved,
  });
}

/** Each token's change. */
function weightsOf(resolved: Resolved): Map<number, number> {
  return new Map(resolved.flatMap(({ ids, weight }) => ids.map((id) => [id, weight])));
}
