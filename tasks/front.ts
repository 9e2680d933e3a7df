/** What the report and the site have in common: their first screen and their chapters, from results. */
import { existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import {
  type Chapter,
  chaptersOf,
  forestSvg,
  type Front,
  layOut,
  markdownChapter,
  tableHtml,
} from "@implicit/notebook";
import {
  paperRows,
  projectRoot,
  provenance,
  type ResultRow,
  resultsPage,
  storyOf,
  summaryRows,
} from "implicit/tasks";

/** Where `deno task page` puts the laboratory as one file, in the report's folder. */
export const LAB = "lab/lab.html";

/**
 * The first screen.
 *
 * @param given.form says what the reader holds: one file, or pages.
 * @param given.lab where the laboratory as one file lies (`deno task page`), if it was built: it is
 *   loaded when the reader unfolds it.
 */
export async function frontOf(
  rows: readonly ResultRow[],
  { date, form, lab }: { date: string; form: string; lab: string | null },
): Promise<Front> {
  const story = storyOf(rows, await paperRows());
  const bases = [...new Set(rows.map(({ model }) => model))].sort();
  const seeds = new Set(rows.flatMap(({ seed }) => seed ?? [])).size;
  const list = Object.entries(rows[0]?.versions ?? {}).map((pair) => pair.join(" ")).join(", ");
  const lead = `What does an adaptation have to teach a pretrained language model before it follows
instructions? Surprisingly little, found Hewitt, Liu, Liang and Manning
([2024](https://arxiv.org/abs/2409.14254)): responses without instructions will do, one narrow task,
or three rules written by hand.

- **What this is**: their experiments, run again in miniature, as a course. ${form}
- **For whom**: students and teachers of language models, and researchers who want to change a line
  and see what happens. Each chapter says what it asks; the code stands behind a fold.
- **With what**: an invented world, small Llamas pretrained on its pages (${
    bases.join(", ")
  }), exact
  checkers as the judge. Run on ${date} with ${seeds} ${
    seeds === 1 ? "seed" : "seeds"
  } a base; ${list}.`;
  return {
    title: "Instruction following without instruction tuning",
    lead: rows.length === 0 ? "No results yet." : lead,
    ...(lab === null ? {} : { frame: { address: lab, title: "Try the experiments yourself" } }),
    ...(story
      ? {
        figure: {
          wide: forestSvg(story, { theme: "page" }),
          narrow: forestSvg(story, { theme: "page", width: 358 }),
        },
      }
      : {}),
  };
}

/** The results, how to teach with them, the executed notebooks in a folder, and the glossary. */
export async function courseChapters(
  executed: string,
  rows: readonly ResultRow[],
  date: string,
): Promise<Chapter[]> {
  const prose = async (file: string) => {
    const path = join(projectRoot(), "notebooks", file);
    return existsSync(path) ? [markdownChapter(file, await readFile(path, "utf8"))] : [];
  };
  const origin = rows.length === 0 ? "" : provenance(rows, date);
  const tables = markdownChapter(
    "results.md",
    `# Results\n\n${await resultsPage(rows)}\n\n${origin}`,
  );
  const all = rows.length === 0 ? "" : tableHtml(await layOut(summaryRows(rows)));
  const folded = all && `<details><summary>every number</summary>${all}</details>`;
  return [
    { ...tables, body: tables.body + folded },
    ...await prose("README.md"),
    ...await chaptersOf(executed),
    ...await prose("glossary.md"),
  ];
}
