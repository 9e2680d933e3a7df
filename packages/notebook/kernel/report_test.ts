import assert from "node:assert/strict";
import { markdownChapter, notebookChapter } from "./chapter.ts";
import type { Cell, Notebook, Output } from "./notebook.ts";
import { renderReport } from "./report.ts";
import { brokenLinks, renderSite } from "./site.ts";

const code = (source: string, ...outputs: Output[]): Cell => ({
  cell_type: "code",
  source,
  metadata: {},
  outputs,
});
const prose = (source: string): Cell => ({ cell_type: "markdown", source, metadata: {} });
const notebookOf = (...cells: Cell[]): Notebook => ({
  nbformat: 4,
  nbformat_minor: 5,
  metadata: {},
  cells,
});

Deno.test("a chapter folds hints away, and keeps no other HTML and no address that runs code", () => {
  const source = "<details><summary>Hint</summary>\n\n*so*\n\n</details>\n\n<!-- not seen -->" +
    "\n\n<script>x</script>\n\na <img src=x onerror=y> [b](javascript:z)";
  const { body } = notebookChapter("a", notebookOf(prose(source)));
  assert.match(body, /<details><summary>Hint<\/summary>\s*<p><em>so<\/em>/);
  assert.doesNotMatch(body, /<script|<img|javascript:|not seen/);
  assert.match(body, /&lt;script&gt;x&lt;\/script&gt;/);
});

Deno.test("renderReport() makes one page without requests: prose, code, figures, errors", () => {
  const figure = {
    "text/plain": "[figure]",
    "image/svg+xml": `<svg><g id="a"/><use href="#a" clip-path="url(#a)"/></svg>`,
    "application/vnd.plotly.v1+json": { data: [{ name: "</script>" }], layout: {} },
    "text/html": "<p>not this one</p>",
  };
  const first = notebookOf(
    prose("# 00 · Start *here*\n\nOn to [the next](01%20more.ipynb) for $5; $p_\\theta$."),
    code("if (a < b) {}", { output_type: "display_data", data: figure, metadata: {} }),
    code("table", {
      output_type: "display_data",
      data: { "text/plain": "x", "text/html": "<b>rows</b>" },
      metadata: {},
    }),
  );
  const traceback = ["\x1b[31mError: <no>"];
  const second = notebookOf(
    code("throw", { output_type: "error", ename: "Error", evalue: "no", traceback }),
  );
  const page = renderReport(
    {
      title: "A & B",
      lead: "a *lead* to [more](01%20more.ipynb)",
      figure: { wide: "<svg>w</svg>", narrow: "<svg>n</svg>" },
    },
    [notebookChapter("00 start here", first), notebookChapter("01 more", second)],
    "/*plotly*/",
  );

  assert.match(page, /<title>A &amp; B<\/title>/);
  assert.match(page, /<h1>A &amp; B<\/h1><div class="prose"><p>a <em>lead<\/em>/);
  assert.match(page, /<a href="#01-more">more<[\s\S]*<svg>w<[\s\S]*<h2>Contents<[\s\S]*<main>/);
  assert.match(page, /<li><a href="#00-start-here">00 · Start here<\/a><\/li>/);
  assert.match(page, /<h2 id="00-start-here-00-start-here">00 · Start <em>here<\/em><\/h2>/);
  assert.match(page, /<a href="#01-more">the next<\/a>/);
  assert.match(page, /for \$5; <math><msub>.*θ.*<\/math>\./s);
  assert.match(page, /if \(a &lt; b\) \{\}/);
  assert.match(page, /<g id="(.*)-a"\/><use href="#\1-a" clip-path="url\(#\1-a\)"\/>/);
  assert.match(page, /<div class="box"><b>rows<\/b><\/div>/);
  assert.match(page, /<pre class="error">Error: &lt;no&gt;<\/pre>/);
  assert(!page.includes("not this one"), "figures are drawn from their numbers");
  assert.match(page, /"name":"\\u003c\/script>"/);
  assert.doesNotMatch(page, /(src|href)="https?:/);
});

Deno.test("renderReport() leaves plotly out where there is no figure", () => {
  const chapters = [notebookChapter("a", notebookOf(prose("words")))];
  const page = renderReport({ title: "t" }, chapters, "/*p*/");
  assert.match(page, /words/);
  assert.doesNotMatch(page, /<script|\/\*p\*\//);
});

Deno.test("renderReport() shows pictures, attached ones too, Markdown and JSON", () => {
  const attachments = { "a dot.png": { "image/png": "AAAA" } };
  const shown = (data: Record<string, unknown>) =>
    code("1", { output_type: "display_data", data, metadata: {} });
  const notebook = notebookOf(
    { ...prose("![dot](<attachment:a dot.png>) ![gone](attachment:%zz)"), attachments },
    shown({ "text/plain": "Image", "image/png": "BBBB\nCC==\n" }),
    shown({ "text/plain": "Markdown", "text/markdown": "*so*" }),
    shown({ "text/plain": "Object", "application/json": { rate: ["<b>"] } }),
  );
  const page = renderReport({ title: "t" }, [notebookChapter("a", notebook)], "");
  assert.match(page, /<img src="data:image\/png;base64,AAAA" alt="dot"/);
  assert.match(page, /<img alt="" src="data:image\/png;base64,BBBBCC==">/);
  assert.match(page, /<em>so<\/em>/);
  assert.match(page, /\{\n {2}&quot;rate&quot;: \[\n {4}&quot;&lt;b&gt;&quot;/);
});

const words = markdownChapter(
  "words.md",
  "# Words\n\n## Win rate\n\nsee [arm](#the-arm)\n\n## The arm",
);
const linking = notebookChapter(
  "00 a",
  notebookOf(prose(
    "# A\n\n[w](words.md#Win-rate%3F) [b](01%20b.ipynb) [out](https://a.org/x) [lost](../README.md)",
  )),
);

Deno.test("a page to try stands folded, and not loaded, on the first screen of report and site", () => {
  const front = { title: "t", frame: { address: 'lab.html"x', title: "Try <it>" } };
  const framed = "<summary>Try &lt;it&gt;</summary>" +
    '<iframe data-src="lab.html&quot;x" title="Try &lt;it&gt;"></iframe></details>';
  const report = renderReport(front, [words], "");
  assert(report.includes(framed));
  assert.match(report, /<details class="frame" ontoggle="[^"]+">/);
  assert.doesNotMatch(report, /<iframe[^>]* src=/);
  const files = renderSite(front, [words], "");
  assert(files.get("index.html")!.includes(framed));
  assert(!files.get("words.html")!.includes("<iframe"));
});

Deno.test("links lead to chapters and headings; those that lead nowhere are words", () => {
  const page = renderReport({ title: "t" }, [linking, words], "");
  assert.match(
    page,
    /<a href="#words-win-rate">w<.*<a>b<.*<a href="https:\/\/a\.org\/x">out<.*<a>lost</,
  );
  assert.match(page, /<h3 id="words-win-rate">.*\s.*<a href="#words-the-arm">arm</);
});

Deno.test("renderSite() writes a page a chapter, in order; every link and script resolves", () => {
  const figure = {
    "text/plain": "f",
    "image/svg+xml": "<svg/>",
    "application/vnd.plotly.v1+json": {},
  };
  const shown = code("f", { output_type: "display_data", data: figure, metadata: {} });
  const last = notebookChapter("01 b", notebookOf(prose("# B"), shown));
  const files = renderSite(
    { title: "t", lead: "[a](00%20a.ipynb)" },
    [linking, last, words],
    "plot",
  );
  assert.deepEqual([...files.keys()], [
    "index.html",
    "00-a.html",
    "01-b.html",
    "words.html",
    "plotly.js",
  ]);
  assert.match(
    files.get("00-a.html")!,
    /<nav class="way"><span><\/span>.*<a href="01-b.html">B →</,
  );
  assert.match(files.get("01-b.html")!, /<a href="00-a.html">← A<.*<a href="words.html">Words →</);
  assert.match(files.get("01-b.html")!, /<script src="plotly.js">/);
  assert.deepEqual(brokenLinks(files), []);
  const broken = new Map([["a.html", '<a href="b.html"></a><a href="#c"></a>']]);
  assert.deepEqual(brokenLinks(broken), ["a.html: b.html", "a.html: #c"]);
});
