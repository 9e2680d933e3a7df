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
  const measured = new Set(rows.map(({ model }) => model));
  const decided = verdicts(rows, await paperRows())
    .filter(({ model, holds }) => measured.has(model) && holds !== null);
  if (decided.length === 0) return "These rows decide none of the claims.";
  const parts = [...Map.groupBy(decided, ({ model }) => model)].map(([model, own]) => {
    const seeds = new Set(rows.filter((row) => row.model === model).map(({ seed }) => seed));
    seeds.delete(null);
    const lines = own.map(({ holds, finding }) =>
      `- ${holds ? "**Holds.**" : "**Does not hold here.**"} ${finding}`
    );
    return `**What you should have seen** (${model}, ${seeds.size} seed${
      seeds.size === 1 ? "" : "s"
    }):\n\n${lines.join("\n")}`;
  });
  return `${parts.join("\n\n")}\n\nIn brackets the 95 % interval over seeds and instructions, in ` +
    "parentheses the paper's number.";
}
