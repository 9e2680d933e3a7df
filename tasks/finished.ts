/**
 * Which notebooks have run to their end before, as they are now: what they need lies in the cache, so
 * that they may run side by side and nothing is computed twice. Knows nothing of how they run.
 */
import { existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { codeVersion, hashOf } from "@implicit/memo";
import { writeWhole } from "@implicit/notebook";

/**
 * The notebooks of a folder that have finished, by their names without ending.
 *
 * @param cache where that is kept
 * @param root the project, whose library the notebooks use
 * @param settings what else decides what a notebook computes: seeds, base
 * @example
 * const finished = finishedNotebooks("notebooks", ".cache", ".", { seeds: 1 });
 * if (!await finished.has("00 start here")) await finished.add("00 start here");
 */
export function finishedNotebooks(folder: string, cache: string, root: string, settings: object) {
  const code = codeVersion(["lib/mod.ts"], root);
  const markOf = async (name: string) => {
    const notebook = JSON.parse(await readFile(join(folder, `${name}.ipynb`), "utf8"));
    const cells = notebook.cells.map(({ source }: { source: unknown }) => source);
    return join(cache, "finished", hashOf([cells, settings, await code]));
  };
  return {
    has: async (name: string) => existsSync(await markOf(name)),
    add: async (name: string) => await writeWhole(await markOf(name), `${name}\n`),
  };
}
