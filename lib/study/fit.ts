/**
 * What a model's context holds, and what it does not: rows that are too long are counted and named,
 * never dropped in silence and never met by a crash in the middle of a run. Knows lengths alone.
 */

/** Names given before "…". */
const NAMED = 5;

/** The rows that fit, and one sentence on those that do not; null where all fit. */
export interface Fitting<Row> {
  readonly kept: readonly Row[];
  readonly leftOut: string | null;
}

/**
 * Sorts out rows that are too long for a context.
 *
 * @param what the rows' plural, for the sentence.
 * @param fits whether a row fits.
 * @param context the model's context in tokens.
 * @param nameOf what a row is called.
 * @throws if rows are given and none fits.
 * @example
 * ```ts
 * const { kept, leftOut } = fitting("instructions", prompts, fits, 512, ({ id }) => id);
 * // "2 of 24 instructions are longer than the context of 512 tokens and were left out: test-3, …"
 * ```
 */
export function fitting<Row>(
  what: string,
  rows: readonly Row[],
  fits: (row: Row) => boolean,
  context: number,
  nameOf: (row: Row) => string,
): Fitting<Row> {
  const kept = rows.filter(fits);
  if (kept.length === rows.length) return { kept, leftOut: null };
  if (kept.length === 0) {
    throw new Error(
      `Expected ${what} that fit the context of ${context} tokens, but found that all ` +
        `${rows.length} are longer: take a base with a longer context, or shorter data.`,
    );
  }
  const out = rows.filter((row) => !kept.includes(row));
  const names = out.slice(0, NAMED).map(nameOf).join(", ") + (out.length > NAMED ? ", …" : "");
  return {
    kept,
    leftOut: `${out.length} of ${rows.length} ${what} are longer than the context of ${context} ` +
      `tokens and were left out: ${names}`,
  };
}
