/**
 * The rows of AlpacaEval's files, checked: `model_outputs.json`, `annotations.json`, the leaderboard
 * and the two tables of its length-controlled model. Reading, writing and pairing; it judges nothing.
 */
import { readFile } from "node:fs/promises";
import { gunzipSync } from "node:zlib";
import Papa from "papaparse";
import writeFileAtomic from "write-file-atomic";
import type { GamedRow } from "./length_control.ts";
import type { Preference } from "./preference.ts";

/** A row of `model_outputs.json`. A model that failed to answer has `output: null`. */
export interface ModelOutput {
  readonly instruction: string;
  readonly output: string | null;
  readonly generator: string;
  readonly dataset?: string;
}

/** A row of `annotations.json`: 1 is the reference, 2 the model being judged. */
export interface Annotation extends Preference {
  readonly output_1: string | null;
  readonly output_2: string | null;
  readonly generator_1: string;
  readonly generator_2: string;
  readonly dataset?: string;
  readonly annotator?: string;
  /** What the judge returned, when there was a judge to ask. */
  readonly raw_completion?: unknown;
  readonly price_per_example?: number;
}

type Kind = "string" | "number" | "string | null" | "number | null";

/** Text of a file, gunzipped if it starts like gzip. */
async function readText(path: string): Promise<string> {
  const bytes = await readFile(path).catch((error: Error) => {
    throw new Error(`Expected a file to read at ${path} but found: ${error.message}`);
  });
  return (bytes[0] === 0x1f && bytes[1] === 0x8b ? gunzipSync(bytes) : bytes).toString("utf8");
}

/** Python's json module writes bare NaN and Infinity, which JSON does not know; they become null. */
function parseJson(text: string, path: string): unknown {
  try {
    return JSON.parse(text);
  } catch (first) {
    const strict = text.replace(
      /"(?:[^"\\]|\\.)*"|-?\b(?:NaN|Infinity)\b/g,
      (part) => part.startsWith('"') ? part : "null",
    );
    try {
      return JSON.parse(strict);
    } catch {
      throw new Error(`Expected JSON in ${path} but found: ${(first as Error).message}`);
    }
  }
}

/** The rows of a JSON file, each with the fields asked for and of the right type. */
async function readRows(
  path: string,
  fields: Record<string, Kind>,
): Promise<Record<string, unknown>[]> {
  const rows = parseJson(await readText(path), path);
  if (!Array.isArray(rows)) {
    throw new Error(`Expected a list of rows in ${path} but found ${typeof rows}`);
  }
  rows.forEach((row, i) => {
    for (const [field, kind] of Object.entries(fields)) {
      const value = row?.[field];
      const found = value === null || value === undefined ? "null" : typeof value;
      if (!kind.split(" | ").includes(found)) {
        throw new Error(`Expected ${kind} in "${field}" of row ${i} of ${path} but found ${found}`);
      }
    }
  });
  return rows;
}

/**
 * Reads `model_outputs.json`, plain or gzipped.
 *
 * @throws if a row lacks a field or has another type, naming file, row and field
 */
export async function readModelOutputs(path: string): Promise<ModelOutput[]> {
  const fields = { instruction: "string", output: "string | null", generator: "string" } as const;
  return await readRows(path, fields) as unknown as ModelOutput[];
}

/** Reads `annotations.json`, plain or gzipped; a null preference becomes NaN. */
export async function readAnnotations(path: string): Promise<Annotation[]> {
  const rows = await readRows(path, {
    instruction: "string",
    output_1: "string | null",
    output_2: "string | null",
    generator_1: "string",
    generator_2: "string",
    preference: "number | null",
  });
  return rows.map((row) => ({
    ...row,
    preference: row.preference ?? NaN,
  })) as unknown as Annotation[];
}

/**
 * Writes outputs or annotations as AlpacaEval reads them (a preference of NaN becomes null), so that
 * `alpaca_eval --model_outputs A.json --reference_outputs B.json` can judge ours.
 */
export function writeRows(
  path: string,
  rows: readonly (ModelOutput | Annotation)[],
): Promise<void> {
  return writeFileAtomic(path, JSON.stringify(rows, null, 2) + "\n");
}

/** Two models' outputs to one instruction, before anybody has judged them: 1 the reference, 2 ours. */
export interface Comparison extends Omit<Annotation, "preference"> {
  /** Names the instruction to a judge that knows more of it than its words. */
  readonly id?: string;
}

/**
 * A judge: says of each comparison which output is better, in the same order (see `Preference`).
 *
 * @example
 * const longer: Judge = (comparisons) => Promise.resolve(comparisons.map((row) => ({
 *   instruction: row.instruction,
 *   preference: row.output_2!.length > row.output_1!.length ? 2 : 1,
 * })));
 */
export type Judge = (comparisons: readonly Comparison[]) => Promise<readonly Preference[]>;

/** Whether two outputs are the same text: every judge of AlpacaEval's calls that a draw, unasked. */
export function identicalOutputs(row: Pick<Comparison, "output_1" | "output_2">): boolean {
  return (row.output_1 ?? "") === (row.output_2 ?? "");
}

/**
 * Pairs outputs by instruction, in the order of the model's file; an instruction that occurs twice
 * is paired in order of occurrence.
 *
 * @returns the pairs, and the instructions only one of the two has (judged by nobody: say so)
 */
export function pairOutputs(
  model: readonly ModelOutput[],
  reference: readonly ModelOutput[],
): { readonly comparisons: Comparison[]; readonly unpaired: string[] } {
  const waiting = new Map<string, ModelOutput[]>();
  for (const row of reference) {
    waiting.set(row.instruction, [...(waiting.get(row.instruction) ?? []), row]);
  }
  const comparisons: Comparison[] = [], unpaired: string[] = [];
  for (const row of model) {
    const other = waiting.get(row.instruction)?.shift();
    if (!other) {
      unpaired.push(row.instruction);
      continue;
    }
    comparisons.push({
      instruction: row.instruction,
      output_1: other.output,
      generator_1: other.generator,
      output_2: row.output,
      generator_2: row.generator,
      ...(row.dataset === undefined ? {} : { dataset: row.dataset }),
    });
  }
  for (const rest of waiting.values()) unpaired.push(...rest.map((row) => row.instruction));
  return { comparisons, unpaired };
}

/** Rows of a CSV file with a header; every cell a string. */
async function readCsv(
  path: string,
  columns: readonly string[],
): Promise<Record<string, string>[]> {
  const { data, meta, errors } = Papa.parse(await readText(path), {
    header: true,
    skipEmptyLines: true,
  }) as {
    data: Record<string, string>[];
    meta: { fields?: string[] };
    errors: { message: string; row?: number }[];
  };
  const missing = columns.find((column) => !meta.fields?.includes(column));
  if (missing !== undefined) {
    throw new Error(
      `Expected a column "${missing}" in ${path} but found [${meta.fields?.join(", ")}]`,
    );
  }
  if (errors[0]) throw new Error(`Expected CSV in ${path} but found: ${errors[0].message}`);
  return data;
}

/** A cell as a finite number. */
function numeric(row: Record<string, string>, column: string, i: number, path: string): number {
  const value = row[column]?.trim() ? Number(row[column]) : NaN;
  if (Number.isFinite(value)) return value;
  throw new Error(
    `Expected a number in "${column}" of row ${i} of ${path} but found "${row[column]}"`,
  );
}

/** Reads the instruction difficulties, ordered by their `index` column, which must be 0, 1, 2 …. */
export async function readDifficulty(path: string): Promise<number[]> {
  const rows = await readCsv(path, ["index", "instruction_difficulty"]);
  const values = new Array<number>(rows.length);
  rows.forEach((row, i) => {
    values[numeric(row, "index", i, path)] = numeric(row, "instruction_difficulty", i, path);
  });
  const gap = Array.from(values).indexOf(undefined as unknown as number);
  if (values.length !== rows.length || gap >= 0) {
    throw new Error(`Expected each index 0…${rows.length - 1} once in ${path} but found a gap`);
  }
  return values;
}

/** Reads the rows of the gamed baselines (`df_gamed.csv`). */
export async function readGamed(path: string): Promise<GamedRow[]> {
  const columns = ["preference", "std_delta_len", "instruction_difficulty"] as const;
  const rows = await readCsv(path, columns);
  return rows.map((row, i) => ({
    preference: numeric(row, "preference", i, path),
    std_delta_len: numeric(row, "std_delta_len", i, path),
    instruction_difficulty: numeric(row, "instruction_difficulty", i, path),
  }));
}

/** One table row: numbers as numbers, an empty cell as null, the rest as text. */
export type LeaderboardRow = Record<string, number | string | null>;

/** Reads AlpacaEval's leaderboard: model name → its row. */
export async function readLeaderboard(path: string): Promise<Map<string, LeaderboardRow>> {
  const rows = await readCsv(path, ["", "win_rate"]);
  const cell = (text: string) =>
    text === "" ? null : Number.isNaN(Number(text)) ? text : Number(text);
  return new Map(rows.map(({ "": name, ...row }) => [
    name!,
    Object.fromEntries(Object.entries(row).map(([column, text]) => [column, cell(text)])),
  ]));
}

/** Writes a leaderboard that AlpacaEval (pandas) reads back; NaN and null become empty cells. */
export function writeLeaderboard(
  path: string,
  rows: ReadonlyMap<string, LeaderboardRow>,
): Promise<void> {
  const columns = [...new Set([...rows.values()].flatMap(Object.keys))];
  const cells = [...rows].map(([name, row]) => [
    name,
    ...columns.map((column) => Number.isNaN(row[column]) ? null : row[column] ?? null),
  ]);
  return writeFileAtomic(
    path,
    Papa.unparse([["", ...columns], ...cells], { newline: "\n" }) + "\n",
  );
}
