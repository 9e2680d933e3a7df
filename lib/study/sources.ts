/**
 * Numbers of several origins side by side: the paper's, the miniature's, a real checkpoint's, those
 * of runs that were handed over; and where each comes from. Knows rows alone.
 */
import { overBases } from "./bases.ts";
import { paperRows, type ResultRow } from "./results.ts";

/** Rows by what their origin is called: "miniature", "handed over". */
export type Sources = Readonly<Record<string, readonly ResultRow[]>>;

type Cells = Record<string, string | number | null>;
type Place = Pick<ResultRow, "section" | "arm" | "metric">;
type Measured = Place & Pick<ResultRow, "value" | "low" | "high">;

/**
 * One line for each number that two origins have at least, the paper's among them: an arm and a
 * metric, what the paper has, and each source's number with its 95 % interval; of several bases the
 * mean.
 *
 * @example
 * ```ts
 * await showTable(await sideBySources({ miniature: await committedRows(), "handed over": back }));
 * ```
 */
export async function sideBySources(sources: Sources): Promise<Cells[]> {
  const paper = await paperRows();
  const published = [...new Set(paper.map(({ model }) => model))].map((model) =>
    [model, paper.filter((row) => row.model === model)] as const
  );
  const over = Object.entries(sources).map(([name, rows]) =>
    [name, rows.filter(({ seed }) => seed === null)] as const
  );
  const origins = new Map<string, Set<string>>();
  for (const [name, rows] of [...published, ...over]) {
    for (const row of rows) {
      origins.set(keyOf(row), (origins.get(keyOf(row)) ?? new Set()).add(name));
    }
  }
  const compared = (row: Place) => origins.get(keyOf(row))!.size > 1;
  const all = [
    ...published.map(([name, rows]) => [name, rows.filter(compared)] as const),
    ...over.map(([name, rows]) => [name, numbersOf(rows.filter(compared))] as const),
  ];
  const empty = Object.fromEntries(all.map(([name]) => [name, null]));
  const lines = new Map<string, Cells>();
  for (const [name, rows] of all) {
    for (const row of rows) {
      const { section, arm, metric, value } = row;
      const line = lines.get(keyOf(row)) ?? { section, arm, metric, ...empty };
      line[name] = "low" in row
        ? `${value.toFixed(1)} [${row.low.toFixed(1)}, ${row.high.toFixed(1)}]`
        : value.toFixed(1);
      lines.set(keyOf(row), line);
    }
  }
  return [...lines.values()];
}

const keyOf = ({ section, arm, metric }: Place) => JSON.stringify([section, arm, metric]);

/** A source's numbers; of several bases their means. */
function numbersOf(rows: readonly ResultRow[]): readonly Measured[] {
  return new Set(rows.map(({ model }) => model)).size > 1 ? overBases(rows) : rows;
}

/** Where each source's numbers come from: models, seeds, what computed them, hashes. */
export function describeSources(sources: Sources): Cells[] {
  const distinct = (values: readonly (string | number | null)[]) =>
    [...new Set(values.filter((value) => value !== null))].join(", ");
  return Object.entries(sources).flatMap(([name, rows]) =>
    rows.length === 0 ? [] : [{
      source: name,
      models: distinct(rows.map(({ model }) => model)),
      seeds: distinct(rows.map(({ seed }) => seed)),
      "computed by": distinct(rows.map(({ engine }) => engine)),
      prompts: distinct(rows.map(({ hashes }) => hashes.prompts ?? null)),
      "code or plans": distinct(rows.map(({ hashes }) => hashes.code ?? hashes.plan ?? null)),
    }]
  );
}
