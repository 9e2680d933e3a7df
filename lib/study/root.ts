/**
 * Finds the project's folder, so that notebooks, command line and tests see the same data and
 * cache whichever kernel runs them. Knows nothing of what lies in those folders.
 */
import { existsSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import process from "node:process";

/**
 * The folder that holds `deno.json` and `data/`, searched upwards from the working folder
 * (a kernel starts in `notebooks/`, a task in the project's folder).
 *
 * @throws if no parent folder holds both.
 * @example
 * ```ts
 * const paper = join(projectRoot(), "data", "paper.json");
 * ```
 */
export function projectRoot(from: string = process.cwd()): string {
  let folder = resolve(from);
  while (!(existsSync(join(folder, "deno.json")) && existsSync(join(folder, "data")))) {
    const parent = dirname(folder);
    if (parent === folder) {
      throw new Error(
        `Expected ${from} to lie inside the project (a folder with deno.json and data/), but ` +
          "found neither there nor above: start the notebook or task from the project's folder.",
      );
    }
    folder = parent;
  }
  return folder;
}

/** Where finished runs are kept; `IMPLICIT_CACHE` moves it. */
export function cacheFolder(): string {
  return process.env.IMPLICIT_CACHE ?? join(projectRoot(), ".cache");
}
