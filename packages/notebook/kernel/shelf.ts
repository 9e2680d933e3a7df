/**
 * The notebooks of a folder: which there are, which are meant, how long each took when it last ran.
 *
 * Knows file names and recorded times. It does not run anything.
 */
import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { type Cell, type Notebook, readNotebook } from "./notebook.ts";

/** Names of the notebooks in a folder, without ending, in order. */
export async function notebookNames(folder: string): Promise<string[]> {
  const files = await readdir(folder).catch(({ message }) => {
    throw new Error(`Expected notebooks in ${folder} but found ${message}.`);
  });
  return files.filter((file) => file.endsWith(".ipynb") && !file.startsWith("."))
    .map((file) => file.replace(/\.ipynb$/, "")).sort();
}

/**
 * The notebooks meant by "01,04" or "start": numbers, or beginnings of a name after its number.
 *
 * @throws listing what there is when one of them matches nothing.
 * @example
 * chooseNotebooks(["00 start here", "01 response tuning"], "1"); // ["01 response tuning"]
 */
export function chooseNotebooks(names: readonly string[], only: string | undefined): string[] {
  if (only === undefined) return [...names];
  const wanted = only.split(",").map((word) => word.trim().toLowerCase()).filter(Boolean);
  const matches = (name: string, word: string) => {
    const [number = "", ...rest] = name.toLowerCase().split(" ");
    if (/^\d+$/.test(word)) return Number(number) === Number(word) && /^\d+$/.test(number);
    return name.toLowerCase().startsWith(word) || rest.join(" ").startsWith(word);
  };
  const unknown = wanted.find((word) => !names.some((name) => matches(name, word)));
  if (unknown !== undefined || wanted.length === 0) {
    throw new Error(
      `Expected one of these notebooks but found "${unknown ?? only}":\n` +
        names.map((name) => `  ${name}`).join("\n"),
    );
  }
  return names.filter((name) => wanted.some((word) => matches(name, word)));
}

/** Seconds a cell took when it last ran, as recorded in it; 0 if never. */
export function recordedSeconds(cell: Cell): number {
  const times = cell.metadata.execution as Record<string, unknown> | undefined;
  const start = Date.parse(String(times?.["iopub.execute_input"]));
  const end = Date.parse(String(times?.["shell.execute_reply"]));
  return Number.isFinite(end - start) ? Math.max(0, (end - start) / 1000) : 0;
}

/**
 * Reckons the time left from the times recorded in the notebooks, corrected by how this run compares
 * with them so far. It is told which cell has begun, and which notebook is done.
 */
export function paceOf(notebooks: ReadonlyMap<string, Notebook>) {
  const seconds = (cells: readonly Cell[] = []) =>
    cells.reduce((sum, cell) => sum + recordedSeconds(cell), 0);
  const cellsOf = (name: string) => notebooks.get(name)?.cells;
  const total = [...notebooks.values()].reduce((sum, { cells }) => sum + seconds(cells), 0);
  const started = Date.now();
  const passed = new Map<string, number>();
  return {
    begin(notebook: string, index: number): void {
      passed.set(notebook, seconds(cellsOf(notebook)?.slice(0, index)));
    },
    end(notebook: string): void {
      passed.set(notebook, seconds(cellsOf(notebook)));
    },
    /** Seconds left, or null while there is nothing to go by. */
    left(): number | null {
      if (total === 0) return null;
      const elapsed = (Date.now() - started) / 1000;
      const done = [...passed.values()].reduce((sum, one) => sum + one, 0);
      // Half a minute of faith in the record keeps the first guesses from jumping.
      const ratio = (elapsed + 30) / (done + 30);
      return Math.max(0, (total - done) * Math.min(5, ratio));
    },
  };
}

/** Reads several notebooks of a folder. */
export async function readNotebooks(
  folder: string,
  names: readonly string[],
): Promise<Map<string, Notebook>> {
  const read = async (name: string) =>
    [name, await readNotebook(join(folder, `${name}.ipynb`))] as const;
  return new Map(await Promise.all(names.map(read)));
}
