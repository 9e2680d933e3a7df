/**
 * Lets a reader stop a long step with the notebook's interrupt button (or Ctrl-C) without losing
 * the kernel: by the signal, and in the project's kernels (kernel/cell.mjs) by what they keep for all
 * that a cell has begun.
 *
 * Knows how one hears of it. It does not know what is stopped.
 */
import process from "node:process";

/**
 * Runs work that stops when the reader interrupts; before and after it the signal keeps its usual
 * meaning.
 *
 * @throws whatever the work throws; on an interrupt that is, by custom, the signal's reason.
 * @example
 * await interruptible((signal) => tune(engine, model, examples, { ...options, signal }));
 */
export async function interruptible<T>(work: (signal: AbortSignal) => Promise<T>): Promise<T> {
  const controller = new AbortController();
  const stop = () =>
    controller.abort(
      new Error("Interrupted. Finished runs are kept: run the cell again to go on from there."),
    );
  process.once("SIGINT", stop);
  try {
    return await work(controller.signal);
  } finally {
    process.removeListener("SIGINT", stop);
  }
}

/** Where the project's kernels keep each cell's signal. */
const CELL: unique symbol = Symbol.for("implicit.cell") as never;

/** @throws the interrupt where the cell that asked for this work was interrupted. */
export function throwIfInterrupted(): void {
  const { [CELL]: cell } = globalThis as { [CELL]?: { getStore(): AbortSignal | undefined } };
  cell?.getStore()?.throwIfAborted();
}
