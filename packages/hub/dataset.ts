/**
 * A data set as an experiment needs it: read from the hub or from a local file of the same shape,
 * each row made into an example, and every row that does not fit counted and named.
 *
 * What the paper's data sets are is said in sources.ts. Does NOT know of tokenizers or models.
 */
import { createHash } from "node:crypto";
import type { Example } from "./example.ts";
import { type HubOptions, openRepository } from "./repository.ts";
import { kindOf, readRows, type Row } from "./rows.ts";

/** Rows that something is to be said of. */
export interface RowNote {
  readonly reason: string;
  readonly count: number;
  /** The first few row numbers, from 1. */
  readonly rows: readonly number[];
}

/** What was read, and what became of every row. */
export interface Dataset<Item = Example> {
  readonly name: string;
  /** Repository and commit, or the local file. */
  readonly origin: string;
  readonly items: readonly Item[];
  /** How many the paper used; null where it does not say. */
  readonly expected: number | null;
  /** Rows left out, by reason. */
  readonly skipped: readonly RowNote[];
  /** Rows kept, but not as they stood. */
  readonly changed: readonly RowNote[];
  /** sha256 (hex) of the items as JSON. */
  readonly hash: string;
}

/** Where a data set comes from and how a row becomes an item. */
export interface DatasetSource<Item = Example> {
  readonly name: string;
  /** A repository, and which of its files, in the order of their names; else where to get a file. */
  readonly from: { repository: string; revision?: string; files: RegExp } | string;
  /** Columns that must be there. */
  readonly columns: readonly string[];
  /** How many rows the paper looked at, from the first. Default: all. */
  readonly take?: number;
  /** How many items the paper used, where it says. */
  readonly expected?: number;
  /** Joins file rows into the rows that count, e.g. PGN lines into games. */
  readonly group?: (rows: AsyncIterable<Row>) => AsyncIterable<Row>;
  /** Makes an item, of which `note` says how it was changed; throws {@link Unfit} for other rows. */
  readonly make: (row: Row, note: (change: string) => void) => Item;
}

/** A row of which no item can be made; its message is the reason under which it is counted. */
export class Unfit extends Error {}

/** Where to read from and how much. */
export interface DatasetOptions extends HubOptions {
  /** A local file of the same shape; then the hub is not asked. */
  path?: string;
  /** Read so many rows instead of as many as the paper did. */
  take?: number;
}

const ROWS_NAMED = 5;

/**
 * Reads a data set: from `options.path` if given, else from the hub through the shared cache, file
 * by file and no further than the rows it takes.
 *
 * @throws Error when a column is missing, no row fits, the repository is gated or out of reach.
 * @example
 * const gsm8k = await loadDataset(sources.gsm8k);
 * const local = await loadDataset(sources.gsm8k, { path: "train.jsonl", take: 100 });
 */
export async function loadDataset<Item>(
  source: DatasetSource<Item>,
  options: DatasetOptions = {},
): Promise<Dataset<Item>> {
  const { origin, files } = await locate(source, options);
  const take = options.take ?? source.take ?? Infinity;
  const rows = allRows(source, files);
  const items: Item[] = [];
  const notes = { skipped: new Map<string, number[]>(), changed: new Map<string, number[]>() };
  let number = 0;
  for await (const row of source.group ? source.group(rows) : rows) {
    number++;
    const note = (kind: keyof typeof notes, reason: string) => {
      const rows = notes[kind].get(reason);
      if (rows) rows.push(number);
      else notes[kind].set(reason, [number]);
    };
    try {
      items.push(source.make(row, (change) => note("changed", change)));
    } catch (error) {
      if (!(error instanceof Unfit)) throw error;
      note("skipped", error.message);
    }
    if (number >= take) break; // before the next row is asked for: it may be in the next file
  }
  const skipped = summary(notes.skipped);
  if (items.length === 0) {
    throw new Error(
      `Expected rows for ${source.name} in ${origin} but found ` +
        (number === 0 ? "none" : `that none of ${number} fits (${inWords(skipped)})`) +
        `. Check that it is the right file.`,
    );
  }
  const hash = createHash("sha256").update(JSON.stringify(items)).digest("hex");
  const { name, expected = null } = source;
  return { name, origin, items, expected, skipped, changed: summary(notes.changed), hash };
}

/** One line on what became of the rows, for a notebook. */
export function accountOf(dataset: Dataset<unknown>): string {
  const { name, items, expected, origin, skipped, changed } = dataset;
  return `${name}: ${items.length} from ${origin}` +
    (expected !== null && expected !== items.length ? ` (the paper: ${expected})` : "") +
    (skipped.length ? `; left out: ${inWords(skipped)}` : "") +
    (changed.length ? `; changed: ${inWords(changed)}` : "");
}

/**
 * A column's text.
 *
 * @throws {Unfit} when it is not text, or empty where it must not be.
 */
export function textOf(row: Row, column: string, options: { empty?: boolean } = {}): string {
  const value = row[column];
  if (value === null || value === undefined) throw new Unfit(`"${column}" is missing`);
  if (typeof value !== "string") throw new Unfit(`"${column}" is ${kindOf(value)}, not text`);
  if (!options.empty && value.trim() === "") throw new Unfit(`"${column}" is empty`);
  return value;
}

async function locate({ name, from }: DatasetSource<unknown>, options: DatasetOptions) {
  const { path } = options;
  if (path !== undefined) return { origin: path, files: [() => Promise.resolve(path)] };
  if (typeof from === "string") {
    throw new Error(
      `Expected a local file for ${name}, which is not on the hub, but found no "path". ` +
        `Get it from ${from} and pass {path}.`,
    );
  }
  const { revision = from.revision } = options;
  const repository = await openRepository("dataset", from.repository, { ...options, revision });
  const paths = repository.paths.filter((path) => from.files.test(path));
  if (paths.length === 0) {
    throw new Error(
      `Expected files like ${from.files} in data set ${from.repository} but found ` +
        `${repository.paths.slice(0, 8).join(", ")}. It has been rearranged: download the rows ` +
        `and pass {path}.`,
    );
  }
  return {
    origin: `${from.repository}@${repository.commit.slice(0, 7)}`,
    files: paths.map((path) => async () => (await repository.get([path]))[0]!),
  };
}

/** Rows of all files; a file is fetched when its turn comes. */
async function* allRows(
  source: DatasetSource<unknown>,
  files: readonly (() => Promise<string>)[],
): AsyncGenerator<Row> {
  for (const file of files) {
    const path = await file();
    let isFirst = true;
    for await (const row of readRows(path)) {
      const missing = isFirst && source.columns.find((column) => !(column in row));
      if (missing) {
        throw new Error(
          `Expected the columns ${source.columns.join(", ")} for ${source.name} in ${path} but ` +
            `found ${Object.keys(row).join(", ") || "none"}: ${missing} is missing. ` +
            `Give a file of the data set's own shape, or rename its columns.`,
        );
      }
      isFirst = false;
      yield row;
    }
  }
}

const summary = (notes: Map<string, number[]>): RowNote[] =>
  [...notes].map(([reason, rows]) => ({
    reason,
    count: rows.length,
    rows: rows.slice(0, ROWS_NAMED),
  }));

const inWords = (notes: readonly RowNote[]): string =>
  notes.map(({ reason, count, rows }) =>
    `${count} × ${reason} (row ${rows.join(", ")}${count > rows.length ? ", …" : ""})`
  ).join("; ");
