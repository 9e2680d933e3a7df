/** Rules that were published, as the paper and as its authors' code have them. */
import { eosRamp } from "./eos_ramp.ts";
import { repetitionPenalty } from "./repetition_penalty.ts";
import { type UniformChange, uniformChanges } from "./uniform_changes.ts";

const exactly = (weight: number, ...strings: string[]): UniformChange[] =>
  strings.map((string) => ({ string, weight, exact: true }));

/**
 * Published sets of rules.
 *
 * `llama2`: the rules for Llama-2's tokenizer (paper appendix E, table 8, and listing 1; the authors'
 * combined_model.py). The variants differ as paper and code do:
 * - the repetition rule covers the response (`paper`), or all after the last user tag (`code`);
 * - "What" at the start of a line has −3 (`paper`) or −5 (`code`);
 * - beyond 1,024 tokens EOS gets 100 (`paper`), or nothing (`code`, where that branch does nothing).
 * From 250 to 1,024 tokens neither adds anything to EOS.
 *
 * @example const [eos, repetition, uniform] = rules.llama2("paper");
 * ruleAdapter(tokenizer, [eosRamp({ ...eos, slope: 0.1 }), uniform]);
 */
export const rules = {
  llama2(variant: "paper" | "code" = "code") {
    const isPaper = variant === "paper";
    const tags = { user: "<|user|>\n", assistant: "<|assistant|>\n" };
    return [
      eosRamp({
        slope: 15 / 250,
        horizon: 250,
        beyond: isPaper ? { from: 1025, weight: 100 } : undefined,
        tags,
      }),
      repetitionPenalty({ weight: -1.5, scope: isPaper ? "response" : "instruction", tags }),
      uniformChanges([
        ...exactly(-4, "<", " <", "|"),
        ...exactly(-5, " I", "I"),
        ...exactly(-3, " We"),
        ...exactly(isPaper ? -3 : -5, "What"),
        ...exactly(-6, " should"),
        ...exactly(1, " *", " -", "   ", " #", " ##", "\n", "!"),
      ]),
    ] as const;
  },
};
