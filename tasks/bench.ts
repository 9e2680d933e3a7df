/** `deno task bench`: training, decoding and scoring beside PyTorch's and others', in the same minute. */
import { Command, Option } from "commander";
import { availableParallelism, cpus } from "node:os";
import { join } from "node:path";
import { duration, statusLine, writeWhole } from "@implicit/notebook";
import {
  Bench,
  type BenchFigures,
  benchLine,
  benchmarkNames,
  fetchLlama,
  measureRounding,
  openScale,
  projectRoot,
  roundingLine,
} from "implicit/tasks";
import { several, whole } from "./arguments.ts";

const { json, only, threads, eager, fetch, keep } = new Command("deno task bench")
  .description(
    "Measure training, decoding and scoring by turns with PyTorch, which python3 (or the Python that\n" +
      "IMPLICIT_PYTHON names) must have, llama.cpp, which --fetch gets, and transformers.js, if Deno has\n" +
      "it in its cache. Let nothing else run.\n" +
      "T: vocabulary 2,048, width 256, 4 layers, batch 16 × 256. S: SmolLM2-135M's shape, 1 × 256.\n" +
      `Benchmarks: ${benchmarkNames.join(", ")}.`,
  )
  .option("--json", "print JSON and nothing else")
  .option(
    "--only <names>",
    "run these benchmarks alone, separated by commas",
    several(benchmarkNames),
  )
  .option("--threads <n>", "threads of all sides", whole(1), availableParallelism())
  .option("--fetch", "first put llama.cpp into .cache with npm, and its models (770 MB in all)")
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
  .opts<{
    json?: boolean;
    only?: string[];
    threads: number;
    eager?: boolean;
    fetch?: boolean;
    keep?: boolean;
  }>();

const names = only ?? benchmarkNames;
const status = statusLine();
const say = (text: string) => {
  status.clear();
  if (!json) console.log(text);
};
if (fetch) await fetchLlama((what) => status.show(`getting ${what}`));
const started = performance.now();
let done = 0;
const bench = new Bench(threads, (run, whose, turn) => {
  const left = (performance.now() - started) / 1000 / done * (Bench.turns(names) - done);
  const about = done++ === 0 ? "" : ` · about ${duration(left)} left`;
  status.show(`${run} · ${whose} ${turn === 0 ? "starts" : `turn ${turn}`}${about}`);
});
const figures: BenchFigures = {
  date: new Date().toISOString().slice(0, 10),
  processor: cpus()[0]?.model.trim() ?? "unknown",
  threads,
  ours: "",
  peers: {},
  rows: [],
  shares: {},
  engines: {},
};
for (const [i, name] of names.entries()) {
  const { rows, ours, peers, missing } = await bench.measure(name);
  done = Bench.turns(names.slice(0, i + 1)); // those of absent peers too
  if (i === 0) say(`ours: ${figures.ours = ours}`);
  for (const [label, what] of Object.entries(peers)) {
    if (!figures.peers[label]) say(`${label}: ${figures.peers[label] = what}`);
  }
  figures.rows.push(...rows);
  for (const row of rows) say(benchLine(row));
  for (const [label, why] of Object.entries(missing)) say(`  without ${label}: ${why}`);
  if (!json && name === "decode-S-q8") {
    status.show("what 8-bit weights change");
    const scale = await openScale("miniature");
    figures.rounding = await measureRounding(scale, scale.bases.slice(0, 3));
    say(`  ${roundingLine(figures.rounding)}`);
  }
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
