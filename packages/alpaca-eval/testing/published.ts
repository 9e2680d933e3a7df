/**
 * Where the judge's tests find real annotations: the folder beside the repository that the project
 * does not ship. For tests alone.
 */
import { existsSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import Papa from "papaparse";

const folder = fileURLToPath(new URL("../../../../shared/testdata/alpaca_eval/", import.meta.url));

/** True, and a line that says why, where the folder is absent. */
export const absent = !existsSync(folder);
if (absent) console.log("Skipped: comparisons with published numbers need ../shared/testdata");

export const at = (name: string): string => folder + name;

/** The four judged models. */
export const models = [
  "FuseChat-Llama-3.2-1B-Instruct",
  "alpaca-7b",
  "text_davinci_001",
  "vicuna-7b-v1.5",
] as const;

/** Rows of AlpacaEval's leaderboard: model → column → value; an empty cell is null. */
export function publishedLeaderboard(): Map<string, Record<string, number | string | null>> {
  const text = readFileSync(at("leaderboard_subset.csv"), "utf8");
  const { data } = Papa.parse(text, { header: true, dynamicTyping: true, skipEmptyLines: true });
  const rows = data as Record<string, number | string | null>[];
  return new Map(rows.map((row) => [String(row[""]), row]));
}
