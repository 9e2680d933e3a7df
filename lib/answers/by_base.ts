/** One number a base, and how two such numbers go together over bases. Knows results alone. */
import type { PointSeries } from "@implicit/notebook";
import { spearmanInterval } from "../study/similarity.ts";
import { estimates } from "./estimates.ts";
import { type Interval, NotComputed } from "./finding.ts";
import type { CellResult } from "./grid.ts";
import type { Factors } from "./plan.ts";

/** A base's number; `base` names the base whatever arm was measured on it. */
export interface BaseValue {
  readonly base: string;
  readonly value: number;
}

/**
 * A measure of an arm for every base by itself.
 *
 * @param wanted factors that choose the cells; what else they have names the base
 * @example estimatesByBase(cells, "rankMean", { arm: "base" })
 */
export function estimatesByBase(
  cells: readonly CellResult[],
  measure: string,
  wanted: Factors,
): BaseValue[] {
  const chosen = cells.filter(({ factors, outcomes, figures }) =>
    Object.entries(wanted).every(([name, value]) => factors[name] === value) &&
    (measure in outcomes || measure in figures)
  );
  return chosen.map((cell) => {
    const rest = Object.entries(cell.factors).filter(([name]) => !(name in wanted));
    const base = [...rest.map(([, value]) => value), cell.base].join(", ");
    return { base, value: estimates([cell], measure)[0]!.value };
  });
}

/**
 * Two measures of the same bases as a scatter's points.
 *
 * @example
 * scatter("Bases", [basePoints("bases", ranks, follows)], { x: "ranking, %", y: "pass rate, %" });
 */
export function basePoints(name: string, x: readonly BaseValue[], y: readonly BaseValue[]) {
  const pairs = paired(x, y);
  return {
    name,
    x: pairs.map((pair) => pair.x),
    y: pairs.map((pair) => pair.y),
    text: pairs.map(({ base }) => base),
  } satisfies PointSeries;
}

/**
 * Spearman's correlation of two measures over bases, with a 95 % interval that resamples bases.
 *
 * @throws NotComputed with fewer than five bases.
 */
export function spearmanOverBases(
  x: readonly BaseValue[],
  y: readonly BaseValue[],
): Interval {
  const pairs = paired(x, y);
  if (pairs.length < 5) throw new NotComputed("five bases with both measures are needed.");
  const { spearman: value, low, high } = spearmanInterval(pairs);
  return { value, low, high };
}

function paired(x: readonly BaseValue[], y: readonly BaseValue[]) {
  return x.flatMap(({ base, value }) => {
    const other = y.find((one) => one.base === base);
    return other ? [{ base, x: value, y: other.value }] : [];
  });
}
