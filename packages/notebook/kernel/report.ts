/**
 * Chapters → one self-contained page, for a reader who is sent that one file: first what it is, a
 * figure and the contents, then everything, without a single request.
 *
 * Knows the order of a page. It does not know what the chapters are about.
 */
import { join } from "node:path";
import { escapeHtml } from "../show/display.ts";
import { plotlySource } from "../show/svg.ts";
import { type Chapter, leadHtml, notebookChapter, withLinks } from "./chapter.ts";
import { type Front, frontHtml, pageHtml } from "./page.ts";
import { notebookNames, readNotebooks } from "./shelf.ts";
import { writeWhole } from "./write.ts";

/** The executed notebooks of a folder as chapters, in order. */
export async function chaptersOf(folder: string): Promise<Chapter[]> {
  const notebooks = await readNotebooks(folder, await notebookNames(folder));
  return [...notebooks].map(([name, notebook]) => notebookChapter(name, notebook));
}

/**
 * Writes a page, `index.html`, into a folder.
 *
 * @example await writeReport("report", { title: "A study" }, await chaptersOf("report"));
 */
export async function writeReport(
  folder: string,
  front: Front,
  chapters: readonly Chapter[],
): Promise<void> {
  await writeWhole(
    join(folder, "index.html"),
    renderReport(front, chapters, await plotlySource()),
  );
}

/** The page of these chapters; `plotly`, a browser's bundle, makes figures interactive. */
export function renderReport(
  front: Front,
  chapters: readonly Chapter[],
  plotly: string,
): string {
  const place = ({ id }: Chapter, heading: string) => `#${heading || id}`;
  const lead = { id: "lead", body: front.lead ? leadHtml(front.lead) : "" };
  const contents = chapters.map(({ id, title }) =>
    `<li><a href="#${id}">${escapeHtml(title)}</a></li>`
  );
  const sections = chapters.map((chapter) =>
    `<section id="${chapter.id}">${withLinks(chapter, chapters, place)}</section>`
  );
  const body = `${frontHtml(front, withLinks(lead, chapters, place))}
<nav><h2>Contents</h2><ul>${contents.join("")}</ul></nav>
<main>${sections.join("\n")}</main>`;
  return pageHtml(front.title, body, `<script>${plotly}</script>`);
}
