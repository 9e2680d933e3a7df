/**
 * An executed notebook, or a page of Markdown, as a chapter: HTML of its prose, pictures and tables,
 * with the code behind a fold.
 *
 * Knows notebooks, Markdown and HTML. It does not know on which page a chapter stands; where links
 * between chapters lead is said by whoever lays them out.
 */
import { stripVTControlCharacters as plain } from "node:util";
import { Marked, type TokenizerAndRendererExtension } from "marked";
import temml from "temml";
import { escapeHtml } from "../show/display.ts";
import { leadsOn } from "../show/markdown.ts";
import type { Cell, Notebook, Output } from "./notebook.ts";

export interface Chapter {
  /** Its name in addresses: small letters, digits and dashes. */
  readonly id: string;
  /** The file that links to it name. */
  readonly file: string;
  readonly title: string;
  /** Its HTML; links are as they were written. */
  readonly body: string;
}

/** An executed notebook as a chapter. */
export function notebookChapter(name: string, { cells }: Notebook): Chapter {
  const id = slug(name);
  const titles = cells.filter(({ cell_type }) => cell_type === "markdown").map(titleOf);
  const body = cells.map((cell, i) => renderCell(cell, `${id}-${i + 1}`, id)).join("\n");
  return { id, file: `${name}.ipynb`, title: titles.find(Boolean) ?? name, body };
}

/** A page of Markdown as a chapter. `id` is made of the file's name where none is given. */
export function markdownChapter(
  file: string,
  source: string,
  id = slug(file.replace(/\.md$/, "")),
): Chapter {
  return { id, file, title: titleOf({ source }) ?? file, body: renderMarkdown(source, id) };
}

/**
 * HTML with its links led to where chapters stand. A link to any other file beside the chapters has no
 * place to lead to: its words stay.
 *
 * @param place where a chapter stands, and a heading in it.
 */
export function withLinks(
  { id, body }: Pick<Chapter, "id" | "body">,
  chapters: readonly Chapter[],
  place: (chapter: Chapter, heading: string) => string,
): string {
  return body.replace(/<a href="([^"]*)"/g, (link, address: string) => {
    if (/^[a-z][a-z0-9+.-]*:/i.test(address)) return link;
    const [path = "", heading = ""] = address.split("#");
    const file = decoded(path).replace(/^(\.\/|(\.\.\/)?notebooks\/)/, "");
    const chapter = path === ""
      ? chapters.find((one) => one.id === id)
      : chapters.find((one) => one.file === file);
    if (!chapter) return "<a";
    return `<a href="${place(chapter, heading && `${chapter.id}-${slug(decoded(heading))}`)}"`;
  });
}

function decoded(path: string): string {
  try {
    return decodeURIComponent(path);
  } catch {
    return path;
  }
}

function titleOf({ source }: Pick<Cell, "source">): string | undefined {
  return /^# +(.+)$/m.exec(source)?.[1]?.replace(/[*_`]/g, "");
}

function slug(name: string): string {
  return name.toLowerCase().replace(/[^\p{L}\p{N}]+/gu, "-").replace(/^-|-$/g, "");
}

function renderCell(cell: Cell, place: string, chapter: string): string {
  const { cell_type, source, outputs = [] } = cell;
  if (cell_type === "markdown") return renderMarkdown(source, chapter, cell.attachments);
  if (cell_type === "raw" || source.trim() === "") return "";
  const code = `<pre><code>${escapeHtml(source)}</code></pre>`;
  return `<details><summary>code</summary>${code}</details>` +
    outputs.map((output, i) => renderOutput(output, `${place}-${i + 1}`)).join("");
}

function renderOutput(output: Output, place: string): string {
  switch (output.output_type) {
    case "stream":
      return `<pre class="${output.name === "stderr" ? "stderr" : "stdout"}">` +
        `${escapeHtml(plain(output.text))}</pre>`;
    case "error": {
      const text = output.traceback.join("\n") || `${output.ename}: ${output.evalue}`;
      return `<pre class="error">${escapeHtml(plain(text))}</pre>`;
    }
    default: {
      const { data } = output;
      const figure = data["application/vnd.plotly.v1+json"];
      const svg = data["image/svg+xml"];
      if (figure !== undefined && typeof svg === "string") {
        return `<div class="implicit-figure figure">${unique(svg, place)}` +
          `<script type="application/json">${inScript(figure)}</script></div>`;
      }
      if (typeof svg === "string") return `<div class="implicit-figure">${svg}</div>`;
      if (typeof data["text/html"] === "string") {
        return `<div class="box">${data["text/html"]}</div>`;
      }
      const image = Object.keys(data).find((type) => /^image\/(png|jpeg|gif|webp)$/.test(type));
      if (image) return `<img alt="" src="${dataUrl(image, data[image])}">`;
      if (typeof data["text/markdown"] === "string") {
        return renderMarkdown(data["text/markdown"], place);
      }
      const json = data["application/json"];
      const text = json === undefined ? data["text/plain"] ?? "" : JSON.stringify(json, null, 2);
      return `<pre class="stdout">${escapeHtml(plain(String(text)))}</pre>`;
    }
  }
}

/** JSON that may stand in a script. */
const inScript = (value: unknown) => JSON.stringify(value).replaceAll("<", "\\u003c");

/** A picture within the page; its content is base64, which may stand in lines. */
const dataUrl = (type: string, content: unknown) =>
  `data:${type};base64,${String(content).replace(/[^A-Za-z0-9+/=]/g, "")}`;

/** Several SVGs in one page must not share ids. */
function unique(svg: string, place: string): string {
  return svg.replace(/\bid="/g, `id="${place}-`).replace(/url\(#/g, `url(#${place}-`)
    .replace(/url\('#/g, `url('#${place}-`).replace(/href="#/g, `href="#${place}-`);
}

/** $…$ and $$…$$ become MathML, which browsers draw by themselves; "$5 or $6" stays text. */
const formula: TokenizerAndRendererExtension = {
  name: "formula",
  level: "inline",
  start: (source) => source.indexOf("$"),
  tokenizer(source) {
    const match = /^(\$\$?)(?!\s)((?:\\.|[^$\\])*[^\s$\\])\1(?!\d)/.exec(source);
    return match
      ? { type: "formula", raw: match[0], text: match[2]!, display: match[1] === "$$" }
      : undefined;
  },
  renderer: ({ text, display }) => {
    const math = temml.renderToString(text, { displayMode: display });
    return display ? `<span class="formula">${math}</span>` : math;
  },
};

/** Markdown, formulas and attached pictures included, as HTML; headings' ids begin with the chapter's. */
function renderMarkdown(
  text: string,
  chapter: string,
  attachments: Cell["attachments"] = {},
): string {
  const html = String(markdown.parse(text))
    .replace(/src="attachment:([^"]*)"/g, (src, name) => {
      const found = Object.keys(attachments).find((one) => [one, encodeURI(one)].includes(name));
      const [picture] = Object.entries(attachments[found ?? ""] ?? {});
      return picture ? `src="${dataUrl(escapeHtml(picture[0]), picture[1])}"` : src;
    })
    .replace(/<(h[2-6])>(.*?)<\/\1>/g, (_, tag, words: string) => {
      const id = slug(words.replace(/<[^>]+>|&\S+;/g, ""));
      return `<${tag} id="${chapter}-${id}">${words}</${tag}>`;
    })
    .replace(/<td>(?=-?\d)/g, `<td class="number">`)
    .replace(/<table>[\s\S]*?<\/table>/g, (table) => `<div class="box">${table}</div>`);
  return `<div class="prose">${html}</div>`;
}

/** Of HTML only what folds a hint away is kept, as JupyterLab keeps it; a script is text. */
const markdown = new Marked({
  gfm: true,
  extensions: [formula],
  renderer: {
    html: ({ text }) =>
      escapeHtml(text.replace(/<!--[\s\S]*?-->/g, ""))
        .replace(/&lt;(\/?(?:details|summary))&gt;/g, "<$1>"),
    link({ href, tokens }) {
      const words = this.parser.parseInline(tokens);
      return leadsOn(href) ? `<a href="${escapeHtml(href)}">${words}</a>` : words;
    },
  },
  walkTokens(token) {
    // A page has one title of its own.
    if (token.type === "heading") token.depth = Math.min(6, token.depth + 1);
  },
});

/** Markdown as HTML, without ids: what stands above the chapters. */
export const leadHtml = (text: string): string => renderMarkdown(text, "lead");
