/**
 * Lets a reader stop a long step with the notebook's interrupt button (or Ctrl-C) without losing
 * the kernel: the Deno kernel dies of the signal unless somebody listens.
 *
 * Knows the signal. It does not know what is stopped.
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
