/**
 * Claims against rows: which hold, on which base, by which figures, and what was found in a sentence
 * with the paper's numbers beside. Knows rows alone, the paper's among them.
 */
import { type Claim, claims, type Lookup, type Numbers } from "./claims.ts";
import type { PaperRow, ResultRow } from "./results.ts";

export interface Verdict {
  readonly claim: string;
  readonly model: string;
  /** null where rows are missing. */
  readonly holds: boolean | null;
  /** The numbers that decide, by name; NaN where there is no row. */
  readonly figures: Readonly<Record<string, number>>;
  /** What was found, in one sentence; empty where rows are missing. */
  readonly finding: string;
}

/** A model and its numbers. */
type Source = readonly [model: string, at: Lookup];

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
  const published = byModel(paper.map((row) => ({ ...row, low: NaN, high: NaN })));
  const measured = byModel(rows.filter(({ seed }) => seed === null));
  const sources = [...published, ...measured.sort(([a], [b]) => a < b ? -1 : 1)];
  return sources.flatMap(([model, at]) =>
    claims.map((claim) => {
      const figures = claim.figures(at), { text, holds, seen, yes, no } = claim;
      if (Object.values(figures).some(Number.isNaN)) {
        return { claim: text, model, holds: null, figures, finding: "" };
      }
      const held = holds(figures);
      const finding = `${seen(numbersOf(claim, at, published))}: ${held ? yes : no}`;
      return { claim: text, model, holds: held, figures, finding };
    })
  );
}

type Numbered = Pick<
  ResultRow,
  "model" | "arm" | "metric" | "section" | "value" | "low" | "high"
>;

function byModel(rows: readonly Numbered[]): Source[] {
  return [...new Set(rows.map(({ model }) => model))].map((model) => [
    model,
    (arm, metric = "win-rate", section, which = "value") =>
      rows.find((row) =>
        row.model === model && row.arm === arm && row.metric === metric &&
        (section === undefined || row.section === section)
      )?.[which] ?? NaN,
  ]);
}

/** A model's numbers as the claim's sentence says them, each with the paper's in parentheses. */
function numbersOf({ figures }: Claim, at: Lookup, published: readonly Source[]): Numbers {
  const beside = (value: (at: Lookup) => number, metric?: string) => {
    const list = published.flatMap(([model, at]) =>
      Number.isNaN(value(at)) ? [] : [`${shortName(model)} ${decimals(value(at), metric)}`]
    );
    return list.length === 0 ? "" : ` (${list.join(", ")})`;
  };
  return {
    row(arm, metric = "win-rate") {
      const [value, low, high] = (["value", "low", "high"] as const).map((which) =>
        decimals(at(arm, metric, undefined, which), metric)
      );
      const unit = metric === "similarity" ? "" : " %";
      return `${value}${unit} [${low}, ${high}]${beside((at) => at(arm, metric), metric)}`;
    },
    figure(name) {
      const value = (at: Lookup) => figures(at)[name]!;
      return `${decimals(value(at))} %${beside(value)}`;
    },
  };
}

const shortName = (model: string) => model.replace(/-7B.*$/, "");

/** A rate with one decimal, a correlation with two. */
const decimals = (value: number, metric = "") => value.toFixed(metric === "similarity" ? 2 : 1);
