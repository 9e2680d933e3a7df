/**
 * `deno task readme`: takes results of `reproduce` into data/results.json, the README's figure and
 * tables, and the notebooks' wayfinding.
 */
import { Command } from "commander";
import { spawnSync } from "node:child_process";
import { readFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { forestSvg, writeWhole } from "@implicit/notebook";
import { type PageFigures, pageProvenance, pageTable } from "@implicit/web";
import {
  answersTable,
  type BenchFigures,
  benchProvenance,
  benchTable,
  claimsSection,
  type Cost,
  costsTable,
  courseTable,
  paperRows,
  paperTables,
  projectRoot,
  provenance,
  realProvenance,
  type RealResults,
  realTable,
  type ResultRow,
  roundingLine,
  storyOf,
  type TrustFigures,
  trustProvenance,
  trustTable,
  writeWayfinding,
} from "implicit/tasks";

interface Stored {
  readonly rows: readonly ResultRow[];
  readonly costs: readonly Cost[];
}

const program = new Command("deno task readme")
  .description(
    "Write the README's figure and tables and the notebooks' wayfinding from results, and keep\n" +
      "the results in data/results.json.",
  )
  .argument("[results...]", "results.json files of `reproduce` (default: data/results.json)")
  .option("--cost <files...>", "further cost.json files of `reproduce`, in place of its like", [])
  .parse(Deno.args, { from: "user" });

const kept = join(projectRoot(), "data", "results.json");
const files = program.args;
const further = await Promise.all(
  program.opts<{ cost: string[] }>().cost.map((path) => read<Cost>(path)),
);
const before = await read<Stored>(kept);
const isNew = ({ command }: Cost) => !further.some((cost) => cost.command === command);
// Last stands what the rows themselves took: `reproduce` writes it beside its results.
const stored: Stored = files.length === 0
  ? { rows: before.rows, costs: [...further, ...before.costs.filter(isNew)] }
  : {
    rows: (await Promise.all(files.map((path) => read<ResultRow[]>(path)))).flat(),
    costs: [
      ...further,
      ...await Promise.all(files.map((path) => read<Cost>(join(dirname(path), "cost.json")))),
    ],
  };
if (files.length + further.length > 0) await writeWhole(kept, lined(stored));

const { rows } = stored;
const paper = await paperRows();
const story = storyOf(rows, paper)!;
for (const theme of ["light", "dark"] as const) {
  await writeWhole(join(projectRoot(), "data", `story-${theme}.svg`), forestSvg(story, { theme }));
}
const real = await read<RealResults>(join(projectRoot(), "data", "real.json"));
const bench = await read<BenchFigures>(join(projectRoot(), "data", "bench.json"));
const trust = await read<TrustFigures>(join(projectRoot(), "data", "trust.json"));
const page = await read<PageFigures>(join(projectRoot(), "data", "page.json"));
const { date } = stored.costs.at(-1)!; // of the runs, not of today
const notebooks = join(projectRoot(), "notebooks");
const blocks = {
  answers: await answersTable(notebooks, "notebooks/"),
  page: `${pageTable(page)}\n\n${pageProvenance(page)}`,
  results: paperTables(rows, paper),
  claims: claimsSection(rows, paper),
  costs: costsTable(stored.costs),
  provenance: provenance(rows, date),
  real: `${realTable(real)}\n\n${realProvenance(real)}`,
  trust: `${trustTable(trust)}\n\n${trustProvenance(trust)}`,
  bench: `${benchTable(bench)}\n\n${benchProvenance(bench)}`,
};
await writeWayfinding(notebooks, stored.costs);
await writeBlocks(join(projectRoot(), "README.md"), blocks);
await writeBlocks(join(notebooks, "README.md"), {
  course: await courseTable(notebooks, stored.costs),
  answers: await answersTable(notebooks),
});
if (bench.rounding) {
  const page = join(projectRoot(), "packages", "decoder", "README.md");
  await writeBlocks(page, { rounding: roundingLine(bench.rounding) });
}
console.log(`Wrote ${rows.length} rows into README.md.`);

/** A row a line, so that a change of one number is a change of one line. */
function lined({ rows, costs }: Stored): string {
  const list = (items: readonly unknown[]) => items.map((item) => JSON.stringify(item)).join(",\n");
  return `{"rows":[\n${list(rows)}\n],\n"costs":[\n${list(costs)}\n]}\n`;
}

async function read<T>(path: string): Promise<T> {
  return JSON.parse(await readFile(path, "utf8")) as T;
}

/** Replaces what stands between a page's `<!-- name -->` and `<!-- /name -->`. */
async function writeBlocks(page: string, blocks: Record<string, string>): Promise<void> {
  let text = await readFile(page, "utf8");
  for (const [name, content] of Object.entries(blocks)) {
    const [begin, end] = [`<!-- ${name} -->`, `<!-- /${name} -->`];
    const [from, to] = [text.indexOf(begin), text.indexOf(end)];
    if (from < 0 || to < from) {
      throw new Error(`Expected ${page} to hold ${begin} … ${end}, but found none: restore it.`);
    }
    text = `${text.slice(0, from + begin.length)}\n\n${content.trim()}\n\n${text.slice(to)}`;
  }
  await writeWhole(page, text);
  spawnSync(Deno.execPath(), ["fmt", "--quiet", page], { stdio: "inherit" });
}
