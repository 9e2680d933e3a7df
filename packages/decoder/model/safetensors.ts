/**
 * Reads and writes safetensors files: https://github.com/huggingface/safetensors#format
 *
 * Eight bytes give the length of a JSON header, the header says where in the rest of the file each
 * tensor lies, and the tensors cover the rest exactly. All of that is checked, none of it trusted.
 * It knows nothing of models: names are just names.
 *
 * @module
 */
import { closeSync, openSync, readSync } from "node:fs";
import { open, rename, rm, stat } from "node:fs/promises";
import process from "node:process";
import { setImmediate } from "node:timers/promises";
import { repeatedName } from "../json.ts";
import { toBfloat16, toFloat16, widenBfloat16, widenFloat16 } from "./half.ts";
import type { Parameter, Parameters, TensorFile } from "./parameters.ts";

/** Bytes a value of each type takes. Only F32, F16 and BF16 can be read as numbers here. */
const itemSizes: Readonly<Record<string, number>> = {
  F64: 8,
  F32: 4,
  F16: 2,
  BF16: 2,
  F8_E4M3: 1,
  F8_E5M2: 1,
  I64: 8,
  I32: 4,
  I16: 2,
  I8: 1,
  U64: 8,
  U32: 4,
  U16: 2,
  U8: 1,
  BOOL: 1,
};

/** The longest header that the format allows, in bytes. */
const longestHeader = 100_000_000;

/** A tensor of a file: its type and shape, and where its bytes lie, counted from the file's start. */
export interface TensorEntry {
  readonly dtype: string;
  readonly shape: readonly number[];
  readonly offset: number;
  readonly length: number;
}

/** What the header of a safetensors file says. */
export interface SafetensorsHeader {
  readonly path: string;
  readonly tensors: ReadonlyMap<string, TensorEntry>;
  readonly metadata: Readonly<Record<string, string>>;
}

/**
 * Reads and checks the header of a file.
 *
 * @throws where there is no such file, it is truncated, its header is too long, not UTF-8, not JSON
 *   of the right form or has a name twice, an offset is out of range, tensors overlap or leave gaps,
 *   or a shape and a type do not make up the bytes of a tensor.
 */
export async function readHeader(path: string): Promise<SafetensorsHeader> {
  const file = await stat(path).catch(() => null);
  if (!file?.isFile()) {
    const found = file ? "something else" : "none";
    throw new Error(`Expected a file of tensors at ${path}, but found ${found}. Is it all there?`);
  }
  const { size } = file;
  const wrong = (expected: string, found: unknown) =>
    new Error(`Expected ${expected} in ${path}, but found ${found}. Is the file whole?`);
  if (size < 8) throw wrong("at least 8 bytes", size);
  const length = Number(new DataView(readBytes(path, 0, 8).buffer).getBigUint64(0, true));
  if (length > longestHeader) throw wrong(`a header of ${longestHeader} bytes at most`, length);
  if (8 + length > size) throw wrong(`a header of ${length} bytes`, `${size - 8} bytes after it`);
  const text = utf8(readBytes(path, 8, length));
  if (text === null) throw wrong("a header in UTF-8", "other bytes");
  const header: unknown = parseJson(text);
  if (!isObject(header)) throw wrong("a JSON object as header", text.slice(0, 40));
  const twice = repeatedName(text);
  if (twice !== null) throw wrong("each name once in the header", `"${twice}" twice`);
  const { __metadata__: metadata = {}, ...entries } = header;
  if (!isObject(metadata) || !Object.values(metadata).every((value) => typeof value === "string")) {
    throw wrong("texts as __metadata__", JSON.stringify(metadata).slice(0, 40));
  }
  const tensors = new Map(
    Object.entries(entries).map(([name, entry]) => [
      name,
      parseEntry(path, name, entry, 8 + length),
    ]),
  );
  checkCoverage(path, tensors, 8 + length, size);
  return { path, tensors, metadata: metadata as Record<string, string> };
}

/** The text of bytes, or null where they are not UTF-8. A byte-order mark stays: none may be there. */
function utf8(bytes: Uint8Array): string | null {
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    return null;
  }
}

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === "object" && value !== null && !Array.isArray(value);

/** The value of a JSON text, or undefined. */
function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}

function parseEntry(path: string, name: string, entry: unknown, start: number): TensorEntry {
  const { dtype, shape, data_offsets: offsets } = (entry ?? {}) as Record<string, unknown>;
  const wrong = (expected: string, found: unknown) =>
    new Error(
      `Expected ${expected} for the tensor "${name}" in ${path}, but found ` +
        `${JSON.stringify(found)}.`,
    );
  const isCount = (value: unknown) => Number.isSafeInteger(value) && (value as number) >= 0;
  if (typeof dtype !== "string" || !Object.hasOwn(itemSizes, dtype)) {
    throw wrong(`a dtype among ${Object.keys(itemSizes).join(", ")}`, dtype);
  }
  if (!Array.isArray(shape) || !shape.every(isCount)) throw wrong("a shape", shape);
  if (!Array.isArray(offsets) || offsets.length !== 2 || !offsets.every(isCount)) {
    throw wrong("two data_offsets", offsets);
  }
  const length = offsets[1] - offsets[0];
  const expected = shape.reduce((product: number, size: number) => product * size, 1) *
    itemSizes[dtype]!;
  if (length !== expected) {
    throw wrong(`${expected} bytes (shape [${shape}] of ${dtype})`, length);
  }
  return { dtype, shape, offset: start + offsets[0], length };
}

/** Throws unless the tensors, in the order of their offsets, lie end to end over the whole buffer. */
function checkCoverage(
  path: string,
  tensors: ReadonlyMap<string, TensorEntry>,
  start: number,
  size: number,
): void {
  let end = start;
  const ordered = [...tensors].sort(([, a], [, b]) => a.offset - b.offset || a.length - b.length);
  for (const [name, { offset, length }] of ordered) {
    if (offset !== end) {
      throw new Error(
        `Expected the tensor "${name}" to start at byte ${end} of ${path}, but found ${offset}: ` +
          (offset < end ? "it overlaps another tensor." : "there is a gap before it."),
      );
    }
    end += length;
  }
  if (end !== size) {
    throw new Error(
      `Expected ${path} to be ${end} bytes long, but found ${size}. ` +
        (size < end
          ? "The file is truncated: copy or download it again."
          : "Bytes follow the last tensor."),
    );
  }
}

/**
 * Reads one tensor of a file as float32.
 *
 * @throws where its type is not F32, F16 or BF16.
 * @example const header = await readHeader(path);
 * const weight = await readTensor(header, "lm_head.weight");
 */
export async function readTensor(header: SafetensorsHeader, name: string): Promise<Float32Array> {
  await setImmediate(); // reading blocks; between tensors it is others' turn
  return tensorInFile(header, name).data;
}

/**
 * Reads all tensors of a file, in its order.
 *
 * @throws as {@link readHeader} and {@link readTensor} do.
 */
export async function readSafetensors(path: string): Promise<Parameters> {
  const header = await readHeader(path);
  const tensors: Parameters = new Map();
  for (const [name, { shape }] of header.tensors) {
    tensors.set(name, { shape, data: await readTensor(header, name) });
  }
  return tensors;
}

/**
 * A tensor of floats that stays in its file; `data` reads it anew each time.
 *
 * @throws as {@link readTensor} does.
 */
export function tensorInFile({ path, tensors }: SafetensorsHeader, name: string): Parameter {
  const entry = tensors.get(name);
  if (!entry) throw new Error(`Expected a tensor "${name}" in ${path}, but found none.`);
  const { dtype, shape, offset, length } = entry;
  if (dtype !== "F32" && dtype !== "F16" && dtype !== "BF16") {
    throw new Error(
      `Expected F32, F16 or BF16 for the tensor "${name}" in ${path}, but found ${dtype}.`,
    );
  }
  return {
    shape,
    file: { path, dtype, offset },
    get data() {
      return widen(readBytes(path, offset, length), dtype);
    },
  };
}

/**
 * Reads a tensor that stays in its file into `target`, by and by: nothing as large is ever beside it.
 *
 * @throws where the file is truncated.
 */
export function readInto({ path, dtype, offset }: TensorFile, target: Float32Array): void {
  const size = itemSizes[dtype]!;
  const bytes = new Uint8Array(size * Math.min(target.length, 2 ** 18));
  for (let from = 0; from < target.length; from += bytes.length / size) {
    const length = Math.min(bytes.length, size * (target.length - from));
    const values = readBytes(path, offset + size * from, length, bytes);
    target.set(widen(values, dtype).subarray(0, length / size), from);
  }
}

function widen(bytes: Uint8Array<ArrayBuffer>, dtype: FloatType): Float32Array {
  if (dtype === "F32") return new Float32Array(bytes.buffer);
  const halves = new Uint16Array(bytes.buffer);
  return dtype === "BF16" ? widenBfloat16(halves) : widenFloat16(halves);
}

/** Most bytes of one read: systems take no more than two GiB. */
const LARGEST_READ = 2 ** 30;

/** Bytes of a file. Reads in parts, because a read may return less than it was asked. */
function readBytes(
  path: string,
  offset: number,
  length: number,
  bytes: Uint8Array<ArrayBuffer> = new Uint8Array(length),
): Uint8Array<ArrayBuffer> {
  const file = openSync(path, "r");
  try {
    for (let done = 0, read = 0; done < length; done += read) {
      read = readSync(file, bytes, done, Math.min(length - done, LARGEST_READ), offset + done);
      if (read === 0) {
        throw new Error(
          `Expected ${length} bytes at ${offset} of ${path}, but found ${done}: the file is truncated.`,
        );
      }
    }
  } finally {
    closeSync(file);
  }
  return bytes;
}

/** The types that {@link writeSafetensors} writes. */
export type FloatType = "F32" | "BF16" | "F16";

/**
 * Writes a file whole: under a temporary name, then renamed.
 *
 * @param tensors float32 values by name; written in this order, rounded to `dtype`.
 * @example await writeSafetensors("model.safetensors", model.parameters, { dtype: "BF16" });
 */
export async function writeSafetensors(
  path: string,
  tensors: ReadonlyMap<string, { readonly shape: readonly number[]; readonly data: Float32Array }>,
  options: { dtype?: FloatType; metadata?: Record<string, string> } = {},
): Promise<void> {
  const { dtype = "F32", metadata = { format: "pt" } } = options;
  const header: Record<string, unknown> = { __metadata__: metadata };
  let end = 0;
  for (const [name, { shape, data }] of tensors) {
    const begin = end;
    end += data.length * itemSizes[dtype]!;
    header[name] = { dtype, shape, data_offsets: [begin, end] };
  }
  const json = new TextEncoder().encode(JSON.stringify(header));
  // Padded with spaces so that the tensors are aligned.
  const start = new Uint8Array(8 + Math.ceil(json.length / 8) * 8).fill(0x20);
  new DataView(start.buffer).setBigUint64(0, BigInt(start.length - 8), true);
  start.set(json, 8);

  const temporary = `${path}.${process.pid}.tmp`;
  const file = await open(temporary, "w");
  try {
    await file.writeFile(start);
    for (const { data } of tensors.values()) {
      const values = dtype === "F32" ? data : dtype === "BF16" ? toBfloat16(data) : toFloat16(data);
      await file.writeFile(new Uint8Array(values.buffer, values.byteOffset, values.byteLength));
    }
    await file.sync();
    await file.close();
    await rename(temporary, path);
  } catch (error) {
    await file.close().catch(() => {});
    await rm(temporary, { force: true });
    throw error;
  }
}
