/**
 * The rows of a data file, one after the other: JSON lines, a JSON array, Parquet, or plain lines.
 *
 * Large files are streamed: JSON lines and plain text line by line, Parquet part by part. Does NOT
 * know what the columns mean.
 */
import { linesOf, unreadable, wholeText } from "./lines.ts";
import { parquetRows } from "./parquet.ts";

/** One row: column name to value, nothing known of the values. */
export type Row = Readonly<Record<string, unknown>>;

/** The endings of files that can be read. */
export const dataEnding = /\.(jsonl|json|parquet|pgn|txt)(\.gz)?$/;

/**
 * Reads a file by its ending: `.jsonl`, `.json` (an array of objects; both may hold Python's NaN and
 * Infinity), `.parquet`, `.pgn` or `.txt` (each line a row with the column "text"); all but Parquet may
 * be gzipped (`.gz`).
 *
 * @throws Error naming the file and the line where it is not what its ending says.
 * @example
 * for await (const row of readRows("train.jsonl")) console.log(row.question);
 */
export async function* readRows(path: string): AsyncGenerator<Row> {
  const ending = path.match(dataEnding)?.[1];
  if (ending === "parquet") return yield* parquetRows(path);
  if (ending === "json") return yield* arrayRows(path);
  if (!ending) {
    throw new Error(
      `Expected a .jsonl, .json, .parquet, .pgn or .txt file (.gz allowed) but found ${path}. ` +
        `Rename it to what it is.`,
    );
  }
  for await (const { text, number } of linesOf(path)) {
    if (ending !== "jsonl") yield { text };
    else if (!/^[ \t\r]*$/.test(text)) yield object(text, path, number);
  }
}

async function* arrayRows(path: string): AsyncGenerator<Row> {
  const rows = parse(await wholeText(path), path);
  if (!Array.isArray(rows)) {
    throw new Error(
      `Expected an array of rows in ${path} but found ${kindOf(rows)}. ` +
        `If each line is an object of its own, name the file .jsonl.`,
    );
  }
  for (const [i, row] of rows.entries()) {
    if (kindOf(row) !== "an object") throw notAnObject(`${path}, row ${i + 1}`, row);
    yield row;
  }
}

function object(line: string, path: string, number: number): Row {
  const value = parse(line, path, number);
  if (kindOf(value) !== "an object") throw notAnObject(`${path}, line ${number}`, value);
  return value as Row;
}

/** What JSON says: a file's, or its line `number`'s. */
function parse(json: string, path: string, number?: number): unknown {
  try {
    return JSON.parse(json);
  } catch (cause) {
    try {
      return JSON.parse(withinJson(json));
    } catch {
      throw unreadable(number ? `${path}, line ${number}` : path, cause as Error);
    }
  }
}

/**
 * A text with what Python writes and JSON lacks, as Hugging Face datasets reads it: NaN, pandas'
 * word for what is missing, is null, an infinity a number too large to be another.
 */
function withinJson(json: string): string {
  let inString = false;
  return json.replace(/\\[^]|"|(?<![\w.+$-])(?:-?Infinity|NaN)(?![\w.$])/g, (text) => {
    if (text === '"') inString = !inString;
    if (inString || !/[IN]/.test(text) || text[0] === "\\") return text;
    return text === "NaN" ? "null" : text.replace("Infinity", "1e999");
  });
}

const notAnObject = (where: string, found: unknown) =>
  new Error(
    `Expected a row with named columns at ${where} but found ${kindOf(found)}. ` +
      `Make each row an object: {"column": "text"}.`,
  );

/** What a value from outside is, in words for an error message. */
export function kindOf(value: unknown): string {
  if (value === null || value === undefined) return "nothing";
  if (Array.isArray(value)) return "a list";
  if (typeof value === "object") return "an object";
  return typeof value === "string" ? "text" : `a ${typeof value}`;
}
