/** Notebooks for tests. */
import type { Cell, Notebook } from "../kernel/notebook.ts";

/** A notebook of these cells; a source that begins with "#" is prose. */
export function notebookOf(...sources: string[]): Notebook {
  const cells = sources.map((source, i): Cell => ({
    cell_type: source.startsWith("#") ? "markdown" : "code",
    id: `c${i}`,
    source,
    metadata: {},
  }));
  return { nbformat: 4, nbformat_minor: 5, metadata: {}, cells };
}
