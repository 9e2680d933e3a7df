/**
 * Runs a notebook from top to bottom in a fresh kernel.
 *
 * Knows the order of things: start, cell after cell, stop. It does not know what the cells do,
 * where the executed notebook goes, or how progress is drawn.
 */
import { dirname } from "node:path";
import { stripVTControlCharacters } from "node:util";
import { type KernelSpec, startKernel } from "./kernel.ts";
import type { Json, Message } from "./message.ts";
import { type Cell, type Notebook, Outputs } from "./notebook.ts";
import { plainText } from "../show/terminal.ts";

export interface RunOptions extends KernelSpec {
  /** Seconds one cell may take; default an hour. */
  readonly timeout?: number;
  /** Called before every code cell, with its place among all cells (from 0). */
  readonly onCell?: (cell: Cell, index: number) => void;
  /** Called for every output message, after the notebook has it. */
  readonly onOutput?: (cell: Cell, message: Message) => void;
  /** Hears of a cell that threw; true: the cells after it are run all the same. */
  readonly onFailed?: (failed: CellFailed) => boolean;
  /** Aborting kills the kernel. */
  readonly signal?: AbortSignal;
}

/** A cell threw, or its kernel died; says which cell and what it held. */
export class CellFailed extends Error {
  override name = "CellFailed";
  /** @param number the cell's place in the notebook, counted from 1, prose cells included. */
  constructor(readonly number: number, readonly source: string, readonly reason: string) {
    super(`Cell ${number} failed: ${reason}`);
  }
}

/**
 * Executes every code cell of `notebook`, whose `path` says where it runs, and fills in outputs,
 * counts and times, in place: after a failure it holds what was finished. A cell with the tag
 * `raises-exception` may fail, and so may one that `onFailed` lets pass; one with `skip-execution`
 * stays as it is.
 *
 * @throws {CellFailed} at the first cell that fails; the signal's reason when aborted.
 * @example
 * const notebook = await readNotebook("notebooks/00 start here.ipynb");
 * await runNotebook(notebook, "notebooks/00 start here.ipynb", { argv: denoKernel });
 */
export async function runNotebook(
  notebook: Notebook,
  path: string,
  options: RunOptions,
): Promise<void> {
  const { timeout = 3600, onCell, onOutput, onFailed, signal } = options;
  for (const cell of notebook.cells.filter(runs)) {
    Object.assign(cell, { outputs: [], execution_count: null });
  }
  signal?.throwIfAborted();
  const kernel = await startKernel(options, dirname(path));
  const abort = () => void kernel.stop();
  signal?.addEventListener("abort", abort);
  const outputs = new Outputs();
  try {
    for (const [index, cell] of notebook.cells.entries()) {
      if (!runs(cell) || cell.source.trim() === "") continue;
      onCell?.(cell, index);
      const started = new Date();
      try {
        const reply = await kernel.execute(cell.source, (message) => {
          outputs.add(cell, message);
          onOutput?.(cell, message);
        }, timeout);
        cell.execution_count = Number(reply.execution_count ?? index + 1);
        if (reply.status === "ok") continue;
        const reason = failure(cell, reply);
        if (tagged(cell, "raises-exception")) continue;
        const failed = new CellFailed(index + 1, cell.source, reason);
        if (!onFailed?.(failed)) throw failed;
      } catch (error) {
        signal?.throwIfAborted();
        if (error instanceof CellFailed) throw error;
        throw new CellFailed(index + 1, cell.source, (error as Error).message);
      } finally {
        cell.metadata = {
          ...cell.metadata,
          execution: {
            "iopub.execute_input": started.toISOString(),
            "shell.execute_reply": new Date().toISOString(),
          },
        };
      }
    }
  } finally {
    signal?.removeEventListener("abort", abort);
    await kernel.stop();
  }
}

/** A kernel's words without their colours, and without what else would steer a terminal. */
const plain = (text: string) => plainText(stripVTControlCharacters(text));

/** Whether a cell is code that is not left alone. */
const runs = (cell: Cell) => cell.cell_type === "code" && !tagged(cell, "skip-execution");

const tagged = ({ metadata: { tags } }: Cell, tag: string) =>
  Array.isArray(tags) && tags.includes(tag);

/** What went wrong, in words. tslab sends no error message, only text on stderr: it gets one here. */
function failure(cell: Cell, reply: Json): string {
  const outputs = cell.outputs ??= [];
  const error = outputs.find((output) => output.output_type === "error");
  if (error) return plain(error.traceback.join("\n") || `${error.ename}: ${error.evalue}`);
  const said = outputs.filter((output) => output.output_type === "stream")
    .filter((output) => output.name === "stderr").map((output) => output.text).join("");
  const text = plain(said || String(reply.evalue ?? "the kernel gave no reason")).split("\n")
    .filter((line) => !/^\s+at .*(node:|[\\/]tslab[\\/])/.test(line)).join("\n");
  const evalue = text.trim().split("\n")[0]!;
  outputs.push({ output_type: "error", ename: "Error", evalue, traceback: [] });
  return text;
}
