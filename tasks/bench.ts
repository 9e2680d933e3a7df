/**
 * `deno task bench`: this project's engine, decoder and scorer beside PyTorch's, in the same minute
 * on the same machine. Each benchmark is a process of ours (bench_worker.ts) and one of the peer's
 * (bench_peer.py) that take turns, A B A B …; figures are medians, ratio > 1 means ours is better.
 */
import { Command, InvalidArgumentError, Option } from "commander";
import { type ChildProcess, spawn } from "node:child_process";
import { availableParallelism, cpus } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { duration, statusLine, writeWhole } from "@implicit/notebook";
import { type Bench, type BenchRow, projectRoot } from "implicit/tasks";

/** `measure`: what of a run is the figure; `run`: the run it is taken from; `rounds`: its turns. */
interface Benchmark {
  readonly measure: "seconds" | "rate" | "first" | "memory";
  readonly run: string;
  readonly rounds: number;
  /** The run of our own that is the peer, where PyTorch is not. */
  readonly ownPeer?: string;
}

const benchmarks: Readonly<Record<string, Benchmark>> = {
  "train-step-T": { measure: "seconds", run: "train-step-T", rounds: 7 },
  "train-step-S": { measure: "seconds", run: "train-step-S", rounds: 5 },
  "train-step-S-masked": { measure: "seconds", run: "train-step-S-masked", rounds: 5 },
  "decode-S": { measure: "rate", run: "decode-S", rounds: 5 },
  "decode-world-batch-16": {
    measure: "rate",
    run: "decode-world-batch-16",
    rounds: 9,
    ownPeer: "decode-world-batch-1",
  },
  "score-S": { measure: "rate", run: "score-S", rounds: 5 },
  "first-step-T": { measure: "first", run: "first-step-T", rounds: 1 },
  "memory-train-T": { measure: "memory", run: "train-step-T", rounds: 7 },
  "memory-train-S": { measure: "memory", run: "train-step-S", rounds: 5 },
};

const options = new Command("deno task bench")
  .description(
    "Measure training, decoding and scoring beside PyTorch, which python3 must have for a peer.\n" +
      "T: vocabulary 2,048, width 256, 4 layers, batch 16 × 256. S: SmolLM2-135M's shape, 1 × 256.\n" +
      `Benchmarks: ${Object.keys(benchmarks).join(", ")}.`,
  )
  .option("--json", "print JSON and nothing else")
  .option("--only <names>", "run these benchmarks alone, separated by commas", (text) => {
    const names = text.split(",").map((name) => name.trim());
    for (const name of names) {
      if (!benchmarks[name]) throw new InvalidArgumentError(`Expected names among the list above.`);
    }
    return names;
  })
  .option("--threads <n>", "threads of both sides", Number, availableParallelism())
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

/** One line of a worker. */
interface Line {
  readonly name?: string;
  readonly missing?: string;
  readonly amount?: number;
  readonly seconds?: number;
  readonly parts?: Record<string, number>;
  readonly rss?: number;
}

/** A process that does one unit of work whenever it is asked. */
class Worker {
  private readonly process: ChildProcess;
  private readonly lines: AsyncIterator<string>;
  private errors = "";

  constructor(command: string, args: string[]) {
    const env = {
      ...process.env,
      OMP_NUM_THREADS: `${options.threads}`,
      OMP_WAIT_POLICY: "passive",
    };
    this.process = spawn(command, args, { env, stdio: ["pipe", "pipe", "pipe"] });
    this.process.on("error", (error) => (this.errors += error.message));
    this.process.stdin!.on("error", () => {}); // it has ended: the missing line says so
    this.process.stderr!.on("data", (text) => (this.errors += text));
    this.lines = createInterface({ input: this.process.stdout! })[Symbol.asyncIterator]();
  }

  async read(): Promise<Line> {
    const { value, done } = await this.lines.next();
    if (done) return { missing: this.errors.trim().split("\n").at(-1) || "it printed nothing" };
    return JSON.parse(value);
  }

  ask(line: string): Promise<Line> {
    this.process.stdin!.write(`${line}\n`);
    return this.read();
  }
}

const here = (file: string) => fileURLToPath(new URL(file, import.meta.url));
const ours = (run: string, kind = "compiled") =>
  new Worker(process.execPath, [
    "run",
    "-A",
    here("bench_worker.ts"),
    run,
    `${options.threads}`,
    kind,
  ]);
const pytorch = (run: string) =>
  new Worker("python3", [here("bench_peer.py"), run, `${options.threads}`]);

/** What both sides of a run took, turn by turn, and their greatest resident memory. */
interface Run {
  readonly sides: readonly {
    readonly name: string;
    readonly turns: readonly Line[];
    readonly rss: number;
  }[];
  readonly missing: string | null;
}

const chosen = (options.only ?? Object.keys(benchmarks)).map((name) => benchmarks[name]!);
const turnsInAll = [...new Map(chosen.map(({ run, rounds }) => [run, rounds + 1])).values()]
  .reduce((sum, turns) => sum + turns, 0);
let turnsDone = 0;
const started = performance.now();
const status = statusLine();

async function alternate(run: string, rounds: number, ownPeer?: string): Promise<Run> {
  const workers = [ours(run), ownPeer ? ours(ownPeer) : pytorch(run)];
  const hello = [await workers[0]!.read(), await workers[1]!.read()];
  if (hello[0]!.missing) throw new Error(`Expected ${run} to run, but found: ${hello[0]!.missing}`);
  const missing = hello[1]!.missing ?? null;
  const active = missing === null ? workers : workers.slice(0, 1);
  const turns: Line[][] = active.map(() => []);
  const warm = run.startsWith("first-step") ? 0 : 1;
  for (let round = 0; round < rounds + warm; round++) {
    const left = (performance.now() - started) / 1000 / turnsDone * (turnsInAll - turnsDone);
    const about = turnsDone === 0 ? "" : ` · about ${duration(left)} left`;
    status.show(`${run} · turn ${round + 1} of ${rounds + warm}${about}`);
    turnsDone++;
    for (const [side, worker] of active.entries()) {
      const line = await worker.ask("");
      if (line.missing) throw new Error(`Expected ${run} to go on, but found: ${line.missing}`);
      if (round >= warm) turns[side]!.push(line);
    }
  }
  const ends: Line[] = [];
  for (const worker of active) ends.push(await worker.ask("quit"));
  const sides = active.map((_, side) => ({
    name: side === 1 && ownPeer ? ownPeer : hello[side]!.name!,
    turns: turns[side]!,
    rss: ends[side]!.rss!,
  }));
  return { sides, missing };
}

const median = (values: readonly number[]) =>
  values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)]!;

function figure({ measure }: Benchmark, side: Run["sides"][number] | undefined): number | null {
  if (!side) return null;
  if (measure === "memory") return side.rss / 1e9;
  const perUnit = median(side.turns.map(({ amount, seconds }) => seconds! / amount!));
  return measure === "rate" ? 1 / perUnit : perUnit;
}

/** Shares of a training step by what they go to, from steps that are timed operator by operator. */
async function sharesOf(run: string): Promise<Record<string, number>> {
  const worker = ours(run, "profile");
  await worker.read();
  for (let step = 0; step < 3; step++) await worker.ask("");
  const { parts = {}, missing } = await worker.ask("quit");
  if (missing) throw new Error(`Expected the profile of ${run}, but found: ${missing}`);
  const total = Object.values(parts).reduce((sum, milliseconds) => sum + milliseconds, 0);
  return Object.fromEntries(
    Object.entries(parts).map(([part, milliseconds]) => [part, milliseconds / total]),
  );
}

const say = (text: string) => {
  status.clear();
  if (!options.json) console.log(text);
};
const runs = new Map<string, Run>();
const rows: BenchRow[] = [];
const shares: Record<string, Record<string, number>> = {};
const engines: Record<string, number> = {};
for (const name of options.only ?? Object.keys(benchmarks)) {
  const benchmark = benchmarks[name]!;
  const known = runs.get(benchmark.run);
  const run = known ?? await alternate(benchmark.run, benchmark.rounds, benchmark.ownPeer);
  if (runs.size === 0) say(`ours: ${run.sides[0]!.name}`);
  if (runs.size === 0 && run.sides[1]) say(`peer: ${run.sides[1].name}`);
  runs.set(benchmark.run, run);
  const [mine, theirs] = [figure(benchmark, run.sides[0])!, figure(benchmark, run.sides[1])];
  const ratio = theirs === null
    ? null
    : benchmark.measure === "rate"
    ? mine / theirs
    : theirs / mine;
  const unit = benchmark.measure === "memory"
    ? "GB"
    : benchmark.measure === "rate"
    ? "tokens/s"
    : "s";
  rows.push({ name, ours: mine, peer: theirs, peer_name: run.sides[1]?.name ?? null, unit, ratio });
  const format = (value: number | null) => value === null ? "–" : value.toPrecision(3);
  say(
    `${name.padEnd(22)} ours ${format(mine)} ${unit}, peer ${format(theirs)}, ratio ${
      format(ratio)
    }` +
      (run.missing === null ? "" : ` (no peer: ${run.missing})`),
  );
  if (!options.json && !known && name.startsWith("train")) {
    shares[name] = await sharesOf(benchmark.run);
    const percent = Object.entries(shares[name]).map(([part, share]) =>
      `${part} ${(100 * share).toFixed(0)} %`
    );
    say(`  of a step: ${percent.join(", ")}`);
  }
}
if (options.eager) {
  for (const kind of ["compiled", "eager"]) {
    const worker = ours("train-step-world", kind);
    const { name } = await worker.read();
    await worker.ask(""); // compiles
    const { seconds } = await worker.ask("");
    await worker.ask("quit");
    engines[name!] = seconds!;
    say(`train-step-world (16 × 128): ${seconds!.toPrecision(3)} s, ${name}`);
  }
}
if (options.keep) {
  const [first] = runs.values();
  const kept: Bench = {
    date: new Date().toISOString().slice(0, 10),
    processor: cpus()[0]?.model.trim() ?? "unknown",
    threads: options.threads,
    ours: first!.sides[0]!.name,
    peer: first!.sides[1]?.name ?? null,
    rows,
    shares,
    engines,
  };
  await writeWhole(join(projectRoot(), "data", "bench.json"), JSON.stringify(kept, null, 1) + "\n");
}
if (options.json) console.log(JSON.stringify(rows, null, 2));
