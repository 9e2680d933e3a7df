/**
 * The rows of a Parquet file, a part of a row group at a time, in the codecs that writers use.
 *
 * A damaged file must not end the process: hyparquet begins to read all columns at once, and where
 * what the footer says does not fit together, nobody waits for some of them, and a failure of theirs
 * is nobody's to catch. So the footer is checked first, and the pages of a row group before it is
 * read. Does NOT know what the columns mean.
 */
import {
  asyncBufferFromFile,
  type ColumnMetaData,
  type FileMetaData,
  parquetMetadataAsync,
  parquetReadObjects,
  parquetSchema,
  type SchemaTree,
} from "hyparquet";
import { compressors } from "hyparquet-compressors";
import { getTreePath } from "hyparquet/src/schema.js";
import { unreadable } from "./lines.ts";
import { checkPages } from "./parquet_pages.ts";

const MB = 2 ** 20;

/** Of a row group, so much is unpacked at a time. */
const PART = 64 * MB;

/** A page of equal values packs well; none unpacks to more than this, or so many times its size. */
const PAGE_FREE = 16 * MB, PAGE_RATIO = 2000;

/** A file of equal rows packs well, too; but text has hardly a hundred rows a byte. */
const ROWS_FREE = 1_000_000, ROWS_RATIO = 100;

/** hyparquet-compressors', each of which is told what a page claims to unpack to. */
const unpack = Object.fromEntries(
  Object.entries(compressors).map(([codec, theirs]) => [codec, (page: Uint8Array, size: number) => {
    if (!(size >= 0 && size <= PAGE_FREE + PAGE_RATIO * page.length)) {
      throw new Error(`a page of ${page.length} bytes that claims to hold ${size}`);
    }
    return size === 0 ? new Uint8Array() : theirs!(page, size); // LZ4's of nothing is refused
  }]),
);

/**
 * The rows of a Parquet file in their order.
 *
 * @throws Error naming the file where it is damaged, or packed by a codec that is not known.
 * @example
 * for await (const row of parquetRows("train-00000-of-00001.parquet")) console.log(row.question);
 */
export async function* parquetRows(path: string): AsyncGenerator<Record<string, unknown>> {
  try {
    const file = await asyncBufferFromFile(path);
    const metadata = await parquetMetadataAsync(file);
    checkFooter(metadata, file.byteLength);
    const schema = parquetSchema(metadata);
    const nullable = new Set(schema.children.filter(isNullableNest).map(({ path }) => path[0]));
    let first = 0;
    for (const { num_rows, columns } of metadata.row_groups) {
      for (const { meta_data } of columns) {
        const column = meta_data!, path = getTreePath(schema, column.path_in_schema);
        const chunk = { column, path, rows: Number(num_rows), compressors: unpack };
        checkPages(await file.slice(...rangeOf(column)), chunk);
      }
      const size = columns.reduce((sum, column) => sum + Number(sizeOf(column.meta_data!)), 0);
      const end = first + Number(num_rows);
      const step = Math.ceil(Number(num_rows) / Math.ceil(Math.max(size, 1) / PART));
      while (first < end) {
        const rowStart = first, rowEnd = Math.min(first + step, end);
        const rows: Record<string, unknown>[] = await parquetReadObjects({
          ...{ file, metadata, rowStart, rowEnd },
          compressors: unpack,
        });
        if (rows.length !== rowEnd - rowStart) throw new Error(`no rows from row ${first + 1} on`);
        for (const row of rows) {
          for (const column of Object.keys(row).filter((name) => row[name] === undefined)) {
            if (!nullable.has(column)) {
              throw new Error(`column ${column} without a value in row ${first + 1}`);
            }
            row[column] = null; // what hyparquet leaves out of a list or map that is null
          }
          first++;
          yield row;
        }
      }
    }
  } catch (cause) {
    throw unreadable(path, cause as Error);
  }
}

const isNullableNest = ({ children, element }: SchemaTree) =>
  children.length > 0 && element.repetition_type === "OPTIONAL";

const sizeOf = (column: ColumnMetaData) => column.total_uncompressed_size;

/** What must hold of a footer before a column is read. */
function checkFooter(metadata: FileMetaData, bytes: number): void {
  const rows = Number(metadata.num_rows);
  const grouped = metadata.row_groups.reduce((sum, group) => sum + Number(group.num_rows), 0);
  if (!(rows >= 0) || rows !== grouped || metadata.row_groups.some((group) => group.num_rows < 0)) {
    throw new Error(`${rows} rows in a footer whose groups have ${grouped}`);
  }
  if (rows > ROWS_FREE + ROWS_RATIO * bytes) throw new Error(`${rows} rows in ${bytes} bytes`);
  const leaves = leavesOf(parquetSchema(metadata));
  for (const { columns } of metadata.row_groups) {
    const found = columns.map(({ meta_data, file_path }) => {
      if (!meta_data || file_path) throw new Error("columns in another file");
      checkColumn(meta_data, bytes);
      return meta_data.path_in_schema.join(".");
    });
    if (found.toSorted().join("\n") !== leaves.join("\n")) {
      throw new Error(`a row group of the columns ${found} where the schema has ${leaves}`);
    }
  }
}

function checkColumn(column: ColumnMetaData, bytes: number): void {
  const { codec, path_in_schema, num_values, total_uncompressed_size } = column;
  const name = path_in_schema.join(".");
  if (codec !== "UNCOMPRESSED" && !(codec in unpack)) {
    const known = Object.keys(unpack).join(", ");
    throw new Error(
      `column ${name} packed by ${
        codec ?? "an unknown codec"
      }; known are ${known} (write it anew ` +
        `with one of these)`,
    );
  }
  const [start, end] = rangeOf(column), values = Number(num_values);
  if (!(start >= 0 && end >= start && end <= bytes && total_uncompressed_size >= 0)) {
    throw new Error(`column ${name} from byte ${start} to ${end} of ${bytes}`);
  }
  // lists may have many values a row, as well packed as a page
  if (!(values >= 0 && values <= ROWS_FREE + PAGE_RATIO * bytes)) {
    throw new Error(`column ${name} with ${values} values in ${bytes} bytes`);
  }
}

/** The bytes of a column's chunk: from its dictionary, if it has one, to its last page. */
function rangeOf(column: ColumnMetaData): [start: number, end: number] {
  const start = Number(column.dictionary_page_offset || column.data_page_offset);
  return [start, start + Number(column.total_compressed_size)];
}

/** The paths of a schema's columns, sorted. */
const leavesOf = ({ children, path }: SchemaTree): string[] =>
  children.length === 0 ? [path.join(".")] : children.flatMap(leavesOf).toSorted();
