/**
 * What the paper found, as claims that a set of rows fulfils or not: orders and thresholds, checked
 * for each base, and where the paper has the numbers for its own. Knows rows alone; what is done
 * about a claim that fails is the reader's.
 */
import { mean } from "simple-statistics";
import type { PaperRow, ResultRow } from "./results.ts";

export interface Verdict {
  readonly claim: string;
  readonly model: string;
  /** null where rows are missing. */
  readonly holds: boolean | null;
  /** The numbers that decide, by name; NaN where there is no row. */
  readonly figures: Readonly<Record<string, number>>;
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
  /** The figures that decide, and the test. */
  readonly figures: (at: Lookup) => Record<string, number>;
  readonly holds: (figures: Record<string, number>) => boolean;
}

const win = (...arms: string[]) => (at: Lookup) => Object.fromEntries(arms.map((a) => [a, at(a)]));
const ABLATED = ["rules-without-eos", "rules-without-repetition", "rules-without-uniform"];
const SINGLES = ["sums", "code", "poems", "recipes"].map((task) => `single-task:${task}`);
const meanWin = (at: Lookup, arms: readonly string[]) => mean(arms.map((arm) => at(arm)));
/** Base and instruction tuning under one way to rank. */
const ranked = (name: string, metric: string) => (at: Lookup) => ({
  [`base, ${name}`]: at("base", metric, "4.2"),
  [`instruction-tuning, ${name}`]: at("instruction-tuning", metric, "4.2"),
});
const otherRankings = [
  ranked("sum", "ranking-accuracy:sum"),
  ranked("PMI", "ranking-accuracy:pmi"),
  ranked("full responses", "ranking-accuracy:full"),
];

const claims: readonly Claim[] = [
  {
    text: "the base wins fewer than 6 %, and instruction tuning passes more than 70 %",
    figures: (at) => ({
      base: at("base"),
      "instruction-tuning passes": at("instruction-tuning", "pass-rate"),
    }),
    holds: (f) => f.base! < 6 && f["instruction-tuning passes"]! > 70,
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
    figures: (at) =>
      Object.fromEntries(ABLATED.map((arm) => [`${arm}, % of rules`, 100 * at(arm) / at("rules")])),
    holds: (f) => Object.values(f).slice(1).every((left) => Object.values(f)[0]! < left),
  },
  {
    text: "without the repetition rule less than 85 % of the rules' win rate is left",
    figures: (at) => ({
      "rules-without-repetition, % of rules": 100 * at("rules-without-repetition") / at("rules"),
    }),
    holds: (f) => f["rules-without-repetition, % of rules"]! < 85,
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
    text: "the single tasks' mean lies between that of two rules and response tuning",
    figures: (at) => ({
      "mean of two rules": meanWin(at, ABLATED),
      "mean of single tasks": meanWin(at, SINGLES),
      "response-tuning": at("response-tuning"),
    }),
    holds: (f) =>
      f["mean of two rules"]! < f["mean of single tasks"]! &&
      f["mean of single tasks"]! < f["response-tuning"]!,
  },
  {
    text: "the more an instruction looks like a sum, the more a model of sums answers like one",
    figures: (at) => ({ "Spearman's correlation": at("single-task:sums", "similarity", "5.2") }),
    holds: (f) => f["Spearman's correlation"]! > 0,
  },
  {
    text: "A/B tags stay within 3 points of the ordinary ones",
    figures: (at) => ({
      "ordinary tags": at("response-tuning"),
      "A/B tags": at("response-tuning:ab-tags", "win-rate", "B"),
    }),
    holds: (f) => Math.abs(f["ordinary tags"]! - f["A/B tags"]!) <= 3,
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
    text: "the base ranks at least as well as instruction tuning",
    figures: ranked("mean", "ranking-accuracy"),
    holds: (f) => f["base, mean"]! >= f["instruction-tuning, mean"]!,
  },
  {
    // Why tuning ranks worse: it prefers its own style, whatever was asked; it knows no less.
    text: "by sums, PMI, or full responses alone, instruction tuning loses at most 1 point",
    figures: (at) => Object.assign({}, ...otherRankings.map((figures) => figures(at))),
    holds: (f) =>
      ["sum", "PMI", "full responses"].every((name) =>
        f[`base, ${name}`]! - f[`instruction-tuning, ${name}`]! <= 1
      ),
  },
];

/**
 * Checks every claim for every base that has rows, and for the paper's models.
 *
 * @param paper the paper's numbers; none: measured ones alone
 * @example
 * ```ts
 * for (const { claim, holds, figures } of verdicts(rows)) console.log(holds, claim, figures);
 * ```
 */
export function verdicts(
  rows: readonly ResultRow[],
  paper: readonly PaperRow[] = [],
): Verdict[] {
  const over = rows.filter(({ seed }) => seed === null);
  const published = paper.map((row) => ({ ...row, low: NaN, high: NaN }));
  const modelsOf = (list: readonly { model: string }[]) => [
    ...new Set(list.map(({ model }) => model)),
  ];
  return [...modelsOf(published), ...modelsOf(over).sort()].flatMap((model) => {
    const own = [...published, ...over].filter((row) => row.model === model);
    const at: Lookup = (arm, metric = "win-rate", section, which = "value") =>
      own.find((row) =>
        row.arm === arm && row.metric === metric &&
        (section === undefined || row.section === section)
      )?.[which] ?? NaN;
    return claims.map(({ text, figures, holds }) => {
      const values = figures(at);
      const missing = Object.values(values).some(Number.isNaN);
      return { claim: text, model, holds: missing ? null : holds(values), figures: values };
    });
  });
}

/** A figure as a table shows it: a correlation needs more than one decimal. */
export const digits = (value: number): string => value.toFixed(Math.abs(value) < 1 ? 2 : 1);

/**
 * The claims that these rows decide, as rows of a table: what holds here, and by which figures.
 *
 * @example
 * ```ts
 * await showTable(claimRows(rows), { caption: "What the paper found, and whether it is so here" });
 * ```
 */
export function claimRows(
  rows: readonly ResultRow[],
): { claim: string; "holds here": string; figures: string }[] {
  return verdicts(rows).filter(({ holds }) => holds !== null).map(({ claim, holds, figures }) => ({
    claim,
    "holds here": holds ? "yes" : "no",
    figures: Object.entries(figures).map(([name, value]) => `${name} ${digits(value)}`).join(", "),
  }));
}
