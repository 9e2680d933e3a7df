/** The rule that slowly makes a response end (paper section 6 and appendix E). */
import { libraryValue } from "@implicit/memo";
import type { Rule } from "./rules.ts";
import { type Starts, startsAfter, type Tags } from "./tokens.ts";

/** Settings of {@link eosRamp}. Weights are added to the logit of EOS. */
export interface EosRampOptions {
  /** Added for each token that the response has. */
  readonly slope: number;
  /** From so many tokens on the ramp adds nothing. Default: it has no end. */
  readonly horizon?: number;
  /** Added from so many tokens on, in place of the ramp. */
  readonly beyond?: { readonly from: number; readonly weight: number };
  /** What the response is counted from. Default: from the prompt's end. */
  readonly tags?: Tags;
  /** Default `eos`. */
  readonly name?: string;
}

/** What the rule has at hand: EOS, and where the response began. */
type Resolved = Starts & { readonly eosId: number };

/**
 * The EOS ramp: `slope` · t after t tokens of the response.
 *
 * @example eosRamp({ slope: 15 / 250, horizon: 250 })
 */
export function eosRamp(options: EosRampOptions): EosRampOptions & Rule<Resolved> {
  const { slope, horizon = Infinity, beyond, tags, name = "eos" } = options;
  const parameters = { slope, horizon: options.horizon, beyond, tags };
  return libraryValue<Rule<Resolved>, EosRampOptions>("eosRamp", parameters, {
    name,
    resolve: (tokenizer) => ({ ...startsAfter(tokenizer, tags), eosId: tokenizer.eosId }),
    score(context, add) {
      const { resolved } = context;
      const t = context.ids.length - resolved.response(context);
      if (beyond && t >= beyond.from) add(resolved.eosId, beyond.weight);
      else if (t > 0 && t < horizon) add(resolved.eosId, slope * t);
    },
    plain: ({ eosId: id, plain }) => ({
      kind: "eos",
      id,
      slope,
      horizon: options.horizon ?? null,
      beyond: beyond ?? null,
      since: plain.response,
    }),
    explain({ eosId }, tokenizer) {
      return [{ string: tokenizer.token(eosId), ids: [eosId], weight: slope }];
    },
  });
}
