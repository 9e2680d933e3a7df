/**
 * Reading and writing AlpacaEval's files, every row checked: `model_outputs.json`,
 * `annotations.json`, and the two tables of its length-controlled model. It judges nothing.
 */
import { readFile } from "node:fs/promises";
import { gunzipSync } from "node:zlib";
import Papa from "papaparse";
import writeFileAtomic from "write-file-atomic";
import type { Annotation, GamedRow, ModelOutput } from "./annotation.ts";
import { toProbability } from "./preference.ts";

type Kind = "string" | "number" | "string | null" | "number | null";

/** Texts are gzipped to a tenth of their size or so; beyond a hundredth, more than this is refused. */
const GZIP_RATIO = 100, GZIP_FREE = 16 << 20;

/** Text of a file, gunzipped if it starts like gzip. */
async function readText(path: string): Promise<string> {
  try {
    const bytes = await readFile(path);
    const maxOutputLength = GZIP_FREE + GZIP_RATIO * bytes.length;
    const isPacked = bytes[0] === 0x1f && bytes[1] === 0x8b;
    const plain = isPacked ? gunzipSync(bytes, { maxOutputLength }) : bytes;
    return new TextDecoder("utf-8", { fatal: true }).decode(plain);
  } catch (error) {
    throw new Error(`Expected a file to read at ${path} but found: ${(error as Error).message}`);
  }
}

/** Python's json module writes bare NaN and Infinity, which JSON does not know; they become null. */
function parseJson(text: string, path: string): unknown {
  const strict = text.replace(
    /"(?:[^"\\]|\\.)*"|-?\b(?:NaN|Infinity)\b/g,
    (part) => part.startsWith('"') ? part : "null",
  );
  try {
    return JSON.parse(strict);
  } catch (error) {
    throw new Error(`Expected JSON in ${path} but found: ${(error as Error).message}`);
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

/** Refuses rows of two models or annotators: their mean is nobody's. Rows that name none are passed. */
function checkOne(rows: readonly Record<string, unknown>[], fields: string[], path: string): void {
  for (const field of fields) {
    const found = new Set(rows.map((row) => row[field]).filter((name) => typeof name === "string"));
    if (found.size <= 1) continue;
    throw new Error(
      `Expected one ${field} in ${path} but found ${found.size}, among them ` +
        `${
          [...found].slice(0, 2).map((name) => JSON.stringify(name)).join(" and ")
        }: make a file of each`,
    );
  }
}

/** Reads `model_outputs.json`, plain or gzipped. @throws naming file, row and field that is wrong */
export async function readModelOutputs(path: string): Promise<ModelOutput[]> {
  const fields = { instruction: "string", output: "string | null", generator: "string" } as const;
  const rows = await readRows(path, fields);
  checkOne(rows, ["generator"], path);
  return rows as unknown as ModelOutput[];
}

/**
 * Reads `annotations.json`, plain or gzipped; a null preference becomes NaN.
 *
 * @throws naming file, row and field that is wrong
 */
export async function readAnnotations(path: string): Promise<Annotation[]> {
  const rows = await readRows(path, {
    instruction: "string",
    output_1: "string | null",
    output_2: "string | null",
    generator_1: "string",
    generator_2: "string",
    preference: "number | null",
  });
  checkOne(rows, ["generator_1", "generator_2", "annotator"], path);
  rows.forEach(({ preference }, i) => {
    if (!preference || !Number.isNaN(toProbability(Number(preference)))) return;
    throw new Error(
      `Expected a preference from 1 to 2, 0 or null in row ${i} of ${path} but found ${preference}`,
    );
  });
  return rows.map((row) => ({
    ...row,
    preference: row.preference ?? NaN,
  })) as unknown as Annotation[];
}

/** Writes rows as `alpaca_eval --model_outputs PATH` reads them; a preference of NaN becomes null. */
export function writeRows(path: string, rows: readonly (ModelOutput | Annotation)[]) {
  return writeFileAtomic(path, JSON.stringify(rows, null, 2) + "\n");
}

/** The columns of a CSV file with a header that are asked for, as finite numbers. */
async function readNumbers<Column extends string>(
  path: string,
  columns: readonly Column[],
): Promise<Record<Column, number>[]> {
  const table: {
    data: Record<string, string>[];
    meta: { fields?: string[] };
    errors: { message: string }[];
  } = Papa.parse(await readText(path), { header: true, skipEmptyLines: true });
  const { data, meta, errors } = table;
  const missing = columns.find((column) => !meta.fields?.includes(column));
  if (missing !== undefined) {
    throw new Error(
      `Expected a column "${missing}" in ${path} but found [${meta.fields?.join(", ")}]`,
    );
  }
  if (errors[0]) throw new Error(`Expected CSV in ${path} but found: ${errors[0].message}`);
  return data.map((row, i) => {
    const cells = columns.map((column) => {
      const value = row[column]?.trim() ? Number(row[column]) : NaN;
      if (Number.isFinite(value)) return [column, value];
      throw new Error(
        `Expected a number in "${column}" of row ${i} of ${path} but found "${row[column]}"`,
      );
    });
    return Object.fromEntries(cells) as Record<Column, number>;
  });
}

/** Reads the instruction difficulties, ordered by their `index` column, which must be 0, 1, 2 …. */
export async function readDifficulty(path: string): Promise<number[]> {
  const rows = await readNumbers(path, ["index", "instruction_difficulty"]);
  const sorted = rows.sort((a, b) => a.index - b.index);
  if (sorted.some(({ index }, i) => index !== i)) {
    throw new Error(`Expected each index 0…${rows.length - 1} once in ${path} but found a gap`);
  }
  return sorted.map((row) => row.instruction_difficulty);
}

/** Reads the rows of the gamed baselines (`df_gamed.csv`). */
export async function readGamed(path: string): Promise<GamedRow[]> {
  const rows = await readNumbers(path, ["preference", "std_delta_len", "instruction_difficulty"]);
  const wrong = rows.findIndex(({ preference }) => preference < 0 || preference > 1);
  if (wrong < 0) return rows;
  throw new Error(
    `Expected a probability as preference in row ${wrong} of ${path} but found ` +
      rows[wrong]!.preference,
  );
}
