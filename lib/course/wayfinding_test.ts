import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Cost } from "../study/tables.ts";
import { glossaryTerms } from "./glossary.ts";
import { wayfinding, withWayfinding, writeWayfinding } from "./wayfinding.ts";

const cost: Cost = {
  command: "reproduce --seeds 1",
  notebooks: 2,
  seeds: 1,
  seconds: 100,
  cores: 2,
  processor: "EPYC",
  date: "2026-01-02",
  cold: true,
  each: { "00 start here": 70, "01 more": 30 },
};
const course = {
  notebooks: [{ name: "00 start here", title: "00 · Start" }, { name: "01 more", title: "01 · M" }],
  terms: [{ term: "win rate", notebook: "01 more" }],
  costs: [cost],
};
const notebook = JSON.stringify(
  {
    nbformat: 4,
    nbformat_minor: 5,
    metadata: { a: 1 },
    cells: [
      { cell_type: "markdown", id: "a", metadata: {}, source: ["# 01 · M\n", "text"] },
      { cell_type: "code", execution_count: 3, id: "b", outputs: [{ x: [0.1, 1e-7] }], source: [] },
    ],
  },
  null,
  1,
) + "\n";

Deno.test("wayfinding() says what comes before, what is needed, how long it takes and which words are new", () => {
  const { opening, closing } = wayfinding(course, "01 more");
  assert.match(opening, /^\[← 00 · Start\]\(00%20start%20here\.ipynb\) · \[glossary\]/);
  assert.match(opening, /\(https:\/\/arxiv\.org\/html\/2409\.14254v1#S4\.SS1\)/);
  assert.match(opening, /- \*\*Takes\*\* 30 s with 1 seed \(2 × EPYC, 2026-01-02\); seconds when/);
  assert.match(opening, /- \*\*New words\*\*: \[win rate\]\(glossary\.md#win-rate\)$/);
  assert.match(closing, /\[all notebooks\]\(README\.md\)/);
  assert.doesNotMatch(closing, /→/); // the last one
});

Deno.test("wayfinding() takes no time from a run that began with something kept", () => {
  const warm = { ...course, costs: [{ ...cost, cold: false }] };
  assert.match(wayfinding(warm, "01 more").opening, /not measured/);
});

Deno.test("wayfinding() says which of the open questions a notebook answers", () => {
  const notebooks = [...course.notebooks, { name: "15 new and forbidden", title: "15 · New" }];
  const { opening } = wayfinding({ ...course, notebooks }, "15 new and forbidden");
  assert.match(opening, /- \*\*Answers\*\* questions 16, 18 and 19 of \[the twenty-three\]/);
  assert.match(opening, /- \*\*Takes\*\* a minute or two/);
  assert.doesNotMatch(wayfinding(course, "01 more").opening, /Answers/);
});

Deno.test("withWayfinding() leaves all other cells as they are, and has nothing to do twice", () => {
  const once = withWayfinding(course, "01 more", notebook);
  assert.equal(withWayfinding(course, "01 more", once), once);
  const parsed = JSON.parse(once);
  assert.deepEqual(
    parsed.cells.map(({ id }: { id: string }) => id),
    ["a", "wayfinding", "b", "wayfinding-end"],
  );
  const without = parsed.cells.filter(({ id }: { id: string }) => !id.startsWith("wayfinding"));
  assert.equal(JSON.stringify({ ...parsed, cells: without }, null, 1) + "\n", notebook);
});

Deno.test("the lines are those that deno fmt makes", () => {
  const many = Array.from({ length: 30 }, (_, i) => ({
    term: `word ${"of some length ".repeat(i % 3)}${i}`,
    notebook: "01 more",
  }));
  const { opening, closing } = wayfinding({ ...course, terms: many }, "01 more");
  for (const input of [opening, closing]) {
    const { stdout } = spawnSync(Deno.execPath(), ["fmt", "--ext=md", "-"], {
      input,
      encoding: "utf8",
      cwd: import.meta.dirname,
    });
    assert.equal(stdout.trimEnd(), input);
  }
});

Deno.test("writeWayfinding() writes what is not as it should be, and wants a title", async () => {
  const folder = await mkdtemp(join(tmpdir(), "course-"));
  try {
    await writeFile(join(folder, "01 more.ipynb"), notebook);
    await writeFile(
      join(folder, "glossary.md"),
      "# G\n\n## arm\n\nText. First met\nin [M](01%20more.ipynb).\n",
    );
    await writeWayfinding(folder, [cost]);
    const text = await readFile(join(folder, "01 more.ipynb"), "utf8");
    assert.match(text, /\[arm\]\(glossary\.md#arm\)/);
    await writeFile(join(folder, "02 bad.ipynb"), notebook.replace("# 01 · M", "no heading"));
    await assert.rejects(writeWayfinding(folder, [cost]), /Expected "02 bad" to open with a head/);
  } finally {
    await rm(folder, { recursive: true });
  }
});

Deno.test("glossaryTerms() refuses a term that names no notebook", () => {
  const text = "## win rate\n\nA mean. First met in [M](01%20more.ipynb).\n\n## cap\n\nAn end.\n";
  assert.throws(() => glossaryTerms(text), /Expected "cap" in the glossary to end with/);
  assert.deepEqual(glossaryTerms(text.split("## cap")[0]!), [
    { term: "win rate", notebook: "01 more" },
  ]);
});
