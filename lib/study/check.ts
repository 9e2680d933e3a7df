/**
 * A fresh run held against the committed numbers: which moved, and whether they stay within the
 * committed intervals. Knows rows alone; where they come from and what is made of it is the caller's.
 */
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import type { ResultRow } from "./results.ts";
import { projectRoot } from "./settings.ts";

/** A number that both have. */
export interface CheckedRow extends Pick<ResultRow, "section" | "arm" | "model" | "metric"> {
  readonly seed: number | null;
  readonly committed: number;
  readonly fresh: number;
  /** The committed interval. */
  readonly low: number;
  readonly high: number;
  /** Whether value and interval are equal to the last bit, or the value left the interval. */
  readonly moved: "no" | "within" | "outside";
}

export interface Check {
  /** What moved out of its interval first, then what moved within, then what did not, as committed. */
  readonly rows: readonly CheckedRow[];
  /** Fresh numbers that no committed row measures: another arm, or another seed or base. */
  readonly unknown: number;
  /** Fresh numbers whose committed row is a mean of another number of judgements: of other seeds. */
  readonly others: number;
  /** Fresh numbers of another base's weights, or other instructions, under a committed name. */
  readonly foreign: number;
  /** Committed numbers that the run did not make. */
  readonly unmade: number;
  /** What the two were made by, where that differs: code, deno, v8, engine. */
  readonly differences: readonly string[];
  /** Whether anything was compared, nothing left its interval, and nothing was foreign. */
  readonly holds: boolean;
}

/**
 * Compares the rows that both have: same section, arm, base, seed and metric, over equally many
 * judgements.
 *
 * @param fresh rows of a run, of some notebooks or all.
 * @param committed the rows of data/results.json.
 * @example
 * ```ts
 * const { holds, rows } = checkRows(await readResults("report/results.jsonl"), await committedRows());
 * ```
 */
export function checkRows(fresh: readonly ResultRow[], committed: readonly ResultRow[]): Check {
  const known = new Map(committed.map((row) => [keyOf(row), row]));
  const paired = fresh.map((row) => [row, known.get(keyOf(row))] as const);
  const both = paired.flatMap(([row, old]) => old ? [[row, old] as const] : []);
  const isForeign = ([row, old]: readonly [ResultRow, ResultRow]) =>
    ["base", "tokenizer", "prompts"].some((of) => row.hashes[of] !== old.hashes[of]);
  const [own = [], foreign = []] = [false, true].map((is) =>
    both.filter((pair) => isForeign(pair) === is)
  );
  const compared = own.filter(([row, old]) => row.n === old.n);
  const order = ["outside", "within", "no"];
  const rows = compared.map(([row, old]) => checked(row, old))
    .toSorted((a, b) => order.indexOf(a.moved) - order.indexOf(b.moved));
  return {
    rows,
    unknown: fresh.length - both.length,
    others: own.length - compared.length,
    foreign: foreign.length,
    unmade: known.size - both.length,
    differences: differencesOf(compared),
    holds: rows.length > 0 && foreign.length === 0 &&
      rows.every(({ moved }) => moved !== "outside"),
  };
}

const keyOf = ({ section, arm, model, seed, metric }: ResultRow) =>
  JSON.stringify([section, arm, model, seed, metric]);

function checked(row: ResultRow, old: ResultRow): CheckedRow {
  const { section, arm, model, seed, metric, low, high } = old;
  const equal = row.value === old.value && row.low === low && row.high === high;
  const moved = equal ? "no" : row.value >= low && row.value <= high ? "within" : "outside";
  return {
    section,
    arm,
    model,
    seed,
    metric,
    committed: old.value,
    fresh: row.value,
    low,
    high,
    moved,
  };
}

function differencesOf(pairs: readonly (readonly [ResultRow, ResultRow])[]): string[] {
  const about = ({ engine, hashes, versions }: ResultRow) =>
    Object.entries({ code: hashes.code, engine, ...versions });
  return [
    ...new Set(pairs.flatMap(([row, old]) => {
      const before = Object.fromEntries(about(old));
      return about(row).filter(([name, value]) => before[name] !== value)
        .map(([name, value]) => `${name} ${before[name] ?? "none"} → ${value}`);
    })),
  ];
}

/** A check in sentences: what was compared, what moved, what it was made by. */
export function checkSentences(check: Check): string {
  const { rows, unknown, others, foreign, unmade, differences, holds } = check;
  const count = (how: CheckedRow["moved"]) => rows.filter(({ moved }) => moved === how).length;
  const numbers = (n: number) => n === 1 ? "1 number" : `${n} numbers`;
  const [equal, within, outside] = [count("no"), count("within"), count("outside")];
  const left = [
    ...(unknown > 0 ? [`${numbers(unknown)} that nothing committed measures`] : []),
    ...(others > 0 ? [`${numbers(others)} over another number of seeds`] : []),
    ...(foreign > 0 ? [`${numbers(foreign)} of another base or other instructions`] : []),
    ...(unmade > 0 ? [`${numbers(unmade)} that this run did not make`] : []),
  ];
  const result = rows.length === 0
    ? "Nothing to compare: no number of this run is among the committed ones."
    : equal === rows.length
    ? `${numbers(equal)} compared with the committed ones: all equal to the last bit.`
    : `${numbers(rows.length)} compared with the committed ones: ${equal} equal to the last bit, ` +
      `${within} moved within their intervals, ${outside} moved out of them.`;
  return [
    result,
    ...(left.length > 0 ? [`Left out: ${left.join(", ")}.`] : []),
    ...(differences.length > 0 ? [`Made by something else: ${differences.join("; ")}.`] : []),
    ...(rows.length === 0 ? [] : [`The committed numbers ${holds ? "hold" : "do not hold here"}.`]),
  ].join("\n");
}

/** The rows of data/results.json. */
export async function committedRows(): Promise<ResultRow[]> {
  return JSON.parse(await readFile(join(projectRoot(), "data", "results.json"), "utf8")).rows;
}
