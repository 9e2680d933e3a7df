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
 * Lays rows out: all of their ids, or with `step` only the last, where a cache holds those before.
 *
 * @param prefix positions that stand before every row; where rows begin, their place is left free
 */
export function rowInputs(
  rows: readonly (readonly number[])[],
  options: { prefix?: number; step?: boolean } = {},
): RowInputs {
  const { prefix = 0, step = false } = options;
  const longest = rows.reduce((most, ids) => Math.max(most, ids.length), 0);
  const first = step ? 0 : prefix;
  const length = step ? 1 : prefix + longest;
  const shape = [rows.length, length];
  const ids = new Int32Array(rows.length * length); // padding is id 0; nothing reads what it gives
  const positions = new BigInt64Array(rows.length * length);
  rows.forEach((row, i) => {
    const start = step ? row.length - 1 : 0;
    for (let t = 0; t < length - first; t++) {
      ids[i * length + first + t] = row[start + t] ?? 0;
      positions[i * length + first + t] = BigInt(start + t);
    }
  });
  const inputs: Record<string, OrtTensor> = {
    input_ids: int32(shape, ids),
    position_ids: { dtype: "int64", shape, data: positions },
    lengths: int32([rows.length], Int32Array.from(rows, (row) => prefix + row.length - 1)),
    total: int32([], Int32Array.of(prefix + longest)),
  };
  if (prefix > 0) {
    inputs.prefix_length = { dtype: "int64", shape: [1], data: BigInt64Array.of(BigInt(first)) };
  }
  return { inputs, length, first };
}
