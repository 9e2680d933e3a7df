/**
 * The pages of a Parquet column, looked over before hyparquet decodes them: it takes room for as many
 * values as a page or a run of equal values claims, so a damaged number of a few bytes would cost
 * gigabytes. Knows hyparquet's reading of pages and does as it does; does NOT decode values, and
 * leaves what costs nothing to hyparquet to refuse.
 */
import type { ColumnMetaData, Compressors, DataReader, PageHeader, SchemaTree } from "hyparquet";
import { parquetHeader } from "hyparquet/src/column.js";
import { decompressPage } from "hyparquet/src/datapage.js";
import { deltaBinaryUnpack } from "hyparquet/src/delta.js";
import { readRleBitPackedHybrid } from "hyparquet/src/encoding.js";
import {
  getMaxDefinitionLevel,
  getMaxRepetitionLevel,
  isFlatColumn,
} from "hyparquet/src/schema.js";
import { readVarInt } from "hyparquet/src/thrift.js";

/** A number of values may be wrong by so many: writers err, and these cost little. */
const FREE = 1_000_000;

/** What a page that repeats the beginnings of its texts may unpack to, and so many times its size. */
const TEXT_FREE = 2 ** 24, TEXT_RATIO = 2000;

/** A column chunk as the footer has it. */
export interface Chunk {
  readonly column: ColumnMetaData;
  /** From the schema's root to the column. */
  readonly path: SchemaTree[];
  /** Of the row group. */
  readonly rows: number;
  readonly compressors: Compressors;
}

/**
 * Looks over the pages of a column chunk that hyparquet would read.
 *
 * @throws Error naming column and page that claims more than it can hold
 * @example
 * checkPages(await file.slice(start, end), { column, path, rows, compressors });
 */
export function checkPages(bytes: ArrayBuffer, chunk: Chunk): void {
  const reader = { view: new DataView(bytes), offset: 0 }, isFlat = isFlatColumn(chunk.path);
  const all = Number(chunk.column.num_values);
  let seen = 0;
  for (let page = 1; !(isFlat && seen >= chunk.rows); page++) {
    if (reader.offset >= bytes.byteLength - 1) return;
    try {
      const header = parquetHeader(reader), size = header.compressed_page_size;
      atMost(size, bytes.byteLength - reader.offset, "bytes");
      const body = new Uint8Array(bytes, reader.offset, size);
      reader.offset += size;
      seen += checkPage(body, header, all - seen, chunk);
    } catch (cause) {
      const name = chunk.column.path_in_schema.join(".");
      throw new Error(`column ${name}, page ${page}: ${(cause as Error).message}`, { cause });
    }
  }
}

function atMost(count: number, most: number, what: string): void {
  if (!(count >= 0 && count <= most)) {
    throw new Error(`${count} ${what}, where ${most} are the most`);
  }
}

/** How many values, nulls among them, a page has, of which so many are left in its column. */
function checkPage(packed: Uint8Array, header: PageHeader, left: number, chunk: Chunk): number {
  const { column: { codec, type }, path, compressors } = chunk;
  const { uncompressed_page_size: size, dictionary_page_header: dictionary } = header;
  if (header.type === "DICTIONARY_PAGE") {
    atMost(dictionary?.num_values ?? 0, size + FREE, "values in a dictionary");
    return 0;
  }
  const v2 = header.type === "DATA_PAGE_V2" ? header.data_page_header_v2 : undefined;
  const page = v2 ?? header.data_page_header;
  if (!page) return 0;
  const { num_values: values, encoding } = page;
  atMost(values, Math.max(0, left) + FREE, "values");
  const deepest = getMaxDefinitionLevel(path);
  const [repetition, definition] = [getMaxRepetitionLevel(path), deepest].map(widthOf);
  let nulls = 0, reader = readerOf(packed);
  if (v2) {
    const { repetition_levels_byte_length: first, definition_levels_byte_length: second } = v2;
    nulls = v2.num_nulls;
    atMost(nulls, definition ? values : 0, "nulls");
    if (repetition) checkRuns(reader, repetition, values, first);
    reader.offset = first;
    if (definition) checkRuns(reader, definition, values, second);
    if (encoding === "PLAIN") return values;
    const body = packed.subarray(reader.offset);
    reader = readerOf(
      v2.is_compressed === false
        ? body
        : decompressPage(body, size - first - second, codec, compressors),
    );
  } else {
    if (!repetition && !definition && encoding === "PLAIN") return values;
    reader = readerOf(decompressPage(packed, size, codec, compressors));
    if (repetition) checkRuns(reader, repetition, values);
    if (definition) {
      const { view, offset } = reader, levels = new Uint8Array(values);
      checkRuns(reader, definition, values);
      if (encoding === "PLAIN") return values;
      readRleBitPackedHybrid({ view, offset }, definition, levels);
      for (const level of levels) if (level !== deepest) nulls++;
    }
  }
  const { view } = reader, some = values - nulls;
  if (encoding === "RLE" || encoding === "RLE_DICTIONARY" || encoding === "PLAIN_DICTIONARY") {
    if (v2 ? encoding === "RLE" : type === "BOOLEAN") checkRuns(reader, 1, some);
    else {
      const width = view.getUint8(reader.offset++);
      if (width || v2) checkRuns(reader, width, some, view.byteLength - reader.offset);
    }
  } else if (encoding === "BYTE_STREAM_SPLIT") {
    const { type_length = 1 } = path.at(-1)!.element; // that of others is small
    atMost(some * type_length, view.byteLength, "bytes of values");
  } else if (encoding === "DELTA_BINARY_PACKED") {
    readVarInt(reader); // values in a block
    atMost(readVarInt(reader), view.byteLength, "small blocks in a block");
  } else if (encoding === "DELTA_BYTE_ARRAY") checkPrefixes(reader, some);
  return values;
}

/** Runs of levels, indices or booleans, up to so many values; of so many bytes, or as they say. */
function checkRuns(reader: DataReader, width: number, values: number, bytes?: number): void {
  const length = bytes ?? reader.view.getUint32((reader.offset += 4) - 4, true);
  const start = reader.offset;
  for (let seen = 0; seen < values && reader.offset < reader.view.byteLength;) {
    const header = readVarInt(reader), isPacked = (header & 1) === 1;
    const count = isPacked ? (header >>> 1) * 8 : header >>> 1;
    atMost(count, values - seen + FREE, isPacked ? "values in a run" : "equal values in a run");
    seen += count;
    reader.offset += isPacked ? Math.max(1, count / 8 * width) : Math.ceil(width / 8);
  }
  reader.offset = start + length;
}

/** Texts that begin as the one before: none can repeat more than that has. */
function checkPrefixes(reader: DataReader, values: number): void {
  const prefixes = new Int32Array(values), suffixes = new Int32Array(values);
  deltaBinaryUnpack(reader, values, prefixes);
  deltaBinaryUnpack(reader, values, suffixes);
  let length = 0, total = 0;
  for (let i = 0; i < values; i++) {
    atMost(prefixes[i]!, length, "bytes as in the text before");
    total += length = prefixes[i]! + suffixes[i]!;
  }
  atMost(total, TEXT_FREE + TEXT_RATIO * reader.view.byteLength, "bytes of text");
}

const widthOf = (level: number) => 32 - Math.clz32(level);

const readerOf = ({ buffer, byteOffset, byteLength }: Uint8Array): DataReader => ({
  view: new DataView(buffer, byteOffset, byteLength),
  offset: 0,
});
