/**
 * What a reader of a notebook should have seen, as Markdown: every claim that the rows decide, in a
 * sentence with its numbers. Nothing in it is typed by hand: other rows, other sentences.
 */
import { paperRows, type ResultRow } from "./results.ts";
import { verdicts } from "./verdicts.ts";

/**
 * The findings of these rows, a sentence a claim, those that do not hold here said to be so.
 *
 * @param rows rows of `compareArms`, `rankingRows` or `similarityRows`, of one base or more
 * @example
 * ```ts
 * await showMarkdown(await findings(rows));
 * ```
 */
export async function findings(rows: readonly ResultRow[]): Promise<string> {
  const all = verdicts(rows, await paperRows()).filter(({ holds }) => holds !== null);
  const parts = [...new Set(rows.map(({ model }) => model))].flatMap((model) => {
    const lines = all.filter((one) => one.model === model).map(({ holds, finding }) =>
      `- ${holds ? "**Holds.**" : "**Does not hold here.**"} ${finding}`
    );
    if (lines.length === 0) return [];
    const own = rows.filter((row) => row.model === model && row.seed !== null);
    const seeds = new Set(own.map(({ seed }) => seed)).size;
    const counted = ["", ", 1 seed"][seeds] ?? `, ${seeds} seeds`; // a correlation's row has none
    return `**What you should have seen** (${model}${counted}):\n\n${lines.join("\n")}`;
  });
  if (parts.length === 0) return "These rows decide none of the claims.";
  return `${parts.join("\n\n")}\n\nIn brackets the 95 % interval over seeds and instructions, in ` +
    "parentheses the paper's number.";
}
