/**
 * From rows of several bases to one number: two bases of one recipe differ more than seeds or
 * instructions do, so a base counts as one draw. Knows rows alone.
 */
import { difference, type Interval, nestedBootstrap, type SeedTable } from "@implicit/alpaca-eval";
import type { ResultRow } from "./results.ts";

/** One number over all bases; values in percent. */
export interface BasesRow extends Pick<ResultRow, "section" | "arm" | "metric" | "value"> {
  /** 95 % interval, which resamples bases, then seeds, then instructions. */
  readonly low: number;
  readonly high: number;
  /** The range of the bases. */
  readonly lowest: number;
  readonly highest: number;
  readonly bases: number;
}

/**
 * Means over bases of every number that rows over all seeds have.
 *
 * @param rows rows of one base or more, with their values, as `reproduce --base all` writes them
 * @example
 * ```ts
 * const rules = overBases(rows).find(({ arm, metric }) => arm === "rules" && metric === "win-rate");
 * ```
 */
export function overBases(rows: readonly ResultRow[]): BasesRow[] {
  const measured = rows.filter(({ seed, values }) => seed === null && values !== undefined);
  const keyOf = ({ section, arm, metric }: ResultRow) => JSON.stringify([section, arm, metric]);
  return [...new Set(measured.map(keyOf))].map((key) => {
    const group = measured.filter((row) => keyOf(row) === key);
    const { section, arm, metric } = group[0]!;
    const means = group.map(({ value }) => value);
    return {
      section,
      arm,
      metric,
      ...inPercent(nestedBootstrap(group.map(tableOf), { seed: 1 })),
      lowest: Math.min(...means),
      highest: Math.max(...means),
      bases: group.length,
    };
  });
}

/**
 * How much more one arm wins than another, in points: the mean over the bases that have both.
 *
 * @example
 * ```ts
 * differenceOverBases(rows, "6", "rules", "rules-without-repetition").low > 0
 * ```
 */
export function differenceOverBases(
  rows: readonly ResultRow[],
  section: string,
  a: string,
  b: string,
): { value: number; low: number; high: number } {
  const over = rows.filter((row) =>
    row.seed === null && row.section === section && row.metric === "win-rate" && row.values
  );
  const pairs = over.filter(({ arm }) => arm === a).flatMap((row) => {
    const other = over.find(({ arm, model }) => arm === b && model === row.model);
    return other ? [difference(tableOf(row), tableOf(other))] : [];
  });
  if (pairs.length === 0) throw new Error(`Expected a base with ${a} and ${b} but found none.`);
  return inPercent(nestedBootstrap(pairs, { seed: 1 }));
}

const tableOf = ({ values }: ResultRow): SeedTable =>
  values!.map((row) => row.map((value) => value ?? NaN));

function inPercent({ estimate, low, high }: Interval) {
  const percent = (x: number) => Math.round(x * 1e4) / 100;
  return { value: percent(estimate), low: percent(low), high: percent(high) };
}
