/**
 * From cells to estimates: means with 95 % intervals that resample bases, then seeds, then
 * instructions. A base counts as one draw. Knows results alone.
 */
import { difference, nestedBootstrap, type SeedTable } from "@implicit/alpaca-eval";
import { type CellResult, valuesOf } from "./grid.ts";
import type { Factors } from "./plan.ts";

/** One number over bases, in percent where it is an outcome. */
export interface Estimate extends Record<string, string | number> {
  readonly value: number;
  readonly low: number;
  readonly high: number;
  /** The range of the bases. */
  readonly lowest: number;
  readonly highest: number;
  readonly bases: number;
}

/**
 * A measure for every combination of factors that there is.
 *
 * @param measure an outcome, which becomes a percentage, or a figure, which stays as it is.
 * @throws if no cell has the measure; the error lists those that there are.
 * @example
 * for (const { share, value, low, high } of estimates(cells, "win")) …
 */
export function estimates(
  cells: readonly CellResult[],
  measure: string,
): (Factors & Estimate)[] {
  const having = cells.filter((cell) => tableRow(cell, measure) !== null);
  if (having.length === 0) throw unknown(cells, measure);
  return grouped(having, ({ factors }) => JSON.stringify(factors)).map(([, group]) => {
    const tables = [...byBase(group, measure).values()];
    const means = tables.map((table) => knownMean(table.flat()));
    return {
      ...group[0]!.factors,
      ...scaled(nestedBootstrap(tables, { seed: 1 }), measure in group[0]!.outcomes),
      ...scaledRange(means, measure in group[0]!.outcomes),
      bases: tables.length,
    };
  });
}

/**
 * How much more `a` has of a measure than `b`, over the bases and seeds that both have.
 *
 * @param a,b the factors that tell the two apart: cells that have these values.
 * @throws if no base has both.
 * @example
 * contrast(cells, "win", { arm: "rules" }, { arm: "base" }).low > 0
 */
export function contrast(
  cells: readonly CellResult[],
  measure: string,
  a: Factors,
  b: Factors,
): Pick<Estimate, "value" | "low" | "high" | "bases"> {
  const of = (wanted: Factors) =>
    byBase(
      cells.filter(({ factors }) =>
        Object.entries(wanted).every(([name, value]) => factors[name] === value)
      ),
      measure,
    );
  const [first, second] = [of(a), of(b)];
  const tables = [...first].flatMap(([base, table]) => {
    const other = second.get(base);
    return other ? [difference(table, other)] : [];
  });
  if (tables.length === 0) {
    throw new Error(
      `Expected a base with ${JSON.stringify(a)} and ${JSON.stringify(b)}, but found none.`,
    );
  }
  const isOutcome = cells.some(({ outcomes }) => measure in outcomes);
  return { ...scaled(nestedBootstrap(tables, { seed: 1 }), isOutcome), bases: tables.length };
}

/** Tables `[seed][instruction]` by base, seeds in order. */
function byBase(cells: readonly CellResult[], measure: string): Map<string, SeedTable> {
  return new Map(
    grouped(cells, ({ base }) => base).map(([base, group]) => [
      base,
      [...group].sort((a, b) => a.seed - b.seed).flatMap((cell) => {
        const row = tableRow(cell, measure);
        return row ? [row] : [];
      }),
    ]),
  );
}

function tableRow({ outcomes, figures }: CellResult, measure: string): number[] | null {
  const outcome = outcomes[measure], figure = figures[measure];
  if (outcome !== undefined) return valuesOf(outcome);
  return figure === undefined ? null : [figure];
}

function unknown(cells: readonly CellResult[], measure: string): Error {
  const names = cells.flatMap(({ outcomes, figures }) => [
    ...Object.keys(outcomes),
    ...Object.keys(figures),
  ]);
  return new Error(
    `Expected a measure among ${[...new Set(names)].join(", ") || "none"}, but found "${measure}".`,
  );
}

/** Groups in the order in which they first come. (`Map.groupBy` is not in every kernel.) */
function grouped<T>(list: readonly T[], nameOf: (one: T) => string): [string, T[]][] {
  const groups = new Map<string, T[]>();
  for (const one of list) {
    const name = nameOf(one);
    groups.set(name, [...groups.get(name) ?? [], one]);
  }
  return [...groups];
}

/** The mean of the values that count: NaN does not. */
export const knownMean = (values: readonly number[]): number => {
  const known = values.filter((value) => !Number.isNaN(value));
  return known.reduce((sum, value) => sum + value, 0) / known.length;
};

function scaled(
  { estimate, low, high }: { estimate: number; low: number; high: number },
  percent: boolean,
) {
  const unit = (x: number) => percent ? Math.round(x * 1e4) / 100 : x;
  return { value: unit(estimate), low: unit(low), high: unit(high) };
}

function scaledRange(means: readonly number[], percent: boolean) {
  const unit = (x: number) => percent ? Math.round(x * 1e4) / 100 : x;
  return { lowest: unit(Math.min(...means)), highest: unit(Math.max(...means)) };
}

/**
 * Estimates as lines: one series for each value of a factor, along another one.
 *
 * @example
 * intervalLines("Win rate", seriesOf(estimates(cells, "win"), "arm", "corpus"), axes);
 */
export function seriesOf(
  rows: readonly (Factors & Estimate)[],
  series: string,
  along: string,
): {
  name: string;
  points: (Pick<Estimate, "value" | "low" | "high"> & { x: string | number })[];
}[] {
  return grouped(rows, (row) => String(row[series])).map(([name, group]) => ({
    name,
    points: group.map(({ [along]: x, value, low, high }) => ({ x: x!, value, low, high })),
  }));
}
