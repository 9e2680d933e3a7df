import { throws } from "node:assert/strict";
import type { ColumnMetaData, SchemaTree } from "hyparquet";
import { checkPages } from "./parquet_pages.ts";

const HUGE = 1_500_000_000;
const LONG_RUN = [...varint(2 * HUGE), 1];
const SHORT_RUN = [...varint(2 * 10), 1];

/** Of the format: encodings, and the types of fields in Thrift's compact protocol. */
const PLAIN = 0, RLE = 3, DELTA_BINARY = 5, DELTA_TEXT = 7, DICTIONARY = 8, SPLIT = 9;
const I32 = 5, STRUCT = 12;

function varint(value: number): number[] {
  return value < 128 ? [value] : [value % 128 + 128, ...varint(Math.floor(value / 128))];
}

/** A struct's fields, numbered from 1; nothing where there is none. */
function struct(fields: readonly (number | number[] | null)[]): number[] {
  let last = 0;
  const bytes = fields.flatMap((field, i) => {
    if (field === null) return [];
    const delta = i + 1 - last;
    last = i + 1;
    return typeof field === "number"
      ? [delta << 4 | I32, ...varint(2 * field)]
      : [delta << 4 | STRUCT, ...field];
  });
  return [...bytes, 0];
}

const sized = (levels: number[]) => [levels.length, 0, 0, 0, ...levels];

const pageV1 = (values: number, encoding: number, body: number[]) => [
  ...struct([0, body.length, body.length, null, struct([values, encoding, RLE, RLE])]),
  ...body,
];

const dictionary = (values: number, body: number[]) => [
  ...struct([2, body.length, body.length, null, null, null, struct([values, PLAIN])]),
  ...body,
];

interface PageV2 {
  readonly values?: number;
  readonly nulls?: number;
  readonly repetition?: number[];
  readonly definition?: number[];
}

function pageV2(encoding: number, body: number[], page: PageV2 = {}): number[] {
  const { values = 10, nulls = 0, repetition = [], definition = [] } = page;
  const data = [...repetition, ...definition, ...body];
  const lengths = [definition.length, repetition.length];
  const header = struct([values, nulls, values, encoding, ...lengths]);
  return [...struct([3, data.length, data.length, null, null, null, null, header]), ...data];
}

/** Looks over pages of a column of ten values. */
function check(pages: number[], column: Partial<SchemaTree["element"]> = {}): void {
  const element = { name: "n", type: "INT32", repetition_type: "REQUIRED", ...column };
  const leaf = { children: [], count: 1, element, path: ["n"] } as SchemaTree;
  const root: SchemaTree = { children: [leaf], count: 2, element: { name: "root" }, path: [] };
  const { type } = element;
  const meta = { codec: "UNCOMPRESSED", num_values: 10n, path_in_schema: ["n"], type };
  checkPages(Uint8Array.from(pages).buffer, {
    column: meta as ColumnMetaData,
    path: [root, leaf],
    rows: 10,
    compressors: {},
  });
}

const optional = { repetition_type: "OPTIONAL" } as const;
const repeated = { repetition_type: "REPEATED" } as const;
const boolean = { type: "BOOLEAN" } as const;
const text = { type: "BYTE_ARRAY" } as const;
const ten = Array<number>(40).fill(7);

/** Of ten numbers in one small block of 128, all equal. */
const deltas = (first: number) => [...varint(128), 1, 10, first * 2, 0, 0];

Deno.test("checkPages() passes pages that hold what they claim", () => {
  check(pageV1(10, PLAIN, ten));
  check(pageV1(10, PLAIN, [...sized(SHORT_RUN), ...ten]), optional);
  check(pageV1(10, PLAIN, [...sized([...varint(20), 0]), ...sized(SHORT_RUN), ...ten]), repeated);
  check([...dictionary(2, ten.slice(0, 8)), ...pageV1(10, DICTIONARY, [1, ...SHORT_RUN])]);
  check(pageV1(10, DICTIONARY, [1, 5, 0, 0])); // two eights of bits
  check(pageV1(10, DICTIONARY, [0])); // no bits for the only value
  check(pageV1(10, DICTIONARY, [...sized([...varint(2 * 10), 0]), 1]), optional); // all null
  check(pageV1(10, RLE, sized(SHORT_RUN)), boolean);
  check(pageV2(PLAIN, ten, { definition: SHORT_RUN }), optional);
  check(
    pageV2(DICTIONARY, [1, ...varint(2 * 4), 1], { definition: SHORT_RUN, nulls: 6 }),
    optional,
  );
  check(pageV2(DELTA_BINARY, deltas(7)));
  check(pageV2(DELTA_TEXT, [...deltas(0), ...deltas(1), ...ten.slice(0, 10)]), text);
  check(pageV2(SPLIT, ten.slice(0, 30)), { type: "FIXED_LEN_BYTE_ARRAY", type_length: 3 });
  check([...pageV1(10, PLAIN, ten), 255, 255, 255]); // hyparquet reads no page after the last row
});

const claims: Record<string, [pages: number[], found: RegExp, column?: object]> = {
  "values of a page": [pageV1(HUGE, PLAIN, ten), /1: 1500000000 values, where 1000010 are/],
  "values of a v2 page": [pageV2(PLAIN, ten, { values: HUGE }), /1: 1500000000 values,/],
  "values of two pages": [
    [...pageV1(5, PLAIN, ten), ...pageV1(1_000_006, PLAIN, ten)],
    /page 2: 1000006 values, where 1000005/,
  ],
  "values of a dictionary": [dictionary(HUGE, ten), /1: 1500000000 values in a dictionary/],
  "definition levels": [pageV1(10, PLAIN, sized(LONG_RUN)), /1500000000 equal/, optional],
  "repetition levels": [pageV1(10, PLAIN, sized(LONG_RUN)), /1500000000 equal/, repeated],
  "definition levels of a v2 page": [
    pageV2(PLAIN, ten, { definition: LONG_RUN }),
    /1500000000 equal/,
    optional,
  ],
  "repetition levels of a v2 page": [
    pageV2(PLAIN, ten, { repetition: LONG_RUN, definition: SHORT_RUN }),
    /1500000000 equal/,
    repeated,
  ],
  "indices": [pageV1(10, DICTIONARY, [1, ...LONG_RUN]), /1500000000 equal values in a run/],
  "indices after nulls": [
    pageV1(10, DICTIONARY, [...sized([3, 0b1111, ...varint(2 * 2), 0]), 1, ...LONG_RUN]),
    /1500000000 equal values in a run, where 1000004 are/,
    optional,
  ],
  "indices of a v2 page": [pageV2(DICTIONARY, [1, ...LONG_RUN]), /1500000000 equal/],
  "indices of no bits": [pageV2(DICTIONARY, [0, ...varint(2 ** 31 + 1)]), /values in a run/],
  "booleans": [pageV1(10, RLE, sized(LONG_RUN)), /1500000000 equal/, boolean],
  "booleans of a v2 page": [pageV2(RLE, sized(LONG_RUN)), /1500000000 equal/, boolean],
  "nulls": [pageV2(DICTIONARY, [1, ...SHORT_RUN], { nulls: 11 }), /11 nulls/, optional],
  "blocks of differences": [
    pageV2(DELTA_BINARY, [...varint(128), ...varint(HUGE), 10, 0]),
    /1500000000 small blocks/,
    { type: "INT64" },
  ],
  "beginnings of texts": [
    pageV2(DELTA_TEXT, [...deltas(60), ...deltas(1), ...ten]),
    /60 bytes as in the text before, where 0 are/,
    text,
  ],
  "bytes of values": [
    pageV2(SPLIT, ten),
    /15000000000 bytes of values/,
    { type: "FIXED_LEN_BYTE_ARRAY", type_length: HUGE },
  ],
  "bytes of a page": [
    struct([0, 40, HUGE, null, struct([10, PLAIN, RLE, RLE])]),
    /1500000000 bytes/,
  ],
};

for (const [place, [pages, found, column]] of Object.entries(claims)) {
  Deno.test(`checkPages() refuses too many ${place}`, () => {
    throws(() => check(pages, column), /^Error: column n, page \d: \d/);
    throws(() => check(pages, column), found);
  });
}
