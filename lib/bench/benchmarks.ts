/**
 * The benchmarks of `deno task bench`: this project's engine, decoder and scorer beside PyTorch's and
 * llama.cpp's. Each is a process of ours (worker.ts) and some of peers (peer.py, llama_peer.mjs) that
 * take turns; figures are medians.
 */
import { fileURLToPath } from "node:url";
import process from "node:process";
import type { BenchRow } from "./figures.ts";
import type { GgufFormat } from "./gguf.ts";
import { findLlama, startLlama } from "./llama.ts";
import { type Contender, joinRuns, type Run, Side, takeTurns, type Turns } from "./turns.ts";
import type { Kind } from "./work.ts";

/** Seconds that a peer may take for all its turns of a run, with its start. */
const PATIENCE = 120;

const PYTORCH = "PyTorch";
const pytorchVariants = [
  PYTORCH,
  "PyTorch compiled",
  "PyTorch bf16",
  "PyTorch bf16 compiled",
] as const;
const llamaFormats: Readonly<Record<string, GgufFormat>> = {
  "llama.cpp f32": "f32",
  "llama.cpp q8_0": "q8_0",
};

/** Turns that are taken once, and that one benchmark or two read. */
interface Turning {
  readonly rounds: number;
  /**
   * How often all sides start anew, default 1: where a process's memory comes to lie makes its decoding
   * up to 15 % faster or slower for as long as it lives.
   */
  readonly starts?: number;
  /** By label; what has none here is a run of our own. */
  readonly peers: readonly string[];
  /** Reads memory by turns too: what decoding waits for. */
  readonly memory?: true;
}

const runs: Readonly<Record<string, Turning>> = {
  "train-step-T": { rounds: 5, peers: pytorchVariants },
  "train-step-S": { rounds: 5, peers: pytorchVariants },
  "train-step-S-masked": { rounds: 5, peers: pytorchVariants },
  "decode-S": {
    rounds: 3,
    starts: 3,
    peers: [...pytorchVariants, "llama.cpp f32"],
    memory: true,
  },
  "decode-S-q8": {
    rounds: 3,
    starts: 5,
    peers: ["llama.cpp q8_0", "transformers.js q8"],
    memory: true,
  },
  "decode-world-batch-16": { rounds: 9, peers: ["decode-world-batch-1"] },
  "score-S": { rounds: 5, peers: [PYTORCH] },
  "first-step-T": { rounds: 1, peers: [PYTORCH] },
};

/** `measure`: what of a run is the figure; `peers`: those it is compared with, if not all. */
interface Benchmark {
  readonly measure: "seconds" | "rate" | "memory";
  readonly run: string;
  readonly peers?: readonly string[];
}

const benchmarks: Readonly<Record<string, Benchmark>> = {
  "train-step-T": { measure: "seconds", run: "train-step-T" },
  "train-step-S": { measure: "seconds", run: "train-step-S" },
  "train-step-S-masked": { measure: "seconds", run: "train-step-S-masked" },
  "decode-S": { measure: "rate", run: "decode-S" },
  "decode-S-q8": { measure: "rate", run: "decode-S-q8" },
  "decode-world-batch-16": { measure: "rate", run: "decode-world-batch-16" },
  "score-S": { measure: "rate", run: "score-S" },
  "first-step-T": { measure: "seconds", run: "first-step-T" },
  "memory-train-T": { measure: "memory", run: "train-step-T", peers: [PYTORCH] },
  "memory-train-S": { measure: "memory", run: "train-step-S", peers: [PYTORCH] },
};

/** The names of all benchmarks. T: vocabulary 2,048, width 256, 4 layers; S: SmolLM2-135M's shape. */
export const benchmarkNames: readonly string[] = Object.keys(benchmarks);

/** A benchmark's figures: a row a peer, or one without; why other peers are absent, by label. */
export interface Measured {
  readonly rows: readonly BenchRow[];
  readonly ours: string;
  /** What each peer says it is, by label. */
  readonly peers: Readonly<Record<string, string>>;
  readonly missing: Readonly<Record<string, string>>;
}

/** Runs benchmarks; a run that two of them read is made once. */
export class Bench {
  private readonly made = new Map<string, Run>();

  constructor(
    private readonly threads: number,
    /** Told before every start and turn: the run, and whose and which it is. */
    private readonly onTurn: (run: string, whose: string, turn: number) => void = () => {},
  ) {}

  /** How many starts and turns these take, for whoever shows what is left. */
  static turns(names: readonly string[]): number {
    return [...new Set(names.map((name) => benchmarks[name]!.run))]
      .map((run) => {
        const { rounds, starts = 1 } = runs[run]!;
        return starts * (1 + warmTurns(run) + rounds) * sidesOf(run).length;
      })
      .reduce((sum, turns) => sum + turns, 0);
  }

  /** Measures a benchmark beside its peers. */
  async measure(name: string): Promise<Measured> {
    const { measure, run, peers = runs[run]!.peers } = benchmarks[name]!;
    const { sides, missing } = await this.run(run);
    const side = (label: string) => sides.find((one) => one.label === label);
    const ours = side(OURS)!, memory = side(MEMORY);
    const shown = peers.flatMap((label) => side(label) ?? []);
    const unit = ({ memory: "GB", rate: "tokens/s", seconds: "s" } as const)[measure];
    const own = figure(measure, ours);
    const bandwidth = memory ? figure("rate", memory) : undefined;
    const share = ({ bytes }: Turns, rate: number) =>
      bandwidth && bytes ? rate * bytes / bandwidth : undefined;
    const row = (peer: Turns | null): BenchRow => {
      const theirs = peer && figure(measure, peer);
      const ratio = theirs === null ? null : measure === "rate" ? own / theirs : theirs / own;
      return {
        name,
        ours: own,
        peer: theirs,
        peer_name: peer && peer.label,
        unit,
        ratio,
        ...(bandwidth && {
          bandwidth,
          share: share(ours, own),
          peer_share: peer && theirs ? share(peer, theirs) : undefined,
        }),
      };
    };
    return {
      rows: shown.length > 0 ? shown.map(row) : [row(null)],
      ours: ours.name,
      peers: Object.fromEntries(shown.map(({ label, name }) => [label, name])),
      missing: Object.fromEntries(
        Object.entries(missing).filter(([label]) => peers.includes(label)),
      ),
    };
  }

  private async run(name: string): Promise<Run> {
    const known = this.made.get(name);
    if (known) return known;
    const { rounds, starts = 1 } = runs[name]!;
    const take = (labels: readonly string[]) => {
      const contenders = labels.map((label) => ({ label, start: () => this.start(name, label) }));
      return takeTurns(contenders as [Contender, ...Contender[]], {
        rounds,
        warm: warmTurns(name),
        patience: PATIENCE,
        onTurn: (whose, turn) => this.onTurn(name, whose, turn),
      });
    };
    let made = await take(sidesOf(name));
    for (let start = 1; start < starts; start++) {
      made = joinRuns(made, await take(made.sides.map(({ label }) => label)));
    }
    this.made.set(name, made);
    return made;
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

  private start(run: string, label: string): Side | string {
    const { threads } = this;
    if (label === OURS) return this.ours(run);
    const format = llamaFormats[label];
    if (format) {
      const found = findLlama(format);
      return typeof found === "string" ? found : startLlama(found, threads);
    }
    if (!label.startsWith(PYTORCH)) return this.ours(label);
    const python = process.env.IMPLICIT_PYTHON ?? "python3";
    return new Side(python, [here("peer.py"), run, `${threads}`, label], threads);
  }

  private ours(run: string, kind: Kind = "compiled"): Side {
    const args = ["run", "-A", here("worker.ts"), run, `${this.threads}`, kind];
    return new Side(process.execPath, args, this.threads);
  }
}

const OURS = "ours", MEMORY = "memory";

/** Labels of those who take turns in a run, ours first. */
const sidesOf = (run: string) => {
  const { peers, memory } = runs[run]!;
  return [OURS, ...peers, ...(memory ? [MEMORY] : [])];
};

const here = (file: string) => fileURLToPath(new URL(file, import.meta.url));

/** The first step is measured cold; everything else has one turn that does not count. */
const warmTurns = (run: string) => run.startsWith("first-step") ? 0 : 1;

function figure(measure: Benchmark["measure"], { turns, rss }: Turns): number {
  if (measure === "memory") return rss / 1e9;
  const each = turns.map(({ amount, seconds }) => seconds! / amount!).sort((a, b) => a - b);
  const median = each[Math.floor(each.length / 2)]!;
  return measure === "rate" ? 1 / median : median;
}
