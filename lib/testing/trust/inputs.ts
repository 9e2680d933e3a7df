/**
 * Damaged inputs for one reader after the other, read in processes that may die, hang or swell: each
 * reads thousands, and the next one goes on behind the input that ended it. Knows no reader.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import type { Outcome } from "./trial.ts";

/** A fault, and the first input that showed it: `READER SEED INPUT` makes it again. */
export interface Fault {
  readonly kind: Exclude<Outcome, "accepted" | "refused"> | "crash" | "hang";
  readonly input: number;
  readonly detail: string;
  /** Inputs that showed the same. */
  count: number;
}

/** What damaged inputs did to a reader. */
export interface ReaderFigures {
  readonly reader: string;
  inputs: number;
  accepted: number;
  refused: number;
  readonly faults: Fault[];
  seconds: number;
}

export interface InputOptions {
  readonly seed: number;
  /** Tries so many inputs at most. */
  readonly inputs?: number;
  /** Begins no input after this time (of `performance.now()`). */
  readonly until?: number;
  /** Called after every input. */
  readonly onInput?: (figures: ReaderFigures) => void;
  /** Program and arguments of the process; reader, seed, first, last and folder follow. */
  readonly command?: readonly string[];
  /** Seconds of work that an input may take. */
  readonly patience?: number;
}

/** How many inputs a process reads. */
const BATCH = 5000;

/** V8's own limit, so that a heap that grows for ever ends the process and not the machine. */
const HEAP = "--v8-flags=--max-old-space-size=2048";
const worker = fileURLToPath(new URL("./worker.ts", import.meta.url));
const WORKER = [process.execPath, "run", "-A", "--quiet", "--no-check", HEAP, worker];

/**
 * Tries a reader with inputs damaged by a seed, until there are enough or the time is over.
 *
 * @example
 * const { faults } = await tryReader("parquet", { seed: 1, inputs: 10_000 });
 */
export async function tryReader(reader: string, options: InputOptions): Promise<ReaderFigures> {
  const { inputs = Infinity, until = Infinity, command = WORKER } = options;
  const started = performance.now();
  const figures = { reader, inputs: 0, accepted: 0, refused: 0, faults: [], seconds: 0 };
  while (figures.inputs < inputs && performance.now() < until) {
    const to = Math.min(inputs, figures.inputs + BATCH);
    const folder = await mkdtemp(join(tmpdir(), `trust-${reader}-`));
    const range = [reader, options.seed, figures.inputs, to, folder].map(String);
    const child = spawn(command[0]!, [...command.slice(1), ...range], {
      stdio: ["ignore", "pipe", "pipe"],
    });
    try {
      await readBatch(child, figures, options);
    } finally {
      child.kill("SIGKILL");
      await rm(folder, { recursive: true, force: true });
    }
  }
  figures.seconds = (performance.now() - started) / 1000;
  return figures;
}

/** Counts what a process says; where it ends before its turn, its input is a crash or a hang. */
async function readBatch(
  child: ChildProcess,
  figures: ReaderFigures,
  { until = Infinity, onInput, patience = 10 }: InputOptions,
): Promise<void> {
  const ended = new Promise<string>((resolve) =>
    child.on("close", (code, signal) => resolve(code === 0 ? "" : String(signal ?? code)))
  );
  const errors: string[] = [];
  child.stderr!.on("data", (text) => errors.splice(0, errors.length - 20, String(text)));
  let isReady = false, isStopped = false, hung = false;
  let worked = 0; // seconds of the processor at the last line
  let last = performance.now();
  const watch = setInterval(async () => {
    if (!isReady || performance.now() - last < 1000 * patience) return;
    // On a busy machine a process may have got nothing of the time that has passed.
    const used = await secondsOf(child.pid!) - worked;
    if (used < patience && performance.now() - last < 12_000 * patience) return;
    hung = true;
    child.kill("SIGKILL");
  }, 100 * patience);
  for await (const line of createInterface({ input: child.stdout! })) {
    last = performance.now();
    if (!isReady) {
      isReady = line === "ready";
      continue;
    }
    const [outcome, detail = ""] = JSON.parse(line) as [Outcome, string?];
    if (figures.inputs++ % 100 === 0) worked = await secondsOf(child.pid!);
    if (outcome === "accepted" || outcome === "refused") figures[outcome]++;
    else addFault(figures, outcome, detail);
    onInput?.(figures);
    if (performance.now() > until && !isStopped) {
      isStopped = true;
      child.kill("SIGKILL");
    }
  }
  clearInterval(watch);
  const how = await ended;
  if (how === "" || isStopped) return;
  const said = errors.join("").trim().slice(-300);
  if (!isReady) {
    throw new Error(`Expected the process of "${figures.reader}" to begin, but found: ${said}`);
  }
  figures.inputs++;
  addFault(
    figures,
    hung ? "hang" : "crash",
    hung ? `no answer in ${patience} s` : `${how} ${said}`,
  );
  onInput?.(figures);
}

/** Faults that differ in numbers and quotations alone are one. */
const kindOf = (detail: string) => detail.replace(/"[^"]*"|\d+/g, "…").slice(0, 60);

function addFault({ faults, inputs }: ReaderFigures, kind: Fault["kind"], detail: string): void {
  const same = faults.find((one) => one.kind === kind && kindOf(one.detail) === kindOf(detail));
  if (same) same.count++;
  else faults.push({ kind, input: inputs - 1, detail, count: 1 });
}

/** Seconds that a process has had of the processor, where the system says; else the time itself. */
async function secondsOf(pid: number): Promise<number> {
  const stat = await readFile(`/proc/${pid}/stat`, "utf8").catch(() => null);
  if (stat === null) return performance.now() / 1000;
  const [user, system] = stat.slice(stat.lastIndexOf(")") + 2).split(" ").slice(11, 13);
  return (Number(user) + Number(system)) / 100; // ticks, a hundred a second on every Linux
}
