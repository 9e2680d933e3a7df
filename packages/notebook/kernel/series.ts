/**
 * Runs the notebooks of a folder, keeps each as executed, and says how far it is.
 *
 * Knows the order of things and what to say of them. It does not know what the notebooks do, nor
 * where its words are shown.
 */
import { join } from "node:path";
import { duration } from "../show/progress.ts";
import type { KernelSpec } from "./kernel.ts";
import { type Notebook, writeNotebook } from "./notebook.ts";
import { CellFailed, runNotebook, type RunOptions } from "./run.ts";
import { paceOf, readNotebooks } from "./shelf.ts";

export interface SeriesOptions extends KernelSpec, Pick<RunOptions, "signal" | "onFailed"> {
  /** Folder for the executed notebooks. */
  readonly out: string;
  /** Where the cells run, if not in the notebooks' folder. */
  readonly cwd?: string;
  /** How many notebooks run side by side; default one. They must not need one another's work. */
  readonly atOnce?: number;
  /** Hears what is going on, often: "01 more · cell 3 of 9 · about 2 min left · training 40 %". */
  readonly onStatus?: (line: string) => void;
  readonly onFinished?: (notebook: string, seconds: number) => void | Promise<void>;
}

/**
 * Runs notebooks of a folder, named without ending, each in a kernel of its own. Those that finished,
 * and the one that failed, lie in `out` afterwards.
 *
 * @throws at the first cell that fails and that `onFailed` does not let pass, with its first lines,
 *   once the notebooks beside it are done; the signal's reason when aborted.
 * @example await runNotebooks("notebooks", ["00 start here"], { ...kernel, out: "report" });
 */
export async function runNotebooks(
  folder: string,
  names: readonly string[],
  options: SeriesOptions,
): Promise<void> {
  const { out, cwd = folder, atOnce = 1, onStatus, onFinished, ...kernel } = options;
  const notebooks = await readNotebooks(folder, names);
  const pace = paceOf(notebooks);
  const places = new Map<string, string>(); // where each of those that run is
  const one = async (name: string, notebook: Notebook) => {
    const started = Date.now();
    const keep = () => writeNotebook(join(out, `${name}.ipynb`), notebook);
    const say = (note: string) => {
      const left = pace.left();
      const where = names.flatMap((name) => places.get(name) ?? []);
      const soon = left === null || left < 1;
      const parts = [...where, soon ? "" : `about ${duration(left)} left`, note];
      onStatus?.(parts.filter(Boolean).join(" · "));
    };
    try {
      await runNotebook(notebook, join(cwd, `${name}.ipynb`), {
        ...kernel,
        onCell: (_cell, index) => {
          pace.begin(name, index);
          places.set(name, `${name} · cell ${index + 1} of ${notebook.cells.length}`);
          say("");
        },
        onOutput: (_cell, { content }) => {
          const { metadata, data } = content as Record<string, Record<string, unknown> | undefined>;
          if (metadata?.progress) say(String(data?.["text/plain"]));
        },
      });
    } catch (error) {
      if (!(error instanceof CellFailed)) throw error;
      await keep();
      throw new Error(
        `Notebook "${name}" failed in cell ${error.number} of ${notebook.cells.length}:\n` +
          `${excerpt(error.source)}\n${error.reason.trim()}\n` +
          `What was run so far is in ${out}.`,
        { cause: error },
      );
    } finally {
      places.delete(name);
    }
    await keep();
    pace.end(name);
    await onFinished?.(name, (Date.now() - started) / 1000);
  };
  const queue = [...notebooks];
  const worker = async () => {
    for (let next = queue.shift(); next; next = queue.shift()) await one(...next);
  };
  const ended = await Promise.allSettled(
    Array.from({ length: atOnce }, () =>
      worker().catch((error) => {
        queue.length = 0; // those under way are finished and kept; no new one is begun
        throw error;
      })),
  );
  for (const end of ended) if (end.status === "rejected") throw end.reason;
}

function excerpt(source: string): string {
  const lines = source.split("\n");
  const more = lines.length > 8 ? [`… ${lines.length - 8} more lines`] : [];
  return [...lines.slice(0, 8), ...more].map((line) => `  │ ${line}`).join("\n");
}
