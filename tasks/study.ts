/**
 * `deno task study NAME`: computes the grid of a study, or a part of it, and keeps its results in
 * data/studies. Interrupted, the same command goes on; `--check` computes one cell again.
 */
import process from "node:process";
import { Command } from "commander";
import { layOut, tableText } from "@implicit/notebook";
import {
  checkCell,
  estimates,
  keepResults,
  keptResults,
  runGrid,
  shardOf,
  studies,
  studyNamed,
} from "implicit/tasks";
import { checkedBy, orSayWhy, whole } from "./arguments.ts";
import { processor } from "./pretrain.ts";

const options = new Command("deno task study")
  .description(
    "Compute a study of an open question: every cell that is not kept yet, then data/studies/NAME.json.",
  )
  .argument("[name]", "which study")
  .option("--list", "say which studies there are, and how much of each is shipped", false)
  .option("--smoke", "a version of two minutes, whose numbers mean nothing; writes nothing", false)
  .option(
    "--shard <i/n>",
    "compute part i of n alone; copy .cache to join the parts",
    checkedBy(shardOf),
  )
  .option("--so-far", "compute nothing, and write the cells that are kept already", false)
  .option("--check <name>", "compute one cell of the shipped results again, and compare")
  .option("--seed <n>", "which cell is checked; by default another one every time", whole(0))
  .parse();
const { list, smoke, shard, soFar, check, seed } = options.opts<{
  list: boolean;
  smoke: boolean;
  shard?: string;
  soFar: boolean;
  check?: string;
  seed?: number;
}>();
const [name] = options.args;

const cancel = new AbortController();
for (const signal of ["SIGINT", "SIGTERM"] as const) {
  process.on(signal, () => cancel.abort(new Error("Stopped. Finished cells are kept.")));
}

await orSayWhy(async () => {
  if (list) return await showStudies();
  if (check !== undefined) return await showCheck(check);
  if (name === undefined) throw new Error("Expected the name of a study: deno task study --list");
  const plan = studyNamed(name);
  const size = smoke ? "smoke" : "full";
  const { cells, failed, elsewhere } = await runGrid(plan, {
    size,
    shard: shard === undefined ? undefined : shardOf(shard),
    signal: cancel.signal,
    soFar,
  });
  const others = soFar ? "not kept yet" : "of other shards";
  console.log(`${cells.length} cells done, ${failed.length} failed, ${elsewhere} ${others}.`);
  for (const sentence of failed) console.error(sentence);
  const [measure] = Object.keys({ ...cells[0]?.outcomes, ...cells[0]?.figures });
  if (measure !== undefined) {
    const rows = estimates(cells, measure);
    console.log(tableText(await layOut(rows, { caption: `${plan.question} (${measure})` })));
  }
  if (!smoke && (elsewhere === 0 || soFar)) {
    console.log(`wrote ${await keepResults(plan, cells, processor())}`);
  }
  process.exit(failed.length > 0 ? 1 : 0);
});

async function showStudies(): Promise<void> {
  const rows = await Promise.all(studies.map(async (plan) => {
    const kept = await keptResults(plan.name).catch(() => null);
    const planned = plan.cells("full").length;
    return {
      study: plan.name,
      cells: `${kept?.cells.length ?? 0} of ${planned}`,
      computed: kept?.date ?? "–",
    };
  }));
  console.log(tableText(await layOut(rows)));
}

async function showCheck(of: string): Promise<void> {
  const { sentence, holds } = await checkCell(
    of,
    processor(),
    seed ?? Date.now() % 1e6,
    cancel.signal,
  );
  console.log(sentence);
  process.exit(holds ? 0 : 1);
}
