/**
 * What foreign runtimes want: how the Deno kernel and tslab send a display of several MIME types,
 * and where a package's file lies.
 *
 * Knows the insides of both kernels. It does not know what is sent.
 */
import { realpathSync } from "node:fs";
import { createRequire } from "node:module";
import process from "node:process";

/** Content of Jupyter's messages `display_data` and `update_display_data`. */
export interface DisplayContent {
  readonly data: Readonly<Record<string, unknown>>;
  readonly metadata: Readonly<Record<string, unknown>>;
  readonly transient: { readonly display_id?: string };
}

/** Sends a display to the notebook that is running this program, or replaces an earlier one. */
export type Send = (content: DisplayContent, update: boolean) => unknown;

/** The way to the notebook's reader, or null where no kernel runs this program. */
export function kernelSender(): Send | null {
  return denoSender() ?? tslabSender();
}

function denoSender(): Send | null {
  const { Deno } = globalThis as {
    Deno?: { jupyter?: { broadcast(type: string, content: unknown): Promise<void> } };
  };
  try {
    const jupyter = Deno?.jupyter;
    if (!jupyter) return null;
    return (content, update) =>
      jupyter.broadcast(update ? "update_display_data" : "display_data", content);
  } catch {
    return null; // outside a kernel `Deno.jupyter` may be a getter that throws
  }
}

/** tslab's public display takes one MIME type at a time; the writer behind it takes them all. */
function tslabSender(): Send | null {
  if (!("__tslab__" in globalThis)) return null;
  const require = createRequire(realpathSync(process.argv[1]!)); // tslab's own program, bin/tslab
  const { lastWriteDisplayData } = require("../dist/jupyter.js") as { lastWriteDisplayData?: Send };
  if (lastWriteDisplayData) return lastWriteDisplayData;
  throw new Error("Expected tslab 1.0.22's display writer but found none: run `deno task tslab`.");
}

/** A run of a cell, and the cell's id in its notebook, where the reader's program gives it one. */
export interface CellRun {
  readonly run: string;
  readonly cell?: string;
}

/** The run that asks; null in a kernel that does not tell. */
export function cellRun(): CellRun | null {
  const { [RUN]: ask } = globalThis as { [RUN]?: () => CellRun };
  return ask?.() ?? null;
}

/** Where the project's kernels (kernel/cell.mjs) keep the answer. */
const RUN: unique symbol = Symbol.for("implicit.run") as never;

/** Path of the file that a package's name leads to, in either runtime. */
export const packageFile = (name: string): string => createRequire(import.meta.url).resolve(name);
