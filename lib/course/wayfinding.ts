/**
 * Where a reader stands in the course: two Markdown cells of each notebook, the second and the last,
 * with the notebooks before and after, the paper's section, what is needed, how long it takes and
 * the words that are new. Written whole from the notebooks' order and titles, the glossary and
 * measured times; knows nothing of what the other cells say, and leaves them byte for byte.
 */
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { duration, notebookNames, writeWhole } from "@implicit/notebook";
import { questionsOf } from "../answers/answers_table.ts";
import { type Cost, markdownTable } from "../study/tables.ts";
import { anchorOf, glossaryTerms, type Term } from "./glossary.ts";

/** A cell as nbformat has it, as far as it is read here. */
interface Cell {
  readonly cell_type: string;
  readonly id?: string;
  readonly source: readonly string[] | string;
}

interface Course {
  /** Names without ending, in order, and titles as the notebooks' first headings have them. */
  readonly notebooks: readonly { readonly name: string; readonly title: string }[];
  readonly terms: readonly Term[];
  readonly costs: readonly Cost[];
}

/** The paper's sections by a notebook's number: what they are called, and where they begin. */
const SECTIONS: Readonly<Record<string, readonly (readonly [string, string])[]>> = {
  "00": [["§1", "S1"]],
  "01": [["§4.1, Table 1", "S4.SS1"]],
  "02": [["§4.2, Table 2", "S4.SS2"]],
  "03": [["Appendix B, Table 5", "A2"], ["Appendix C, Table 6", "A3"]],
  "04": [["§5.1, Table 3", "S5.SS1"]],
  "05": [["§5.2, Figure 5", "S5.SS2"]],
  "06": [["§6, Table 4", "S6"]],
};
const PAPER = "https://arxiv.org/html/2409.14254v1";

/** What a notebook shares with one before it: kept there, it is not made again. */
const SHARED: Readonly<Record<string, readonly [shared: string, notebook: string]>> = {
  "01": ["its first seed of three arms", "00"],
  "02": ["its tuned models", "01"],
  "03": ["instruction tuning, response tuning and the base", "01"],
  "04": ["instruction tuning and the base", "01"],
  "05": ["the single tasks", "04"],
  "06": ["instruction tuning and the base", "01"],
  "07": ["instruction tuning and response tuning", "01"],
};

/** The two cells' text for one notebook of the course. */
export function wayfinding(course: Course, name: string): { opening: string; closing: string } {
  const { notebooks, terms } = course;
  const place = notebooks.findIndex((notebook) => notebook.name === name);
  const link = (of: Course["notebooks"][number] | undefined, before = "", after = "") =>
    of ? [`[${before}${of.title}${after}](${encodeURIComponent(of.name)}.ipynb)`] : [];
  const previous = link(notebooks[place - 1], "← ");
  const next = link(notebooks[place + 1], "", " →");
  const sections = sectionsOf(name);
  const shared = SHARED[number(name)];
  const other = shared && notebooks.find((notebook) => number(notebook.name) === shared[1]);
  const needs = shared && other
    ? `no other notebook; ${shared[0]} are those of ${
      link(other)
    }, made here where they are not kept`
    : "nothing but the project";
  const open = questionsOf(number(name));
  const words = terms.filter(({ notebook }) => notebook === name)
    .map(({ term }) => `[${term}](glossary.md#${anchorOf(term)})`);
  const items = [
    ...(sections === "" ? [] : [`**In the paper**: ${sections}`]),
    ...(open.length === 0 ? [] : [`**Answers** ${questionLinks(open)}`]),
    `**Needs** ${open.length === 0 ? needs : "nothing but the shipped results of its studies"}`,
    `**Takes** ${open.length === 0 ? times(course.costs, name) : "a minute or two"}`,
    ...(words.length > 0 ? [`**New words**: ${words.join(", ")}`] : []),
  ];
  const all = "[all notebooks](README.md)", glossary = "[glossary](glossary.md)";
  const list = items.map((item) => filled(item, "  ").replace(/^ /, "-")).join("\n");
  return {
    opening: `${filled([...previous, glossary, ...next].join(" · "))}\n\n${list}`,
    closing: filled([...previous, all, glossary, ...next].join(" · ")),
  };
}

const number = (name: string) => name.split(" ", 1)[0]!;

/** "questions 16 and 18 of the twenty-three", which stand on the notebooks' front page. */
function questionLinks(numbers: readonly number[]): string {
  const last = numbers.at(-1)!;
  const list = numbers.length === 1
    ? `question ${last}`
    : `questions ${numbers.slice(0, -1).join(", ")} and ${last}`;
  return `${list} of [the twenty-three](README.md#twenty-three-questions)`;
}

/** Links to what a notebook reproduces; empty where it is not in the paper. */
function sectionsOf(name: string): string {
  return (SECTIONS[number(name)] ?? [])
    .map(([section, anchor]) => `[${section}](${PAPER}#${anchor})`).join(", ");
}

/** The costs of reproductions that began with nothing kept, few seeds first. */
const firstRuns = (costs: readonly Cost[]) =>
  costs.filter(({ cold, each }) => cold && each).toSorted((a, b) => a.seeds - b.seeds);

/** The notebooks of a course as a Markdown table: links, sections, and what a first run takes. */
function tableOf({ notebooks, costs }: Course): string {
  const runs = firstRuns(costs);
  const rows = notebooks.map(({ name, title }) => [
    `[${title}](${encodeURIComponent(name)}.ipynb)`,
    sectionsOf(name),
    ...runs.map(({ each }) => each![name] === undefined ? "" : duration(each![name])),
  ]);
  const heads = runs.map(({ seeds, cores, processor, date }) =>
    `${inSeeds(seeds)}, ${cores} × ${processor}, ${date}`
  );
  const all = ["**all**", "", ...runs.map(({ each }) => `**${duration(sum(each!))}**`)];
  return markdownTable(["notebook", "in the paper", ...heads], [...rows, all]);
}

const sum = (each: NonNullable<Cost["each"]>) => Object.values(each).reduce((a, b) => a + b, 0);
const inSeeds = (seeds: number) => `${seeds} ${seeds === 1 ? "seed" : "seeds"}`;

/** How long a notebook took where nothing was kept, by the costs that know it. */
function times(costs: readonly Cost[], name: string): string {
  const first = firstRuns(costs).filter(({ each }) => each![name] !== undefined);
  if (first.length === 0) return "a time that was not measured yet";
  const parts = first.map(({ each, seeds, cores, processor, date }) =>
    `${duration(each![name]!)} with ${inSeeds(seeds)} (${cores} × ${processor}, ${date})`
  );
  return `${parts.join(", ")}; seconds when its runs are kept`;
}

/** Text in lines of at most 100 characters, as `deno fmt` breaks them: a link stays whole. */
function filled(text: string, indent = ""): string {
  const lines = [indent];
  for (const word of text.match(/(?:\[[^\]]*\]\([^)]*\)|\S)+/g)!) {
    const line = lines.at(-1)!;
    const longer = line.trim() === "" ? line + word : `${line} ${word}`;
    if (longer.length <= 100 || line.trim() === "") lines[lines.length - 1] = longer;
    else lines.push(indent + word);
  }
  return lines.join("\n");
}

/** A notebook's text with its two cells as they should be; the rest of it stays as it is. */
export function withWayfinding(course: Course, name: string, text: string): string {
  const notebook = JSON.parse(text) as { cells: Cell[] };
  const { opening, closing } = wayfinding(course, name);
  const rest = notebook.cells.filter(({ id }) => id !== "wayfinding" && id !== "wayfinding-end");
  const cell = (id: string, source: string) => ({
    cell_type: "markdown",
    id,
    metadata: {},
    source: source.split(/(?<=\n)/),
  });
  const cells = [
    ...rest.slice(0, 1),
    cell("wayfinding", opening),
    ...rest.slice(1),
    cell("wayfinding-end", closing),
  ];
  return JSON.stringify({ ...notebook, cells }, null, 1) + "\n";
}

/** What a folder's notebooks and its glossary say of the course. */
async function readCourse(folder: string, costs: readonly Cost[]): Promise<Course> {
  const names = await notebookNames(folder);
  const notebooks = await Promise.all(
    names.map(async (name) => ({ name, title: titleOf(name, await readText(folder, name)) })),
  );
  const terms = glossaryTerms(await readFile(join(folder, "glossary.md"), "utf8"));
  return { notebooks, terms, costs };
}

const readText = (folder: string, name: string) => readFile(join(folder, `${name}.ipynb`), "utf8");

/**
 * The notebooks of a folder with their wayfinding as it should be, by name.
 *
 * @param costs what reproductions took; those that began with nothing kept tell a notebook's time.
 * @throws if a notebook has no title, or the glossary beside them a term without its notebook.
 * @example
 * ```ts
 * for (const [name, text] of await courseTexts("notebooks", costs)) { … }
 * ```
 */
export async function courseTexts(
  folder: string,
  costs: readonly Cost[],
): Promise<Map<string, string>> {
  const course = await readCourse(folder, costs);
  const texts = course.notebooks.map(async ({ name }) =>
    [name, withWayfinding(course, name, await readText(folder, name))] as const
  );
  return new Map(await Promise.all(texts));
}

/**
 * The notebooks of a folder as a Markdown table: links, sections of the paper, first times.
 *
 * @throws as {@link courseTexts} does.
 */
export async function courseTable(folder: string, costs: readonly Cost[]): Promise<string> {
  return tableOf(await readCourse(folder, costs));
}

/** Writes the wayfinding of a folder's notebooks where it is not as it should be. */
export async function writeWayfinding(folder: string, costs: readonly Cost[]): Promise<void> {
  for (const [name, text] of await courseTexts(folder, costs)) {
    const path = join(folder, `${name}.ipynb`);
    if (text !== await readText(folder, name)) await writeWhole(path, text);
  }
}

function titleOf(name: string, text: string): string {
  const { cells } = JSON.parse(text) as { cells: Cell[] };
  const title = /^# (.+)$/m.exec([cells[0]?.source].flat().join(""))?.[1];
  if (title === undefined) {
    throw new Error(`Expected "${name}" to open with a heading, "# 04 · Title", but found none.`);
  }
  return title.trim();
}
