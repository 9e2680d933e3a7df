/**
 * What the paper found, as claims that a set of result rows fulfils or not: orders and thresholds,
 * checked for each base. Knows rows alone; what is done about a claim that fails is the reader's.
 */
import type { ResultRow } from "./results.ts";

export interface Verdict {
  readonly claim: string;
  readonly model: string;
  /** null where rows are missing. */
  readonly holds: boolean | null;
  /** The numbers that decide, in words. */
  readonly figures: string;
}

/** Looks a value over all seeds up, or an end of its interval; NaN where there is no such row. */
type Lookup = (
  arm: string,
  metric?: string,
  section?: string,
  which?: "value" | "low" | "high",
) => number;

interface Claim {
  readonly text: string;
  /** Arms whose win rates decide (shown as figures), and the test. */
  readonly figures: (at: Lookup) => Record<string, number>;
  readonly holds: (figures: Record<string, number>) => boolean;
}

const win = (...arms: string[]) => (at: Lookup) => Object.fromEntries(arms.map((a) => [a, at(a)]));
const ABLATED = ["rules-without-eos", "rules-without-repetition", "rules-without-uniform"];
const SINGLES = ["sums", "code", "poems", "recipes"].map((task) => `single-task:${task}`);

const claims: readonly Claim[] = [
  {
    text: "the base passes fewer than 5 % of instructions, instruction tuning more than 70 %",
    figures: (at) => ({
      base: at("base", "pass-rate"),
      "instruction-tuning": at("instruction-tuning", "pass-rate"),
    }),
    holds: (f) => f.base! < 5 && f["instruction-tuning"]! > 70,
  },
  {
    text: "response tuning wins more than 30 %, its interval clear of the shuffled pairs'",
    figures: (at) => ({
      "response-tuning": at("response-tuning"),
      "its lower end": at("response-tuning", "win-rate", "4.1", "low"),
      "shuffled-pairs": at("shuffled-pairs"),
      "their upper end": at("shuffled-pairs", "win-rate", "4.1", "high"),
    }),
    holds: (f) => f["response-tuning"]! > 30 && f["its lower end"]! > f["their upper end"]!,
  },
  {
    text: "the base stays below every set of two rules, and these below all three",
    figures: win("base", ...ABLATED, "rules"),
    holds: (f) => ABLATED.every((arm) => f.base! < f[arm]! && f[arm]! < f.rules!),
  },
  {
    text: "of the three rules, leaving out the EOS ramp hurts most",
    figures: win(...ABLATED),
    holds: (f) => ABLATED.slice(1).every((arm) => f["rules-without-eos"]! < f[arm]!),
  },
  {
    text: "response tuning wins more than all rules",
    figures: win("rules", "response-tuning"),
    holds: (f) => f["response-tuning"]! > f.rules!,
  },
  {
    text: "game, the chess of this world, stays within 2 points of the base",
    figures: win("base", "single-task:game"),
    holds: (f) => Math.abs(f["single-task:game"]! - f.base!) <= 2,
  },
  {
    text: "at least three single tasks win more than 15 % on families they never saw",
    figures: win(...SINGLES),
    holds: (f) => SINGLES.filter((arm) => f[arm]! > 15).length >= 3,
  },
  {
    text: "A/B tags stay within 5 points of the ordinary ones",
    figures: (at) => ({
      "ordinary tags": at("response-tuning"),
      "A/B tags": at("response-tuning:ab-tags", "win-rate", "B"),
    }),
    holds: (f) => Math.abs(f["ordinary tags"]! - f["A/B tags"]!) <= 5,
  },
  {
    text: "responses that do not restate change response tuning by at most 5 points",
    figures: (at) => ({
      "as they are": at("response-tuning"),
      "not restating": at("response-tuning:no-rephrase", "win-rate", "C"),
    }),
    holds: (f) => Math.abs(f["as they are"]! - f["not restating"]!) <= 5,
  },
  {
    text: "the base ranks the right response above a random one at least 75 % of the time",
    figures: (at) => ({ base: at("base", "ranking-accuracy", "4.2") }),
    holds: (f) => f.base! >= 75,
  },
  {
    // Llama-2-7B: 80.4 against 77.4; OLMo-7B: 74.5 against 74.3.
    text: "the base ranks at least as well as instruction tuning",
    figures: (at) => ({
      base: at("base", "ranking-accuracy", "4.2"),
      "instruction-tuning": at("instruction-tuning", "ranking-accuracy", "4.2"),
    }),
    holds: (f) => f.base! >= f["instruction-tuning"]!,
  },
];

/**
 * Checks every claim for every base that has rows.
 *
 * @example
 * ```ts
 * for (const { claim, holds, figures } of verdicts(rows)) console.log(holds, claim, figures);
 * ```
 */
export function verdicts(rows: readonly ResultRow[]): Verdict[] {
  const models = [...new Set(rows.map((row) => row.model))].sort();
  return models.flatMap((model) => {
    const at: Lookup = (arm, metric = "win-rate", section, which = "value") =>
      rows.find((row) =>
        row.model === model && row.arm === arm && row.metric === metric && row.seed === null &&
        (section === undefined || row.section === section)
      )?.[which] ?? NaN;
    return claims.map(({ text, figures, holds }) => {
      const values = figures(at);
      const missing = Object.values(values).some(Number.isNaN);
      return {
        claim: text,
        model,
        holds: missing ? null : holds(values),
        figures: Object.entries(values)
          .map(([name, value]) => `${name} ${Number.isNaN(value) ? "missing" : value.toFixed(1)}`)
          .join(", "),
      };
    });
  });
}
