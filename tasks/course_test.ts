/**
 * The course as a whole: what a reader follows from one notebook to the next leads somewhere, every
 * exercise has a solution, and what the task `readme` writes is what stands there.
 */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { readFile, rm, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { type Cell, notebookNames, readNotebooks } from "@implicit/notebook";
import { type Cost, courseTexts, glossaryTerms } from "implicit/tasks";

const root = fileURLToPath(new URL("..", import.meta.url));
const folder = join(root, "notebooks");
const names = await notebookNames(folder);
const notebooks = await readNotebooks(folder, names);
const pages = ["README.md", "CONTRIBUTING.md", "notebooks/README.md", "notebooks/glossary.md"];
const texts = new Map(
  await Promise.all(
    pages.map(async (page) => [page, await readFile(join(root, page), "utf8")] as const),
  ),
);
for (const [name, { cells }] of notebooks) {
  texts.set(`notebooks/${name}.ipynb`, prose(cells).join("\n\n"));
}

function prose(cells: readonly Cell[]): string[] {
  return cells.filter(({ cell_type }) => cell_type === "markdown").map(({ source }) => source);
}

/** Links and pictures of a Markdown text, code left out. */
function linksOf(text: string): string[] {
  const plain = text.replace(/```[\s\S]*?```/g, "").replace(/`[^`\n]*`/g, "");
  return [...plain.matchAll(/\]\(([^)\s]+)\)|\bsrc(?:set)?="([^"]+)"|\bhref="([^"]+)"/g)]
    .map(([, markdown, src, href]) => (markdown ?? src ?? href)!);
}

/** The ends of links that headings make: of pages as GitHub does, of notebooks as JupyterLab. */
function anchorsOf(file: string, text: string): string[] {
  const headings = [...text.matchAll(/^#+ (.+)$/gm)].map(([, heading]) => heading!);
  const named = file.endsWith(".ipynb")
    ? headings
    : headings.map((heading) => heading.toLowerCase().replace(/[^\p{L}\p{N}_ -]/gu, ""));
  return named.map((heading) => heading.replaceAll(" ", "-"));
}

Deno.test("every relative link in notebooks and pages leads to a file, and to a heading of it", () => {
  let followed = 0;
  const broken = [...texts].flatMap(([page, text]) =>
    linksOf(text).filter((link) => !/^[a-z]+:/.test(link)).filter((link) => {
      followed++;
      const [path = "", anchor] = link.split("#").map(decodeURIComponent);
      const file = path === "" ? page : join(dirname(page), path);
      if (!existsSync(join(root, file))) return true;
      const target = texts.get(file);
      return anchor !== undefined && target !== undefined &&
        !anchorsOf(file, target).includes(anchor);
    }).map((link) => `${page}: ${link}`)
  );
  assert.deepEqual(broken, []);
  assert.ok(followed > 80, `only ${followed} links`);
});

Deno.test("links to the paper lead to arXiv, and those to other sites are whole", () => {
  const links = [...texts.values()].flatMap(linksOf).filter((link) => /^[a-z]+:/.test(link));
  assert.deepEqual(links.filter((link) => !URL.canParse(link) || !/^https:/.test(link)), []);
  const paper = links.filter((link) => link.includes("2409.14254"));
  const form = /^https:\/\/arxiv\.org\/(abs\/2409\.14254|html\/2409\.14254v1(#(S|A)\d(\.SS\d)?)?)$/;
  assert.deepEqual(paper.filter((link) => !form.test(link)), []);
  assert.ok(paper.length > 10);
});

Deno.test("README, the page for teachers and the notebooks before and after link every notebook", () => {
  for (const page of ["README.md", "notebooks/README.md"]) {
    const linked = linksOf(texts.get(page)!).map(decodeURIComponent);
    const missing = names.filter((name) => !linked.some((link) => link.endsWith(`${name}.ipynb`)));
    assert.deepEqual(missing, [], page);
  }
});

Deno.test("the notebooks' wayfinding is what `deno task readme` writes", async () => {
  const { costs } = JSON.parse(await readFile(join(root, "data", "results.json"), "utf8"));
  const stale = [];
  for (const [name, text] of await courseTexts(folder, costs)) {
    if (text !== await readFile(join(folder, `${name}.ipynb`), "utf8")) stale.push(name);
  }
  assert.deepEqual(stale, [], "run `deno task readme`");
});

Deno.test("the time that each notebook takes was measured where nothing was kept", async () => {
  const { costs } = JSON.parse(await readFile(join(root, "data", "results.json"), "utf8"));
  const measured = (costs as Cost[]).filter(({ cold }) => cold).flatMap(({ each = {} }) =>
    Object.entries(each).filter(([, seconds]) => seconds > 0).map(([name]) => name)
  );
  // From 10 on they show results that are shipped.
  assert.deepEqual(names.filter((name) => name < "10" && !measured.includes(name)), []);
});

Deno.test("the glossary has every word of the course, in order, once, met where it says", () => {
  const terms = glossaryTerms(texts.get("notebooks/glossary.md")!);
  const words = terms.map(({ term }) => term);
  const sorted = words.toSorted((a, b) => a.localeCompare(b, "en"));
  assert.deepEqual(words, sorted);
  assert.equal(new Set(words).size, words.length);
  const wanted = "adaptation,adapter,arm,base,cap,chat template,checker,instruction," +
    "instruction tuning,interval,judge,label mask,length control,nats,pass rate," +
    "pointwise mutual information,preference,product of experts,response,response ranking," +
    "response tuning,rule,run,scale,seed,single-task tuning,study,win rate";
  assert.deepEqual(wanted.split(",").filter((word) => !words.includes(word)), []);
  assert.deepEqual(terms.filter(({ notebook }) => !notebooks.has(notebook)), []);
});

/** Numbers of the exercises of a notebook, from the list below its heading. */
function exercisesOf(cells: readonly Cell[]): number[] {
  const below = prose(cells).join("\n\n").split(/^## (?:Exercises|Solutions)$/m)[1] ?? "";
  const text = below.replace(/<details>[\s\S]*?<\/details>/g, "");
  const numbers = text.matchAll(/^(?:#+ |\*\*)?(?:Exercise )?(?:\d\d\.)?(\d)\b/gm);
  return [...new Set([...numbers].map(([, n]) => Number(n)))];
}

Deno.test("every exercise has a cell to start from and a hint", () => {
  for (const [name, { cells }] of notebooks) {
    const count = exercisesOf(cells).length;
    const starters = cells.filter(({ cell_type, metadata }) =>
      cell_type === "code" && (metadata.tags as string[] | undefined)?.includes("exercise")
    );
    const hints = prose(cells).join("\n").match(/<summary>Hint<\/summary>/g) ?? [];
    if (name === "09 solutions") continue;
    assert.deepEqual([name, starters.length, hints.length], [name, count, count]);
  }
});

Deno.test("every exercise has a solution with code, under its number", () => {
  const asked: string[] = [], solved: string[] = [];
  let heading = "";
  for (const [name, { cells }] of notebooks) {
    // Those of 01 to 08 have notebook 09 to themselves; from 10 on they stand at the end.
    if (name !== "09 solutions") {
      asked.push(...exercisesOf(cells).map((number) => `${name.slice(0, 2)}.${number}`));
    }
    for (const { cell_type, source } of cells) {
      heading = [...source.matchAll(/^### (\d\d\.\d)$/gm)].at(-1)?.[1] ?? heading;
      if (cell_type === "code" && heading !== "" && solved.at(-1) !== heading) solved.push(heading);
    }
  }
  assert.ok(asked.length >= 25, `only ${asked.length} exercises`);
  assert.deepEqual(solved, asked);
});

Deno.test("README's first program fits the library", async () => {
  const [, program] = /```ts\n([\s\S]*?)```/.exec(texts.get("README.md")!)!;
  const file = join(root, ".first-program.ts");
  try {
    await writeFile(file, program!);
    const { status, stderr } = spawnSync(Deno.execPath(), ["check", "--no-lock", file], {
      encoding: "utf8",
    });
    assert.equal(status, 0, stderr);
  } finally {
    await rm(file, { force: true });
  }
});
