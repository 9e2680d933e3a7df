/**
 * The rows of a data file, one after the other: JSON lines, a JSON array, Parquet, or plain lines.
 *
 * Large files are streamed: JSON lines and plain text line by line, Parquet by row group. Does NOT
 * know what the columns mean.
 */
import { createReadStream } from "node:fs";
import { readFile } from "node:fs/promises";
import { createGunzip, gunzipSync } from "node:zlib";
import { asyncBufferFromFile, parquetMetadataAsync, parquetReadObjects } from "hyparquet";

/** One row: column name to value, nothing known of the values. */
export type Row = Readonly<Record<string, unknown>>;

/** Parquet row groups can be huge; of each, this many rows are in memory at a time. */
const PARQUET_ROWS = 1000;

/** The endings of files that can be read. */
export const dataEnding = /\.(jsonl|json|parquet|pgn|txt)(\.gz)?$/;

/**
 * Reads a file by its ending: `.jsonl`, `.json` (an array of objects), `.parquet`, `.pgn` or `.txt`
 * (each line a row with the column "text"); all but Parquet may be gzipped (`.gz`).
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
  let number = 0;
  for await (const line of lines(path)) {
    number++;
    if (ending !== "jsonl") yield { text: line };
    else if (line.trim() !== "") yield object(line, `${path}, line ${number}`);
  }
}

async function* lines(path: string): AsyncGenerator<string> {
  const file = createReadStream(path);
  const input = path.endsWith(".gz") ? file.pipe(createGunzip()) : file;
  file.on("error", (error) => input.destroy(error)); // pipe() does not pass it on
  let rest = "";
  try {
    for await (const text of input.setEncoding("utf8")) {
      const parts = (rest + text).split("\n");
      rest = parts.pop()!;
      for (const line of parts) yield line.replace(/\r$/, "");
    }
  } catch (cause) {
    throw unreadable(path, cause as Error);
  } finally {
    file.destroy();
  }
  if (rest !== "") yield rest;
}

async function* arrayRows(path: string): AsyncGenerator<Row> {
  let rows: unknown;
  try {
    const bytes = await readFile(path);
    rows = JSON.parse((path.endsWith(".gz") ? gunzipSync(bytes) : bytes).toString("utf8"));
  } catch (cause) {
    throw unreadable(path, cause as Error);
  }
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

async function* parquetRows(path: string): AsyncGenerator<Row> {
  try {
    const file = await asyncBufferFromFile(path);
    const metadata = await parquetMetadataAsync(file);
    const count = Number(metadata.num_rows);
    for (let rowStart = 0; rowStart < count; rowStart += PARQUET_ROWS) {
      const rowEnd = Math.min(rowStart + PARQUET_ROWS, count);
      yield* await parquetReadObjects({ file, metadata, rowStart, rowEnd });
    }
  } catch (cause) {
    throw unreadable(path, cause as Error);
  }
}

function object(line: string, where: string): Row {
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch (cause) {
    throw unreadable(where, cause as Error);
  }
  if (kindOf(value) !== "an object") throw notAnObject(where, value);
  return value as Row;
}

const notAnObject = (where: string, found: unknown) =>
  new Error(
    `Expected a row with named columns at ${where} but found ${kindOf(found)}. ` +
      `Make each row an object: {"column": "text"}.`,
  );

function unreadable(where: string, cause: Error & { code?: string }): Error {
  const message = cause.code === "ENOENT"
    ? `Expected a data file at ${where} but found none. Check the path.`
    : `Expected readable data in ${where} but found: ${cause.message.replace(/\.$/, "")}. ` +
      `Check that the file is complete and of the kind its ending says.`;
  return new Error(message, { cause });
}

/** What a value from outside is, in words for an error message. */
export function kindOf(value: unknown): string {
  if (value === null || value === undefined) return "nothing";
  if (Array.isArray(value)) return "a list";
  if (typeof value === "object") return "an object";
  return typeof value === "string" ? "text" : `a ${typeof value}`;
}
