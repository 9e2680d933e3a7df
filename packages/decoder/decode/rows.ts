/**
 * Rows of token ids as the inputs of a decoder graph, padded on the right.
 *
 * Knows where ids lie, and what stands before them; does not know what they are run for.
 */
import type { OrtTensor } from "@implicit/engine";

/** Inputs of a run, and where its rows' ids lie: row i from `i · length + first` on. */
export interface RowInputs {
  readonly inputs: Record<string, OrtTensor>;
  readonly length: number;
  readonly first: number;
}

export const int32 = (shape: readonly number[], data: Int32Array): OrtTensor => ({
  dtype: "int32",
  shape,
  data,
});

/**
 * Lays whole rows out.
 *
 * @param prefix positions that stand before every row; where rows begin, their place is left free
 */
export function rowInputs(rows: readonly (readonly number[])[], prefix = 0): RowInputs {
  const longest = rows.reduce((most, ids) => Math.max(most, ids.length), 0);
  const length = prefix + longest;
  const shape = [rows.length, length];
  const ids = new Int32Array(rows.length * length); // padding is id 0; nothing reads what it gives
  const positions = new BigInt64Array(rows.length * length);
  rows.forEach((row, i) => {
    for (let t = 0; t < longest; t++) {
      ids[i * length + prefix + t] = row[t] ?? 0;
      positions[i * length + prefix + t] = BigInt(t);
    }
  });
  const inputs = {
    input_ids: int32(shape, ids),
    position_ids: { dtype: "int64", shape, data: positions } as const,
    lengths: int32([rows.length], Int32Array.from(rows, (row) => prefix + row.length - 1)),
    total: int32([], Int32Array.of(length)),
    ...prefixLength(prefix, prefix),
  };
  return { inputs, length, first: prefix };
}

/**
 * Inputs of steps of so many rows, whose last ids enter where a cache holds those before.
 *
 * @returns the inputs, and what puts the rows of the next step into them
 */
export function stepInputs(count: number, prefix = 0) {
  const [ids, lengths, total] = [count, count, 1].map((size) => new Int32Array(size)) as [
    Int32Array,
    Int32Array,
    Int32Array,
  ];
  const positions = new BigInt64Array(count);
  const shape = [count, 1];
  const inputs: RowInputs["inputs"] = {
    input_ids: int32(shape, ids),
    position_ids: { dtype: "int64", shape, data: positions },
    lengths: int32([count], lengths),
    total: int32([], total),
    rows: int32([count], Int32Array.from(ids.keys())),
    ...prefixLength(prefix, 0),
  };
  const set = (rows: readonly (readonly number[])[]) => {
    rows.forEach((row, i) => {
      ids[i] = row.at(-1)!;
      positions[i] = BigInt(row.length - 1);
      lengths[i] = prefix + row.length - 1;
    });
    total[0] = 1 + lengths.reduce((most, length) => Math.max(most, length));
  };
  return { inputs, set };
}

/** What graphs with a prefix also want: as many positions as are left free for it. */
const prefixLength = (prefix: number, free: number): RowInputs["inputs"] =>
  prefix === 0
    ? {}
    : { prefix_length: { dtype: "int64", shape: [1], data: BigInt64Array.of(BigInt(free)) } };
