/**
 * Where the judge's tests find real annotations: the folder beside the repository that the project
 * does not ship. For tests alone.
 */
import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";

const folder = fileURLToPath(new URL("../../../shared/testdata/alpaca_eval/", import.meta.url));

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
