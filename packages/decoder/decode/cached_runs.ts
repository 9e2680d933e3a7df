/**
 * The runs of a batch over its key/value cache: rows that begin, and steps of a token a row.
 *
 * Knows what a generating session reads and writes; does not know which rows are run, nor what is
 * chosen from their logits.
 */
import type { Bound, Session } from "@implicit/engine";
import type { ModelConfig } from "../model/config.ts";
import type { KeyValueCache } from "./cache.ts";
import { int32, rowInputs, stepInputs } from "./rows.ts";

/** Runs over one cache; the logits of the latest one are in {@link CachedRuns.logits}. */
export class CachedRuns {
  /** Of the rows of the latest run, [rows, vocabulary]. */
  readonly logits: Float32Array;
  /** What a step of so many rows reads and writes, kept as long as they stay as many. */
  private steps?: { count: number; bound: Bound; set: ReturnType<typeof stepInputs>["set"] };

  /** @param prefix positions of the prefix that the session was made with */
  constructor(
    private readonly session: Session,
    private readonly config: ModelConfig,
    private readonly cache: KeyValueCache,
    private readonly prefix = 0,
  ) {
    this.logits = new Float32Array(cache.rows * config.vocabSize);
  }

  /** Rows of ids begin, in the cache from row `first` on. */
  async begin(first: number, rows: readonly (readonly number[])[]): Promise<void> {
    const { inputs, length, first: start } = rowInputs(rows, this.prefix);
    const last = Int32Array.from(rows, (ids, i) => i * length + start + ids.length - 1);
    const state = this.cache.tensors(first, rows.length);
    await this.session.run(
      { ...inputs, rows: int32([rows.length], last), ...state.inputs },
      { ...this.logitsOf(rows.length), ...state.outputs },
    );
  }

  /** The last ids of rows enter, all others of which are in the cache, from its first row on. */
  async step(rows: readonly (readonly number[])[]): Promise<void> {
    if (this.steps?.count !== rows.length) {
      this.dispose();
      const { inputs, set } = stepInputs(rows.length, this.prefix);
      const state = this.cache.tensors(0, rows.length);
      const outputs = { ...this.logitsOf(rows.length), ...state.outputs };
      const bound = this.session.bind({ ...inputs, ...state.inputs }, outputs);
      this.steps = { count: rows.length, bound, set };
    }
    this.steps.set(rows);
    await this.steps.bound.run();
  }

  /** Frees what was kept between steps. */
  dispose(): void {
    this.steps?.bound.dispose();
    this.steps = undefined;
  }

  private logitsOf(rows: number) {
    const { vocabSize } = this.config;
    const data = this.logits.subarray(0, rows * vocabSize);
    return { logits: { dtype: "float32", shape: [rows, vocabSize], data } as const };
  }
}
