/**
 * The twenty-three questions, what the studies answer, and how a notebook shows it: a sentence with how
 * sure it is, and what was expected beside what came out. Every study has its findings in a file of its
 * own; no answer is typed here.
 */
import { showMarkdown, showTable } from "@implicit/notebook";
import { type Finding, type Found, NotComputed } from "./finding.ts";
import { adapterFindings } from "./findings/adapters.ts";
import { mechanismFindings } from "./findings/mechanism.ts";
import { narrowFindings } from "./findings/narrow.ts";
import { amountFindings } from "./findings/amounts.ts";
import { noveltyFindings } from "./findings/novelty.ts";
import { pretrainingFindings } from "./findings/pretraining.ts";
import { sizeFindings } from "./findings/sizes.ts";
import type { CellResult } from "./grid.ts";
import { studyNamed } from "./studies.ts";

/** The paper's open questions, 1 to 20, and three checks: 21 to 23. */
export const questions: Readonly<Record<number, string>> = {
  1: "Do models that were tuned implicitly and explicitly differ inside?",
  2: "What in pretraining makes implicit tuning possible?",
  3: "What in the responses makes response tuning work?",
  4: "What is the smallest set of rules?",
  5: "Does the form of the chat template matter?",
  6: "Do implicit and explicit tuning add up?",
  7: "Does it depend on the size of the base?",
  8: "Does a base that ranks responses well follow instructions well after tuning?",
  9: "Which single tasks generalise to which instructions?",
  10: "How does following grow with the complexity of rules?",
  11: "How do rules compare with small trained adapters?",
  12: "Why does chess fail?",
  13: "Does the tie between likeness and style hold in other architectures?",
  14: "How does following change along tuning?",
  15: "Does it hold for other model families?",
  16: "Who complies with forbidden requests, and what brings refusals back?",
  17: "Can one predict, before tuning, how well a data set will do?",
  18: "Are right answers remembered or made?",
  19: "Do implicitly tuned models follow instructions of a kind that was never seen?",
  20: "Is implicit tuning a re-weighting of what the base already has?",
  21: "Check: does a base without answered requests in its pretraining fail?",
  22: "Check: how many bits must an adaptation carry?",
  23: "Check: does Figure 5 look alike for every size and family?",
};

/** What the studies say, question by question; a question may be answered by several. */
export const answers: readonly Finding[] = [
  ...pretrainingFindings,
  ...sizeFindings,
  ...amountFindings,
  ...noveltyFindings,
  ...adapterFindings,
  ...narrowFindings,
  ...mechanismFindings,
].sort((a, b) => a.number - b.number);

/** An interval over fewer bases is too narrow for an answer to be clear. */
const FEWEST_BASES = 3;

/** The bases of the cell that has the fewest, or of all cells. */
function fewestBases(cells: readonly CellResult[]): number {
  const bases = new Map<string, Set<string>>();
  for (const { factors, base } of cells) {
    const cell = JSON.stringify(factors);
    bases.set(cell, (bases.get(cell) ?? new Set()).add(base));
  }
  return [...bases.values()].reduce((fewest, { size }) => Math.min(fewest, size), Infinity);
}

/**
 * What came out of a question, or that it has not been computed. While some cell has fewer than three
 * bases no answer is clear.
 */
export function answerOf(finding: Finding, cells: readonly CellResult[]): Found {
  try {
    const found = finding.find(cells);
    const isEarly = found.sure === "clear" && fewestBases(cells) < FEWEST_BASES;
    return isEarly ? { ...found, sure: "likely" } : found;
  } catch (error) {
    if (!(error instanceof NotComputed)) throw error;
    return { sentence: `Not answered yet: ${error.message}`, sure: "open" };
  }
}

/**
 * Shows a study's answer to a question, a sentence made from its cells, and how sure it is.
 *
 * @throws if the study does not answer the question.
 * @example
 * ```ts
 * await showAnswer(16, "forbidden", cells);
 * ```
 */
export async function showAnswer(
  number: number,
  study: string,
  cells: readonly CellResult[],
): Promise<void> {
  const finding = answers.find((one) => one.number === number && one.study === study);
  if (!finding) {
    const known = answers.map((one) => `${one.number} (${one.study})`).join(", ");
    throw new Error(
      `Expected a question that ${study} answers, among ${known}, but found ${number}.`,
    );
  }
  const { sentence, sure } = answerOf(finding, cells);
  await showMarkdown(`**Question ${number}. ${questions[number]}** ${sentence} *(${sure})*`);
}

/** What was expected of a study, what would contradict it, and what came out, as rows of a table. */
export function expectedRows(
  study: string,
  cells: readonly CellResult[] = [],
): { what: string; text: string }[] {
  const { question, expected, contradicted } = studyNamed(study);
  const found = cells.length === 0 ? [] : answers.filter((one) => one.study === study).map(
    (finding) => {
      const { sentence, sure } = answerOf(finding, cells);
      return { what: `came out (question ${finding.number})`, text: `${sentence} (${sure})` };
    },
  );
  return [
    { what: "asked", text: question },
    { what: "expected", text: expected },
    { what: "would contradict it", text: contradicted },
    ...found,
  ];
}

/**
 * Shows what was expected of a study before anybody looked, and, with its cells, what came out.
 *
 * @example
 * ```ts
 * await showExpected("forbidden");        // before
 * await showExpected("forbidden", cells); // after
 * ```
 */
export async function showExpected(
  study: string,
  cells: readonly CellResult[] = [],
): Promise<void> {
  await showTable(expectedRows(study, cells), { caption: study });
}
