/**
 * Executed notebooks → one self-contained page: prose, pictures, tables, code behind a fold; legible
 * on a phone, light and dark, without a single request.
 *
 * Knows notebooks, Markdown and HTML. It does not know what the notebooks are about.
 */
import { join } from "node:path";
import { stripVTControlCharacters as plain } from "node:util";
import { Marked, type TokenizerAndRendererExtension } from "marked";
import temml from "temml";
import { escapeHtml } from "../show/display.ts";
import { inkStyle } from "../show/figure.ts";
import { plotlySource } from "../show/svg.ts";
import { type Table, tableHtml } from "../show/table.ts";
import type { Cell, Notebook, Output } from "./notebook.ts";
import { notebookNames, readNotebooks } from "./shelf.ts";
import { writeWhole } from "./write.ts";

export interface ReportOptions {
  readonly title: string;
  /** Markdown that stands above the notebooks. */
  readonly lead?: string;
  /** A table below the lead, folded away. */
  readonly table?: Table;
}

/**
 * Makes a page, `index.html`, of the executed notebooks in a folder.
 *
 * @example await writeReport("report", { title: "A study", lead: "Ten notebooks, run last night." });
 */
export async function writeReport(folder: string, options: ReportOptions): Promise<void> {
  const notebooks = await readNotebooks(folder, await notebookNames(folder));
  const page = renderReport(notebooks, options, await plotlySource());
  await writeWhole(join(folder, "index.html"), page);
}

/** The page of these notebooks, by name; `plotly`, a browser's bundle, makes figures interactive. */
export function renderReport(
  notebooks: ReadonlyMap<string, Notebook>,
  options: ReportOptions,
  plotly: string,
): string {
  const { title, lead = "", table } = options;
  const figures: unknown[] = [];
  const bodies = [...notebooks].map(([name, { cells }]) =>
    `<section id="${anchor(name)}">${
      cells.map((cell) => renderCell(cell, figures)).join("\n")
    }</section>`
  );
  const contents = [...notebooks].map(([name, notebook]) =>
    `<li><a href="#${anchor(name)}">${escapeHtml(heading(notebook) ?? name)}</a></li>`
  );
  const numbers = table
    ? `<details><summary>every number</summary><div class="box">${tableHtml(table)}</div></details>`
    : "";
  const scripts = figures.length === 0
    ? ""
    : `<script>${plotly}</script><script>const figures=${inScript(figures)};${drawScript}</script>`;
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>${escapeHtml(title)}</title>
<style>${style}</style>${inkStyle}</head><body>
<header><h1>${escapeHtml(title)}</h1>${lead && renderMarkdown(lead)}${numbers}</header>
<nav><h2>Contents</h2><ul>${contents.join("")}</ul></nav>
<main>${bodies.join("\n")}</main>
${scripts}
</body></html>
`;
}

function renderCell(cell: Cell, figures: unknown[]): string {
  const { cell_type, source, outputs = [] } = cell;
  if (cell_type === "markdown") return renderMarkdown(source, cell.attachments);
  if (cell_type === "raw" || source.trim() === "") return "";
  const code = `<pre><code>${escapeHtml(source)}</code></pre>`;
  return `<details><summary>code</summary>${code}</details>` +
    outputs.map((output) => renderOutput(output, figures)).join("");
}

function renderOutput(output: Output, figures: unknown[]): string {
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
        figures.push(figure);
        return `<div class="implicit-figure figure" data-figure="${figures.length - 1}">` +
          `${unique(svg, figures.length)}</div>`;
      }
      if (typeof svg === "string") return `<div class="implicit-figure">${svg}</div>`;
      if (typeof data["text/html"] === "string") {
        return `<div class="box">${data["text/html"]}</div>`;
      }
      const image = Object.keys(data).find((type) => /^image\/(png|jpeg|gif|webp)$/.test(type));
      if (image) return `<img alt="" src="${dataUrl(image, data[image])}">`;
      if (typeof data["text/markdown"] === "string") return renderMarkdown(data["text/markdown"]);
      const json = data["application/json"];
      const text = json === undefined ? data["text/plain"] ?? "" : JSON.stringify(json, null, 2);
      return `<pre class="stdout">${escapeHtml(plain(String(text)))}</pre>`;
    }
  }
}

/** A picture within the page; its content is base64, which may stand in lines. */
const dataUrl = (type: string, content: unknown) =>
  `data:${type};base64,${String(content).replace(/[^A-Za-z0-9+/=]/g, "")}`;

/** Several SVGs in one page must not share ids. */
function unique(svg: string, index: number): string {
  return svg.replace(/\bid="/g, `id="f${index}-`).replace(/url\(#/g, `url(#f${index}-`)
    .replace(/url\('#/g, `url('#f${index}-`).replace(/href="#/g, `href="#f${index}-`);
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
  renderer: ({ text, display }) => temml.renderToString(text, { displayMode: display }),
};

/** Markdown, formulas and attached pictures included, as the page's HTML. */
function renderMarkdown(text: string, attachments: Cell["attachments"] = {}): string {
  const html = String(markdown.parse(text)).replace(/src="attachment:([^"]*)"/g, (src, name) => {
    const found = Object.keys(attachments).find((one) => [one, encodeURI(one)].includes(name));
    const [picture] = Object.entries(attachments[found ?? ""] ?? {});
    return picture ? `src="${dataUrl(escapeHtml(picture[0]), picture[1])}"` : src;
  });
  return `<div class="prose">${html}</div>`;
}

const markdown = new Marked({
  gfm: true,
  extensions: [formula],
  walkTokens(token) {
    // The page has one title of its own, and links between notebooks lead to its sections.
    if (token.type === "heading") token.depth = Math.min(6, token.depth + 1);
    if (token.type !== "link" || !/\.ipynb(#.*)?$/.test(token.href)) return;
    const file = decodeURIComponent(token.href.replace(/#.*$/, "")).split("/").at(-1)!;
    token.href = `#${anchor(file.replace(/\.ipynb$/, ""))}`;
  },
});

function heading({ cells }: Notebook): string | undefined {
  const titles = cells.filter((cell) => cell.cell_type === "markdown")
    .map((cell) => /^# +(.+)$/m.exec(cell.source)?.[1]);
  return titles.find(Boolean)?.replace(/[*_`]/g, "");
}

function anchor(name: string): string {
  return name.toLowerCase().replace(/[^a-z0-9]+/g, "-");
}

function inScript(value: unknown): string {
  return JSON.stringify(value).replaceAll("<", "\\u003c");
}

/** Pictures come alive when they scroll into view; their title becomes a line that wraps. */
const drawScript = `
const watch = new IntersectionObserver((seen) => {
  for (const { isIntersecting, target } of seen) {
    if (!isIntersecting) continue;
    watch.unobserve(target);
    const { data, layout: { width, title, ...layout } } = figures[target.dataset.figure];
    const head = document.createElement("div"), plot = document.createElement("div");
    head.className = "figure-title";
    head.textContent = (title?.text ?? "").replace(/<[^>]+>/g, " ");
    target.replaceChildren(head, plot);
    const config = { responsive: true, displayModeBar: false };
    Plotly.newPlot(plot, data, { ...layout, autosize: true }, config);
  }
}, { rootMargin: "200px" });
document.querySelectorAll(".figure").forEach((figure) => watch.observe(figure));
`;

const style = `
:root{color-scheme:light dark;--ink:#1d2126;--page:#fff;--line:rgba(128,134,142,.35);
--soft:rgba(128,134,142,.12);--link:#1f6fb2}
@media (prefers-color-scheme:dark){:root{--ink:#e4e7ea;--page:#14171a;--link:#6db3ee}}
*{box-sizing:border-box}
body{margin:0 auto;max-width:860px;padding:16px;color:var(--ink);background:var(--page);
font:16px/1.55 system-ui,sans-serif;overflow-wrap:break-word}
a{color:var(--link)}h1{font-size:1.7em;line-height:1.2}h2{font-size:1.4em;line-height:1.25}
section{border-top:1px solid var(--line);margin-top:40px}
nav ul{padding-left:1.2em}nav a{text-decoration:none}
pre{overflow-x:auto;background:var(--soft);padding:10px;border-radius:6px;font-size:13px;line-height:1.45}
code{font-family:ui-monospace,Menlo,Consolas,monospace;font-size:.92em}
pre code{font-size:inherit}
details{margin:10px 0;font-size:14px}summary{cursor:pointer;opacity:.65}
pre.error,pre.stderr{border-left:4px solid #d55e00}
.box,.prose table{overflow-x:auto;max-width:100%}
.box{margin:10px 0}.prose table{display:block;border-collapse:collapse}
.prose th,.prose td{border-bottom:1px solid var(--line);padding:4px 10px;text-align:left}
img{max-width:100%}.prose blockquote{margin:0;padding-left:14px;border-left:4px solid var(--line)}
.implicit-figure{margin:12px 0}.implicit-figure svg{max-width:100%;height:auto}
.figure-title{font-weight:600;font-size:15px;margin:6px 8px 0}
.js-plotly-plot svg{max-width:none;height:revert-layer}
`;
