/** `deno task readme`: takes results of `reproduce` into data/results.json and the README's tables. */
import { Command } from "commander";
import { spawnSync } from "node:child_process";
import { readFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { writeWhole } from "@implicit/notebook";
import {
  type Bench,
  benchProvenance,
  benchTable,
  claimsTable,
  type Cost,
  costsTable,
  paperRows,
  paperTables,
  projectRoot,
  provenance,
  realProvenance,
  type RealResults,
  realTable,
  type ResultRow,
} from "implicit/tasks";

interface Stored {
  readonly rows: readonly ResultRow[];
  readonly costs: readonly Cost[];
}

const program = new Command("deno task readme")
  .description("Write the README's tables from results, and keep the results in data/results.json.")
  .argument("[results...]", "results.json files of `reproduce` (default: data/results.json)")
  .option("--cost <files...>", "further cost.json files of `reproduce`", [])
  .parse(Deno.args, { from: "user" });

const root = projectRoot();
const kept = join(root, "data", "results.json");
const files: string[] = program.args;
const stored: Stored = files.length === 0 ? JSON.parse(await readFile(kept, "utf8")) : {
  rows: await rowsOf(files),
  costs: await costsOf(files, program.opts<{ cost: string[] }>().cost),
};
const { rows } = stored;
const lastDate = stored.costs.map(({ date }) => date).sort().at(-1)!; // of the runs, not of today
if (files.length > 0) await writeWhole(kept, JSON.stringify(stored, null, 1) + "\n");

const readme = join(root, "README.md");
let text = await readFile(readme, "utf8");
text = replaceBlock(text, "results", paperTables(rows, await paperRows()));
text = replaceBlock(text, "claims", claimsTable(rows));
text = replaceBlock(text, "costs", costsTable(stored.costs));
text = replaceBlock(text, "provenance", provenance(rows, lastDate));
const real: RealResults = JSON.parse(await readFile(join(root, "data", "real.json"), "utf8"));
text = replaceBlock(text, "real", `${realTable(real)}\n\n${realProvenance(real)}`);
const bench: Bench = JSON.parse(await readFile(join(root, "data", "bench.json"), "utf8"));
text = replaceBlock(text, "bench", `${benchTable(bench)}\n\n${benchProvenance(bench)}`);
await writeWhole(readme, text);
spawnSync(Deno.execPath(), ["fmt", "--quiet", readme], { stdio: "inherit" });
console.log(`Wrote ${rows.length} rows into README.md.`);

/** What each `reproduce` took; it writes cost.json beside its results. */
function costsOf(results: readonly string[], further: readonly string[]): Promise<Cost[]> {
  const paths = [...further, ...results.map((path) => join(dirname(path), "cost.json"))];
  return Promise.all(paths.map(async (path) => JSON.parse(await readFile(path, "utf8"))));
}

async function rowsOf(paths: readonly string[]): Promise<ResultRow[]> {
  const lists = await Promise.all(
    paths.map(async (path) => JSON.parse(await readFile(path, "utf8"))),
  );
  return lists.flat();
}

function replaceBlock(text: string, name: string, content: string): string {
  const [begin, end] = [`<!-- ${name} -->`, `<!-- /${name} -->`];
  const [from, to] = [text.indexOf(begin), text.indexOf(end)];
  if (from < 0 || to < from) {
    throw new Error(`Expected README.md to hold ${begin} … ${end}, but found none: restore it.`);
  }
  return `${text.slice(0, from + begin.length)}\n\n${content.trim()}\n\n${text.slice(to)}`;
}
