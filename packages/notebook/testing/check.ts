/**
 * Type-checks notebooks: a notebook's code cells become one module, which `deno check` reads with
 * the project's settings.
 *
 * Knows where a cell's lines stand in the module, so that a fault names notebook, cell and line. It
 * does not run anything.
 */
import { spawnSync } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { stripVTControlCharacters } from "node:util";
import type { Notebook } from "../kernel/notebook.ts";

/** What is wrong with a notebook's code, and where. */
export interface TypeFault {
  readonly notebook: string;
  /** The cell's place among all cells, counted from 1. */
  readonly cell: number;
  /** The line in the cell, counted from 1. */
  readonly line: number;
  /** What the checker said: "TS2345: Argument of type …". */
  readonly message: string;
}

/**
 * Checks notebooks against what they import.
 *
 * @param notebooks name → notebook.
 * @param folder a folder inside the project, whose deno.json says what bare names mean.
 * @throws when the checker fails for another reason than a fault in a cell.
 * @example
 * const faults = await checkNotebooks(await readNotebooks("notebooks", names), "notebooks");
 */
export async function checkNotebooks(
  notebooks: ReadonlyMap<string, Notebook>,
  folder: string,
): Promise<TypeFault[]> {
  const place = await mkdtemp(join(folder, ".check-"));
  try {
    const modules = [...notebooks].map(([name, notebook], i) => ({
      name,
      file: `${i}.ts`,
      ...moduleOf(notebook),
    }));
    for (const { file, text } of modules) await writeFile(join(place, file), text);
    const files = modules.map(({ file }) => file);
    const { stderr } = spawnSync(Deno.execPath(), ["check", "--no-lock", ...files], {
      cwd: place,
      encoding: "utf8",
    });
    const said = stripVTControlCharacters(stderr);
    const faults = faultsOf(said).map(({ file, line, message }) => {
      const { name, origins } = modules.find((module) => module.file === file)!;
      return { notebook: name, origin: origins[line - 1], message };
    });
    const read = faults.filter(({ origin }) => origin === undefined);
    const found = faults.flatMap(({ origin, ...fault }) => origin ? [{ ...fault, ...origin }] : []);
    if (read.length === modules.length || found.length > 0) return found;
    throw new Error(`Expected "deno check" to read every cell but found: ${said.trim()}`);
  } finally {
    await rm(place, { recursive: true });
  }
}

interface Origin {
  readonly cell: number;
  readonly line: number;
}

/** A fault at every module's end, which shows that the checker came so far. */
const END = "const end: never = 0; export {};";

const IMPORT = /^import\s+(type\s+)?\{([^}]*)\}\s+from\s+("[^"]+");?[ \t]*$/gm;

/**
 * The cells as one module, and where each of its lines came from. What several cells import is
 * imported once, above all of them; every cell stands in the scope of those before it, where it may
 * declare a name again, as kernels allow.
 */
function moduleOf({ cells }: Notebook): { text: string; origins: Origin[] } {
  const imports = new Map<string, Origin>();
  const lines: string[] = [];
  const origins: Origin[] = [];
  let depth = 0;
  for (const [index, { cell_type, source }] of cells.entries()) {
    if (cell_type !== "code") continue;
    const lineAt = (offset: number) => source.slice(0, offset).split("\n").length;
    const rest = source.replaceAll(IMPORT, (statement, type = "", names: string, from, offset) => {
      for (const name of names.split(",").map((name) => name.trim()).filter(Boolean)) {
        const key = `import ${type}{ ${name} } from ${from};`;
        if (!imports.has(key)) imports.set(key, { cell: index + 1, line: lineAt(offset) });
      }
      return statement.replace(/[^\n]/g, "");
    });
    for (const [i, line] of rest.split("\n").entries()) {
      lines.push(i === 0 ? `{ ${line}` : line);
      origins.push({ cell: index + 1, line: i + 1 });
    }
    depth++;
  }
  lines.push("}".repeat(depth) + END);
  return {
    text: [...imports.keys(), ...lines].join("\n"),
    origins: [...imports.values(), ...origins],
  };
}

/** `TS2345 [ERROR]: Argument … at file:///…/0.ts:12:3`, many times over; or one fault of syntax. */
function faultsOf(said: string): { file: string; line: number; message: string }[] {
  return said.split(/^(?=TS\d+ \[ERROR\]: |error: )/m).flatMap((part) => {
    const at = /\bat file:\S*\/(\d+\.ts):(\d+):\d+/.exec(part);
    const message = part.split("\n")[0]!.replace(/ \[ERROR\]|^error: /, "").replace(
      / at file:.*/,
      "",
    );
    return at ? [{ file: at[1]!, line: Number(at[2]), message }] : [];
  });
}
