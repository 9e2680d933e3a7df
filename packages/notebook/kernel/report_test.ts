import assert from "node:assert/strict";
import { layOut } from "../show/table.ts";
import type { Cell, Notebook, Output } from "./notebook.ts";
import { renderReport } from "./report.ts";

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

Deno.test("renderReport() makes one page without requests: prose, code, figures, errors", async () => {
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
    new Map([["00 start here", first], ["01 more", second]]),
    { title: "A & B", lead: "a *lead*", table: await layOut([{ arm: "<base>", rate: 2.5 }]) },
    "/*plotly*/",
  );

  assert.match(page, /<title>A &amp; B<\/title>/);
  assert.match(page, /<h1>A &amp; B<\/h1><div class="prose"><p>a <em>lead<\/em>/);
  assert.match(page, /<summary>every number<\/summary>.*&lt;base&gt;.*2\.5/);
  assert.match(page, /<li><a href="#00-start-here">00 · Start here<\/a><\/li>/);
  assert.match(page, /<h2>00 · Start <em>here<\/em><\/h2>/);
  assert.match(page, /<a href="#01-more">the next<\/a>/);
  assert.match(page, /for \$5; <math><msub>.*θ.*<\/math>\./s);
  assert.match(page, /if \(a &lt; b\) \{\}/);
  assert.match(page, /<g id="f1-a"\/><use href="#f1-a" clip-path="url\(#f1-a\)"\/>/);
  assert.match(page, /<div class="box"><b>rows<\/b><\/div>/);
  assert.match(page, /<pre class="error">Error: &lt;no&gt;<\/pre>/);
  assert(!page.includes("not this one"), "figures are drawn from their numbers");
  assert.match(page, /"name":"\\u003c\/script>"/);
  assert.doesNotMatch(page, /(src|href)="https?:/);
});

Deno.test("renderReport() leaves plotly out where there is no figure", () => {
  const page = renderReport(new Map([["a", notebookOf(prose("words"))]]), { title: "t" }, "/*p*/");
  assert.match(page, /words/);
  assert.doesNotMatch(page, /<script|\/\*p\*\//);
});

Deno.test("renderReport() shows pictures, attached ones too, Markdown and JSON", () => {
  const attachments = { "a dot.png": { "image/png": "AAAA" } };
  const shown = (data: Record<string, unknown>) =>
    code("1", { output_type: "display_data", data, metadata: {} });
  const page = renderReport(
    new Map([[
      "a",
      notebookOf(
        { ...prose("![dot](<attachment:a dot.png>) ![gone](attachment:%zz)"), attachments },
        shown({ "text/plain": "Image", "image/png": "BBBB\nCC==\n" }),
        shown({ "text/plain": "Markdown", "text/markdown": "*so*" }),
        shown({ "text/plain": "Object", "application/json": { rate: ["<b>"] } }),
      ),
    ]]),
    { title: "t" },
    "",
  );
  assert.match(page, /<img src="data:image\/png;base64,AAAA" alt="dot"/);
  assert.match(page, /<img alt="" src="data:image\/png;base64,BBBBCC==">/);
  assert.match(page, /<em>so<\/em>/);
  assert.match(page, /\{\n {2}&quot;rate&quot;: \[\n {4}&quot;&lt;b&gt;&quot;/);
});
