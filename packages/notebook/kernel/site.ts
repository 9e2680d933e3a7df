/**
 * Chapters → a folder that any static host serves: a front page, a page a chapter with the way to the
 * one before and the one after, and plotly once, as a file beside them.
 *
 * Knows pages and the links between them. It does not know what the chapters are about.
 */
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { escapeHtml } from "../show/display.ts";
import { plotlySource } from "../show/svg.ts";
import { type Chapter, leadHtml, withLinks } from "./chapter.ts";
import { type Front, frontHtml, pageHtml } from "./page.ts";
import { writeWhole } from "./write.ts";

const PLOTLY = "plotly.js";

/**
 * Writes the site into a folder.
 *
 * @throws listing links that lead nowhere.
 * @returns each file's name and its size in bytes.
 * @example await writeSite("report/site", { title: "A study" }, await chaptersOf("report"));
 */
export async function writeSite(
  folder: string,
  front: Front,
  chapters: readonly Chapter[],
): Promise<Map<string, number>> {
  const files = renderSite(front, chapters, await plotlySource());
  const broken = brokenLinks(files);
  if (broken.length > 0) {
    throw new Error(`Expected every link to lead somewhere but found ${broken.join(", ")}.`);
  }
  await mkdir(folder, { recursive: true });
  for (const [name, text] of files) await writeWhole(join(folder, name), text);
  return new Map([...files].map(([name, text]) => [name, new TextEncoder().encode(text).length]));
}

/** The site's files, by name. */
export function renderSite(
  front: Front,
  chapters: readonly Chapter[],
  plotly: string,
): Map<string, string> {
  const place = ({ id }: Chapter, heading: string) => `${id}.html${heading && `#${heading}`}`;
  const script = `<script src="${PLOTLY}"></script>`;
  const link = (chapter: Chapter | undefined, before: string, after: string) =>
    chapter
      ? `<a href="${place(chapter, "")}">${before}${escapeHtml(chapter.title)}${after}</a>`
      : `<span></span>`;
  const pages = chapters.map((chapter, i): [string, string] => {
    const way = `<nav class="way">${link(chapters[i - 1], "← ", "")}` +
      `<a href="index.html">contents</a>${link(chapters[i + 1], "", " →")}</nav>`;
    const body = `${way}\n<main>${withLinks(chapter, chapters, place)}</main>\n${way}`;
    return [`${chapter.id}.html`, pageHtml(`${chapter.title} · ${front.title}`, body, script)];
  });
  const lead = { id: "lead", body: front.lead ? leadHtml(front.lead) : "" };
  const contents = chapters.map((chapter) => `<li>${link(chapter, "", "")}</li>`).join("");
  const index = `${frontHtml(front, withLinks(lead, chapters, place))}
<nav><h2>Contents</h2><ul>${contents}</ul></nav>`;
  return new Map([
    ["index.html", pageHtml(front.title, index, script)],
    ...pages,
    [PLOTLY, plotly],
  ]);
}

/** Links and scripts of pages that lead to no file of theirs or no place in it, as "page: address". */
export function brokenLinks(files: ReadonlyMap<string, string>): string[] {
  return [...files].flatMap(([page, text]) =>
    [...text.matchAll(/<(?:a href|script src)="([^"]*)"/g)].map(([, address]) => address!)
      .filter((address) => {
        if (/^https?:/.test(address)) return false;
        const [file, place] = address.split("#");
        const target = files.get(file || page);
        return target === undefined || (place !== undefined && !target.includes(` id="${place}"`));
      })
      .map((address) => `${page}: ${address}`)
  );
}
