/**
 * Executed notebooks → one self-contained page: prose, pictures, tables, code behind a fold; legible
 * on a phone, light and dark, without a single request.
 *
 * Knows notebooks, Markdown and HTML. It does not know what the notebooks are about.
 */
import { Marked, type TokenizerAndRendererExtension } from "marked";
import temml from "temml";
import type { Cell, Notebook, Output } from "./notebook.ts";

export interface ReportSection {
  /** File name without ending: "01 response tuning". */
  readonly name: string;
  readonly notebook: Notebook;
}

export interface ReportOptions {
  readonly title: string;
  /** HTML that stands above the notebooks. */
  readonly lead: string;
  /** Source of plotly's browser bundle, which makes figures interactive. */
  readonly plotly: string;
  /** CSS or markup for the head. */
  readonly head?: string;
}

/**
 * Renders the page.
 *
 * @example
 * const page = renderReport([{ name: "00 start here", notebook }], { title: "Report", lead: "", plotly });
 */
export function renderReport(sections: readonly ReportSection[], options: ReportOptions): string {
  const { title, lead, plotly, head = "" } = options;
  const figures: unknown[] = [];
  const bodies = sections.map((section) => renderSection(section, figures));
  const contents = sections.map((section) =>
    `<li><a href="#${anchor(section.name)}">${escape(heading(section))}</a></li>`
  );
  const scripts = figures.length === 0
    ? ""
    : `<script>${plotly}</script><script>const figures=${inScript(figures)};${drawScript}</script>`;
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>${escape(title)}</title>
<style>${style}</style>${head}</head><body>
<header><h1>${escape(title)}</h1>${lead}</header>
<nav><h2>Contents</h2><ul>${contents.join("")}</ul></nav>
<main>${bodies.join("\n")}</main>
${scripts}
</body></html>
`;
}

function renderSection(section: ReportSection, figures: unknown[]): string {
  const cells = section.notebook.cells.map((cell) =>
    cell.cell_type === "code"
      ? renderCode(cell, figures)
      : cell.cell_type === "markdown"
      ? renderMarkdown(cell.source)
      : ""
  );
  return `<section id="${anchor(section.name)}">${cells.join("\n")}</section>`;
}

function renderCode(cell: Cell, figures: unknown[]): string {
  if (cell.source.trim() === "") return "";
  const outputs = (cell.outputs ?? []).map((output) => renderOutput(output, figures));
  return `<details><summary>code</summary><pre><code>${
    escape(cell.source)
  }</code></pre></details>` +
    outputs.join("");
}

function renderOutput(output: Output, figures: unknown[]): string {
  switch (output.output_type) {
    case "stream":
      return `<pre class="${output.name === "stderr" ? "stderr" : "stdout"}">` +
        `${escape(plain(output.text))}</pre>`;
    case "error": {
      const text = output.traceback.join("\n") || `${output.ename}: ${output.evalue}`;
      return `<pre class="error">${escape(plain(text))}</pre>`;
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
      return `<pre class="stdout">${escape(plain(String(data["text/plain"] ?? "")))}</pre>`;
    }
  }
}

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

/** Markdown, formulas included, as the page's HTML. */
export function renderMarkdown(text: string): string {
  return `<div class="prose">${markdown.parse(text)}</div>`;
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

function heading({ name, notebook }: ReportSection): string {
  for (const cell of notebook.cells) {
    const title = cell.cell_type === "markdown" && /^# +(.+)$/m.exec(cell.source)?.[1];
    if (title) return title.replace(/[*_`]/g, "");
  }
  return name;
}

function anchor(name: string): string {
  return name.toLowerCase().replace(/[^a-z0-9]+/g, "-");
}

function escape(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;")
    .replaceAll('"', "&quot;");
}

function plain(text: string): string {
  // deno-lint-ignore no-control-regex
  return text.replace(/\x1b\[[0-9;]*m/g, "");
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
.prose img{max-width:100%}.prose blockquote{margin:0;padding-left:14px;border-left:4px solid var(--line)}
.implicit-figure{margin:12px 0}.implicit-figure svg{max-width:100%;height:auto}
.figure-title{font-weight:600;font-size:15px;margin:6px 8px 0}
.js-plotly-plot svg{max-width:none;height:revert-layer}
`;
