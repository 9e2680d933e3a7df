/** Estimates in the shapes that bars, matrices and lines take. Knows neither studies nor colours. */
import type { IntervalSeries } from "@implicit/notebook";
import { contrast, type Estimate, estimates } from "./estimates.ts";
import type { CellResult } from "./grid.ts";
import type { Factors } from "./plan.ts";

type Row = Factors & Estimate;

/**
 * The estimates whose factors are those given, or among those given.
 *
 * @example among(estimates(cells, "pass"), { tunedOn: ["responses", "instructions"], examples: 960 })
 */
export function among(
  rows: readonly Row[],
  wanted: Readonly<Record<string, string | number | readonly (string | number)[]>>,
): Row[] {
  const fits = (row: Row) =>
    Object.entries(wanted).every(([name, value]) => [value].flat().includes(row[name]!));
  return rows.filter(fits);
}

/**
 * One bar an estimate, called by its factors.
 *
 * @example intervalBars("After 60 steps", barsOf(rows, "tunedOn"), { unit: "pass rate, %" });
 */
export function barsOf(rows: readonly Row[], ...factors: readonly string[]) {
  return rows.map((row) => ({
    label: factors.map((name) => row[name]).join(", "),
    value: row.value,
    low: row.low,
    high: row.high,
  }));
}

/**
 * Estimates as a matrix; null where there is none.
 *
 * @param down,across the factors whose values are its rows and columns
 * @example const { rows, columns, values } = matrixOf(estimates(cells, "pass"), "tuned", "asked");
 */
export function matrixOf(list: readonly Row[], down: string, across: string) {
  const [rows, columns] = [down, across].map((name) => [
    ...new Set(list.map((row) => String(row[name]))),
  ]) as [string[], string[]];
  const values = rows.map((row) =>
    columns.map((column) =>
      list.find((one) => String(one[down]) === row && String(one[across]) === column)?.value ?? null
    )
  );
  return { rows, columns, values };
}

/**
 * Several measures as lines along one factor, in percent: shares among the figures too. The factor's
 * values are steps of equal width, as names, the smallest first.
 *
 * @example intervalLines("Along tuning", measuresAlong(some, ["pass", "stops"], "steps"), axes);
 */
export function measuresAlong(
  cells: readonly CellResult[],
  measures: readonly string[],
  along: string,
): IntervalSeries[] {
  return measures.map((measure) => {
    const scale = cells.some(({ outcomes }) => measure in outcomes) ? 1 : 100;
    const having = cells.filter((cell) => measure in cell.outcomes || measure in cell.figures);
    const points = estimates(having, measure)
      .sort((a, b) => Number(a[along]) - Number(b[along]))
      .map((row) => ({
        x: String(row[along]),
        value: scale * row.value,
        low: scale * row.low,
        high: scale * row.high,
      }));
    return { name: measure, points };
  });
}

/**
 * Several measures side by side, one row a combination of factors, in percent: shares among the
 * figures too.
 *
 * @example await showTable(measuresTable(cells, ["pass", "stops", "repeats"]));
 */
export function measuresTable(cells: readonly CellResult[], measures: readonly string[]) {
  const names = Object.keys(cells[0]?.factors ?? {});
  const rows = new Map<string, Record<string, string | number>>();
  for (const measure of measures) {
    const scale = cells.some(({ outcomes }) => measure in outcomes) ? 1 : 100;
    for (const row of estimates(cells, measure)) {
      const factors = Object.fromEntries(names.map((name) => [name, row[name]!]));
      const key = JSON.stringify(factors);
      rows.set(key, { ...rows.get(key) ?? factors, [measure]: scale * row.value });
    }
  }
  return [...rows.values()];
}

/**
 * Differences between cells of the same bases, in points where the measure is an outcome.
 *
 * @param pairs the factors of the one and of the other
 * @example differencesTable(cells, "pass", [[{ arm: "rules" }, { arm: "base" }]])
 */
export function differencesTable(
  cells: readonly CellResult[],
  measure: string,
  pairs: readonly (readonly [Factors, Factors])[],
) {
  const named = (factors: Factors) => Object.values(factors).join(", ");
  return pairs.map(([a, b]) => {
    const { value, low, high } = contrast(cells, measure, a, b);
    return { first: named(a), second: named(b), difference: value, low, high };
  });
}
