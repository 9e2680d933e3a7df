/**
 * The front page of the twenty-three questions: a Markdown table with a sentence of answer each, how
 * sure it is, and the notebook that shows it. Made from the shipped results; nothing in it is typed.
 */
import { notebookNames } from "@implicit/notebook";
import { markdownTable } from "../study/tables.ts";
import { answerOf, answers, questions } from "./answers.ts";
import type { Found } from "./finding.ts";
import { keptResults } from "./kept.ts";

/** The questions that a notebook answers, by the number before its title. */
export function questionsOf(notebook: string): number[] {
  const found = answers.filter((one) => one.notebook === notebook).map(({ number }) => number);
  return [...new Set(found)];
}

/** An answer as a row has it. */
export interface AnswerRow extends Found {
  readonly number: number;
  readonly notebook: string;
}

/** What the shipped results say, one row an answer; questions that have none are open. */
export async function answerRows(): Promise<AnswerRow[]> {
  const open: Found = { sentence: "Not answered yet.", sure: "open" };
  const rows = Object.keys(questions).map(async (key) => {
    const number = Number(key);
    const found = answers.filter((one) => one.number === number).map(async (finding) => {
      const kept = await keptResults(finding.study).catch(() => null);
      const answer = kept ? answerOf(finding, kept.cells) : open;
      return { ...answer, number, notebook: finding.notebook };
    });
    return found.length === 0 ? [{ ...open, number, notebook: "" }] : await Promise.all(found);
  });
  return (await Promise.all(rows)).flat();
}

/**
 * The table.
 *
 * @param folder where the notebooks lie
 * @param prefix of the links to them: "" for a page beside them
 */
export async function answersTable(folder: string, prefix = ""): Promise<string> {
  const names = await notebookNames(folder);
  const link = (notebook: string) => {
    const name = names.find((name) => name.startsWith(`${notebook} `));
    return name ? `[${notebook}](${prefix}${encodeURIComponent(name)}.ipynb)` : notebook;
  };
  const rows = (await answerRows()).map(({ number, sentence, sure, notebook }, i, all) => {
    const again = all[i - 1]?.number === number;
    return [again ? "" : number, again ? "" : questions[number]!, sentence, sure, link(notebook)];
  });
  return markdownTable(["", "question", "answer", "sure", "notebook"], rows);
}
