/**
 * The reader's interrupt. A notebook's kernel may keep each cell's AbortSignal in an
 * AsyncLocalStorage, so that whatever the cell began finds it, however deep; long work looks between
 * two runs. Knows where that storage lies; does not know notebooks. Elsewhere there is none.
 */

/** The storage's key in `globalThis`. */
const CELL: unique symbol = Symbol.for("implicit.cell") as never;

/** @throws the signal's reason where the cell that asked for this work was interrupted. */
export function throwIfInterrupted(): void {
  const { [CELL]: cell } = globalThis as { [CELL]?: { getStore(): AbortSignal | undefined } };
  cell?.getStore()?.throwIfAborted();
}
