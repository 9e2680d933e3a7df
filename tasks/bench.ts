/** `deno task bench`: training, decoding and scoring beside PyTorch's, in the same minute. */
import { Command, Option } from "commander";
import { availableParallelism, cpus } from "node:os";
import { join } from "node:path";
import { duration, statusLine, writeWhole } from "@implicit/notebook";
import { Bench, type BenchFigures, benchLine, benchmarkNames, projectRoot } from "implicit/tasks";
import { several, whole } from "./arguments.ts";

const { json, only, threads, eager, keep } = new Command("deno task bench")
  .description(
    "Measure training, decoding and scoring beside PyTorch, which python3 must have for a peer.\n" +
      "T: vocabulary 2,048, width 256, 4 layers, batch 16 × 256. S: SmolLM2-135M's shape, 1 × 256.\n" +
      `Benchmarks: ${benchmarkNames.join(", ")}.`,
  )
  .option("--json", "print JSON and nothing else")
  .option(
    "--only <names>",
    "run these benchmarks alone, separated by commas",
    several(benchmarkNames),
  )
  .option("--threads <n>", "threads of both sides", whole(1), availableParallelism())
  .addOption(
    new Option(
      "--eager",
      "also time a training step of the miniature's model on eager tfjs (minutes)",
    )
      .conflicts("json"),
  )
  .addOption(
    new Option("--keep", "keep the figures in data/bench.json, from where `readme` takes them")
      .conflicts(["json", "only"]),
  )
  .parse()
  .opts<{ json?: boolean; only?: string[]; threads: number; eager?: boolean; keep?: boolean }>();

const names = only ?? benchmarkNames;
const status = statusLine();
const say = (text: string) => {
  status.clear();
  if (!json) console.log(text);
};
const started = performance.now();
let done = 0;
const bench = new Bench(threads, (run, turn, turns) => {
  const left = (performance.now() - started) / 1000 / done * (Bench.turns(names) - done);
  const about = done++ === 0 ? "" : ` · about ${duration(left)} left`;
  status.show(`${run} · turn ${turn} of ${turns}${about}`);
});
const figures: BenchFigures = {
  date: new Date().toISOString().slice(0, 10),
  processor: cpus()[0]?.model.trim() ?? "unknown",
  threads,
  ours: "",
  peer: null,
  rows: [],
  shares: {},
  engines: {},
};
for (const name of names) {
  const { row, sides, missing } = await bench.measure(name);
  if (figures.rows.length === 0) {
    [figures.ours, figures.peer] = [sides[0]!, sides[1] ?? null];
    say(`ours: ${figures.ours}${figures.peer ? `\npeer: ${figures.peer}` : ""}`);
  }
  figures.rows.push(row);
  say(benchLine(row) + (missing === null ? "" : ` (no peer: ${missing})`));
  if (json || !name.startsWith("train")) continue;
  const shares = figures.shares[name] = await bench.shares(name);
  const percent = Object.entries(shares).map(([part, share]) =>
    `${part} ${(100 * share).toFixed(0)} %`
  );
  say(`  of a step: ${percent.join(", ")}`);
}
for (const kind of eager ? (["compiled", "eager"] as const) : []) {
  const { name, seconds } = await bench.engine(kind);
  figures.engines[name] = seconds;
  say(`train-step-world (16 × 128): ${seconds.toPrecision(3)} s, ${name}`);
}
if (keep) {
  const path = join(projectRoot(), "data", "bench.json");
  await writeWhole(path, JSON.stringify(figures, null, 1) + "\n");
}
if (json) console.log(JSON.stringify(figures.rows, null, 2));
