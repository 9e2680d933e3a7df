/**
 * The results of a whole reproduction: lines appended by the notebooks → one row for each number →
 * the table on top of the report. Knows rows and their keys, nothing of drawing or notebooks.
 */
import { appendFile, mkdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { z } from "zod";
import { paperRows, type ResultRow } from "./results.ts";
import type { Settings } from "./settings.ts";
import { claimsSection, paperTables } from "./tables.ts";

/**
 * Keeps rows that have a section of the paper: appends them to `results.jsonl` in the folder of the
 * task that runs the notebook. Where no task does (`IMPLICIT_OUT` is not set), nothing is kept.
 *
 * @example
 * ```ts
 * await record(study, await compareArms(study, "4.1", list, arms.instructionTuning));
 * ```
 */
export async function record(
  { settings }: { readonly settings: Pick<Settings, "out"> },
  rows: readonly ResultRow[],
): Promise<void> {
  const lines = rows.filter(({ section }) => section !== null)
    .map((row) => JSON.stringify(row) + "\n");
  if (settings.out === null || lines.length === 0) return;
  await mkdir(settings.out, { recursive: true });
  await appendFile(join(settings.out, "results.jsonl"), lines.join(""));
}

/**
 * Reads the rows that notebooks appended to `results.jsonl`; of a number recorded twice, the later
 * one counts. No file means no rows yet; a line that is no row, as a kill or a full disk leaves it,
 * is left out with a warning.
 *
 * @param from where to begin, in bytes: what was appended since the file was so long.
 * @example
 * ```ts
 * const rows = await readResults("report/results.jsonl");
 * ```
 */
export async function readResults(path: string, from = 0): Promise<ResultRow[]> {
  let text: string;
  try {
    text = (await readFile(path)).subarray(from).toString();
  } catch (error) {
    if ((error as { code?: string }).code === "ENOENT") return [];
    throw error;
  }
  const rows = new Map<string, ResultRow>();
  for (const [i, line] of text.split("\n").entries()) {
    if (line.trim() === "") continue;
    const row = parseRow(line);
    if (!row) {
      console.warn(`Line ${i + 1} of ${path} is no result: left out. Run its notebook again.`);
      continue;
    }
    const key = JSON.stringify([row.section, row.arm, row.model, row.seed, row.metric]);
    rows.delete(key); // the later row also takes the later place
    rows.set(key, row);
  }
  return [...rows.values()];
}

const number = z.number().nullable(); // finite, as zod's numbers are
const rowForm = z.looseObject({
  section: z.string().nullable(),
  arm: z.string(),
  model: z.string(),
  seed: number,
  metric: z.string(),
  value: z.number(),
  low: z.number(),
  high: z.number(),
  sd: number,
  paper: number,
});

function parseRow(line: string): ResultRow | null {
  try {
    const row = JSON.parse(line);
    return rowForm.safeParse(row).success ? row : null;
  } catch {
    return null;
  }
}

/**
 * The report's table: one line for each number over all seeds, in the paper's order, measured
 * beside published.
 */
export function summaryRows(rows: readonly ResultRow[]): Record<string, string | number | null>[] {
  return rows.filter((row) => row.seed === null)
    .toSorted((a, b) => (a.section ?? "").localeCompare(b.section ?? "", "en", { numeric: true }))
    .map((row) => ({
      section: row.section,
      arm: row.arm,
      base: row.model,
      metric: row.metric,
      "measured, %": row.value,
      "95 % interval": `${row.low.toFixed(1)} – ${row.high.toFixed(1)}`,
      "paper, %": row.paper,
    }));
}

/** What stands on top of the report, as Markdown: the paper's tables, and which claims hold. */
export async function resultsPage(rows: readonly ResultRow[]): Promise<string> {
  if (rows.length === 0) return "No results yet.";
  const paper = await paperRows();
  return `${paperTables(rows, paper)}\n\nWhat the paper found:\n\n${claimsSection(rows, paper)}`;
}
