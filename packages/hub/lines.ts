/**
 * The text of a data file, gzipped or not: whole, or line by line as JSON Lines has them, ended by
 * \n or \r\n and by nothing else (U+2028, U+0085 and their like are content). UTF-8 it must be; a
 * byte-order mark is dropped. What a damaged or hostile file could take is bounded. Does NOT know
 * what the lines say.
 */
import { Buffer, isUtf8 } from "node:buffer";
import { createReadStream } from "node:fs";
import { stat } from "node:fs/promises";
import { createGunzip } from "node:zlib";

const MB = 2 ** 20;

/** No line of a data set is longer; a longer one is a file of another kind, or damaged. */
const LONGEST_LINE = 64 * MB;

/** A file that is read whole must become one string, which the engine bounds at 512 MB. */
const LARGEST_WHOLE = 400 * MB;

/** Texts are gzipped to a tenth of their size or so; beyond a hundredth, more than this is refused. */
const GZIP_RATIO = 100, GZIP_FREE = 16 * MB;

const LF = 10;
const MARK = Buffer.from("\uFEFF");
const REPLACEMENT = Buffer.from("\uFFFD");

/** A line, and its number from 1. */
export interface Line {
  readonly text: string;
  readonly number: number;
}

/**
 * The lines of a file, one after the other.
 *
 * @throws Error naming file and line where it is not UTF-8, or too long; or the file, where it
 *   cannot be read or unpacks to far more than its size.
 * @example
 * for await (const { text, number } of linesOf("train.jsonl.gz")) console.log(number, text);
 */
export async function* linesOf(path: string): AsyncGenerator<Line> {
  let number = 1, start = 0, held = 0;
  let parts: Buffer[] = [];
  const line = (): Line => {
    const bytes = parts.length === 1 ? parts[0]! : Buffer.concat(parts);
    return { text: textOfBytes(bytes, path, start, number), number };
  };
  const hold = (bytes: Buffer) => {
    held += bytes.length;
    if (held > LONGEST_LINE) {
      throw new Error(
        `Expected lines of at most ${LONGEST_LINE / MB} MB but found a longer one in ${path}, ` +
          `line ${number}. Check that the file is of the kind its ending says.`,
      );
    }
    parts.push(bytes);
  };
  for await (const chunk of bytesOf(path)) {
    let from = 0;
    for (let end; (end = chunk.indexOf(LF, from)) >= 0; from = end + 1) {
      hold(chunk.subarray(from, end));
      const { text } = line();
      yield { text: text.endsWith("\r") ? text.slice(0, -1) : text, number };
      start += held + 1;
      number++;
      held = 0;
      parts = [];
    }
    if (from < chunk.length) hold(chunk.subarray(from));
  }
  if (held > 0) yield line();
}

/**
 * A file's text.
 *
 * @throws Error naming the file and the line where it is not UTF-8, too large to be read whole, or
 *   cannot be read.
 */
export async function wholeText(path: string): Promise<string> {
  const parts: Buffer[] = [];
  let size = 0;
  for await (const chunk of bytesOf(path)) {
    size += chunk.length;
    if (size > LARGEST_WHOLE) {
      throw new Error(
        `Expected at most ${LARGEST_WHOLE / MB} MB in ${path}, which is read whole, but found ` +
          `more. Write each row as a line of a .jsonl file: these are read one by one.`,
      );
    }
    parts.push(chunk);
  }
  return textOfBytes(Buffer.concat(parts), path, 0, 1);
}

/** An error that says what a file could not be read for. */
export function unreadable(where: string, cause: Error & { code?: string }): Error {
  const message = cause.code === "ENOENT"
    ? `Expected a data file at ${where} but found none. Check the path.`
    : `Expected readable data in ${where} but found: ${cause.message.replace(/\.$/, "")}. ` +
      `Check that the file is complete and of the kind its ending says.`;
  return new Error(message, { cause });
}

async function* bytesOf(path: string): AsyncGenerator<Buffer> {
  const packed = await stat(path).then(({ size }) => size, (cause) => {
    throw unreadable(path, cause);
  });
  const file = createReadStream(path);
  const input = path.endsWith(".gz") ? file.pipe(createGunzip()) : file;
  file.on("error", (error) => input.destroy(error)); // pipe() does not pass it on
  let size = 0;
  try { // nothing is awaited before: an error that nobody hears ends the process
    for await (const chunk of input as AsyncIterable<Buffer>) {
      size += chunk.length;
      if (input !== file && size > GZIP_FREE + GZIP_RATIO * packed) {
        throw new Error(
          `more than ${GZIP_RATIO} times its size in it (if it is meant to be, unpack it first)`,
        );
      }
      yield chunk;
    }
  } catch (cause) {
    throw unreadable(path, cause as Error);
  } finally {
    file.destroy();
    input.destroy();
  }
}

/** Bytes that stand from `start` on, and begin with line `number`, as text. */
function textOfBytes(bytes: Buffer, path: string, start: number, number: number): string {
  if (!isUtf8(bytes)) throw notUtf8(bytes, path, start, number);
  const hasMark = start === 0 && bytes.subarray(0, MARK.length).equals(MARK);
  return bytes.toString("utf8", hasMark ? MARK.length : 0);
}

/** Where the bytes stop to be UTF-8, in words. */
function notUtf8(bytes: Buffer, path: string, start: number, first: number): Error {
  const text = bytes.toString("utf8"); // each byte that is no UTF-8 has become U+FFFD
  let place = 0;
  for (let from = 0, at = 0;; from = at + 1, place += REPLACEMENT.length) {
    at = text.indexOf("\uFFFD", from);
    place += Buffer.byteLength(text.slice(from, at));
    if (!bytes.subarray(place, place + REPLACEMENT.length).equals(REPLACEMENT)) break;
  }
  let number = first;
  for (let at = -1; (at = bytes.indexOf(LF, at + 1)) >= 0 && at < place;) number++;
  const isUtf16 = start === 0 && /^(fffe|feff)/.test(bytes.toString("hex", 0, 2));
  const found = isUtf16 ? "UTF-16" : `the byte 0x${bytes[place]!.toString(16).padStart(2, "0")}`;
  return new Error(
    `Expected UTF-8 in ${path} but found ${found} at byte ${start + place + 1}, line ${number}. ` +
      `Write the file anew as UTF-8: iconv -f ${isUtf16 ? "UTF-16" : "LATIN1"} -t UTF-8.`,
  );
}
