/**
 * The benchmarks of `deno task bench`: this project's engine, decoder and scorer beside PyTorch's. Each
 * is a process of ours (worker.ts) and one of the peer's (peer.py) that take turns; figures are medians.
 */
import { fileURLToPath } from "node:url";
import process from "node:process";
import type { BenchRow } from "./figures.ts";
import { type Run, Side, takeTurns, type Turns } from "./turns.ts";
import type { Kind } from "./work.ts";

/** `measure`: what of a run is the figure; `run`: the run it is taken from; `rounds`: its turns. */
interface Benchmark {
  readonly measure: "seconds" | "rate" | "memory";
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
  "first-step-T": { measure: "seconds", run: "first-step-T", rounds: 1 },
  "memory-train-T": { measure: "memory", run: "train-step-T", rounds: 7 },
  "memory-train-S": { measure: "memory", run: "train-step-S", rounds: 5 },
};

/** The names of all benchmarks. T: vocabulary 2,048, width 256, 4 layers; S: SmolLM2-135M's shape. */
export const benchmarkNames: readonly string[] = Object.keys(benchmarks);

/** Runs benchmarks; a run that two of them read is made once. */
export class Bench {
  private readonly runs = new Map<string, Run>();

  constructor(
    private readonly threads: number,
    /** Told of every turn: the run, the turn and how many there are in it. */
    private readonly onTurn: (run: string, turn: number, turns: number) => void = () => {},
  ) {}

  /** How many turns it takes to run these, for whoever shows what is left. */
  static turns(names: readonly string[]): number {
    const chosen = names.map((name) => benchmarks[name]!);
    return [...new Map(chosen.map((one) => [one.run, one.rounds + warmTurns(one)])).values()]
      .reduce((sum, turns) => sum + turns, 0);
  }

  /** A benchmark's figures. `sides`: what ran, ours first; `missing`: why there is no peer. */
  async measure(
    name: string,
  ): Promise<{ row: BenchRow; sides: readonly string[]; missing: string | null }> {
    const benchmark = benchmarks[name]!;
    const { measure } = benchmark;
    const { sides, missing } = await this.run(benchmark);
    const [ours, peer] = [figure(measure, sides[0]!), sides[1] ? figure(measure, sides[1]) : null];
    const ratio = peer === null ? null : measure === "rate" ? ours / peer : peer / ours;
    const unit = ({ memory: "GB", rate: "tokens/s", seconds: "s" } as const)[measure];
    const row = { name, ours, peer, peer_name: sides[1]?.name ?? null, unit, ratio };
    return { row, sides: sides.map(({ name }) => name), missing };
  }

  private async run(benchmark: Benchmark): Promise<Run> {
    const { run, rounds, ownPeer } = benchmark;
    const known = this.runs.get(run);
    if (known) return known;
    const warm = warmTurns(benchmark);
    const peer = ownPeer ? this.ours(ownPeer) : this.pytorch(run);
    const made = await takeTurns([this.ours(run), peer], {
      rounds,
      warm,
      onTurn: (turn) => this.onTurn(run, turn, rounds + warm),
    });
    const sides = made.sides.map((side, i) =>
      i === 1 && ownPeer ? { ...side, name: ownPeer } : side
    );
    this.runs.set(run, { ...made, sides });
    return { ...made, sides };
  }

  /** Shares of a training step by what they go to, from steps that are timed operator by operator. */
  async shares(name: string): Promise<Record<string, number>> {
    const side = this.ours(benchmarks[name]!.run, "profile");
    await side.read();
    for (let step = 0; step < 3; step++) await side.ask();
    const { parts = {}, missing } = await side.ask("quit");
    if (missing) throw new Error(`Expected the profile of ${name}, but found: ${missing}`);
    const total = Object.values(parts).reduce((sum, milliseconds) => sum + milliseconds, 0);
    return Object.fromEntries(
      Object.entries(parts).map(([part, milliseconds]) => [part, milliseconds / total]),
    );
  }

  /** Seconds of a training step of the miniature's model on an engine, and the engine's name. */
  async engine(kind: "compiled" | "eager"): Promise<{ name: string; seconds: number }> {
    const side = this.ours("train-step-world", kind);
    const { name } = await side.read();
    await side.ask(); // compiles
    const { seconds } = await side.ask();
    await side.ask("quit");
    return { name: name!, seconds: seconds! };
  }

  private ours(run: string, kind: Kind = "compiled"): Side {
    const args = ["run", "-A", here("worker.ts"), run, `${this.threads}`, kind];
    return new Side(process.execPath, args, this.threads);
  }

  private pytorch(run: string): Side {
    return new Side("python3", [here("peer.py"), run, `${this.threads}`], this.threads);
  }
}

const here = (file: string) => fileURLToPath(new URL(file, import.meta.url));

/** The first step is measured cold; everything else has one turn that does not count. */
const warmTurns = ({ run }: Benchmark) => run.startsWith("first-step") ? 0 : 1;

function figure(measure: Benchmark["measure"], { turns, rss }: Turns): number {
  if (measure === "memory") return rss / 1e9;
  const each = turns.map(({ amount, seconds }) => seconds! / amount!).sort((a, b) => a - b);
  const median = each[Math.floor(each.length / 2)]!;
  return measure === "rate" ? 1 / median : median;
}
