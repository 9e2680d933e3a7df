/**
 * Damaged inputs for one reader after the other, read in processes that may die, hang or swell: each
 * reads thousands, and the next one goes on behind the input that ended it. Knows no reader.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { createInterface } from "node:readline";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import type { Outcome } from "./trial.ts";

/** A fault, and the inputs that showed it: `READER SEED INPUT` makes one again. */
export interface Fault {
  readonly kind: Exclude<Outcome, "accepted" | "refused"> | "memory" | "crash" | "hang";
  /** The first of them. */
  readonly inputs: number[];
  readonly detail: string;
  count: number;
}

/** What damaged inputs did to a reader. The next one has the number `inputs`. */
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
  /** Tries so many inputs at most, those of `before` among them. */
  readonly inputs?: number;
  /** Begins no input after this time (of `performance.now()`). */
  readonly until?: number;
  /** What was found before: counted on, behind its inputs. */
  readonly before?: ReaderFigures;
  /** Called a few times a second, with what is known by then. */
  readonly onInput?: (figures: ReaderFigures) => void;
  /** Program and arguments of the process; reader, seed, first, last, folder and step follow. */
  readonly command?: readonly string[];
  /** Seconds of work that an input may take. */
  readonly patience?: number;
}

/** How many inputs a process reads, and after how many it looks at its memory. */
const BATCH = 50_000, STEP = 100;

/** How many inputs a process has under way at most. */
export const LANES = 8;

/** How many inputs of a fault are named. */
const NAMED = 100;

/** V8's own limit, so that a heap that grows for ever ends the process and not the machine. */
const HEAP = "--v8-flags=--max-old-space-size=2048";
const worker = fileURLToPath(new URL("./worker.ts", import.meta.url));
const WORKER = [process.execPath, "run", "-A", "--quiet", "--no-check", HEAP, worker];

/** Memory, where the system has a folder in it: what is tried is no disk. */
const scratch = () => existsSync("/dev/shm") ? "/dev/shm" : tmpdir();

/**
 * Tries a reader with inputs damaged by a seed, until there are enough or the time is over.
 *
 * @example
 * const { faults } = await tryReader("parquet", { seed: 1, inputs: 10_000 });
 */
export async function tryReader(reader: string, options: InputOptions): Promise<ReaderFigures> {
  const { inputs = Infinity, until = Infinity, before } = options;
  const figures = structuredClone(before) ??
    { reader, inputs: 0, accepted: 0, refused: 0, faults: [], seconds: 0 };
  const spent = figures.seconds, started = performance.now();
  const seconds = () => spent + (performance.now() - started) / 1000;
  while (figures.inputs < inputs && performance.now() < until) {
    const from = figures.inputs, to = Math.min(inputs, from + BATCH);
    const batch = await readBatch(reader, from, to, STEP, options, (letters, faults) => {
      const now = structuredClone(figures);
      count(now, letters, faults);
      options.onInput?.({ ...now, seconds: seconds() });
    });
    const { letters, faults } = await withoutUnruly(reader, [from, to], batch, options);
    count(figures, letters, faults);
    for (const { input, kind } of faults) {
      if (kind === "memory" && input < figures.inputs) await findLarge(figures, input, options);
    }
    figures.seconds = seconds();
    options.onInput?.(figures);
  }
  return figures;
}

/** Adds what became of the inputs up to the first that has no letter yet. */
function count(figures: ReaderFigures, letters: string, faults: Batch["faults"]): void {
  const [done] = letters.split(UNDER_WAY, 1) as [string];
  figures.inputs += done.length;
  for (const letter of done) {
    if (letter !== "f") figures[letter === "a" ? "accepted" : "refused"]++;
  }
  for (const { input, kind, detail } of faults) {
    if (kind !== "memory" && input < figures.inputs) addFault(figures, input, kind, detail);
  }
}

/** What became of the inputs where one ended the process: those that were under way are tried alone. */
async function withoutUnruly(
  reader: string,
  [from, to]: readonly [number, number],
  { letters: done, faults: found, ended }: Batch,
  options: InputOptions,
): Promise<Pick<Batch, "letters" | "faults">> {
  if (!ended) return { letters: done, faults: found };
  const { until: _, ...rest } = options;
  const letters = [...done.padEnd(Math.min(to - from, done.length + LANES), UNDER_WAY)];
  const faults = [...found];
  const places = letters.flatMap((letter, place) => letter === UNDER_WAY ? [place] : []);
  for (const place of places) {
    const input = from + place;
    const alone = await readBatch(reader, input, input + 1, 1, rest);
    letters[place] = alone.ended ? "f" : alone.letters;
    faults.push(...alone.faults, ...(alone.ended ? [{ input, ...alone.ended }] : []));
  }
  if (places.every((place) => letters[place] !== "f")) { // it was none of them alone
    letters[places[0]!] = "f";
    faults.push({ input: from + places[0]!, ...ended });
  }
  return { letters: letters.join(""), faults };
}

/** Which of the inputs about this one took a gigabyte: each is looked at, in another process. */
async function findLarge(
  figures: ReaderFigures,
  last: number,
  options: InputOptions,
): Promise<void> {
  const { until: _, ...rest } = options;
  for (let from = Math.max(0, last + 1 - 2 * STEP); from <= last;) {
    const { letters, faults, ended } = await readBatch(figures.reader, from, last + 1, 1, rest);
    for (const { input, kind, detail } of faults) {
      if (kind === "memory") addFault(figures, input, kind, detail);
    }
    from += letters.length + (ended ? 1 : 0);
  }
}

/**
 * The figures without the faults that the reader does not show any more: each of their inputs is
 * tried again.
 */
export async function withoutMended(
  figures: ReaderFigures,
  options: InputOptions,
): Promise<ReaderFigures> {
  const kept: ReaderFigures = { ...structuredClone(figures), faults: [] };
  for (const fault of figures.faults) {
    if (fault.count > fault.inputs.length) {
      kept.faults.push(fault);
      continue;
    }
    for (const input of fault.inputs) {
      const { letters, faults, ended } = await readBatch(
        figures.reader,
        input,
        input + 1,
        1,
        options,
      );
      const [found] = ended ? [ended] : faults;
      if (found) addFault(kept, input, found.kind, found.detail);
      else if (fault.kind !== "memory") kept[letters[0] === "a" ? "accepted" : "refused"]++;
    }
  }
  return kept;
}

interface Found {
  readonly kind: Fault["kind"];
  readonly detail: string;
}

/** What a process made of its inputs. */
interface Batch {
  /** An "a", "r" or "f" for each that it was done with; {@link UNDER_WAY} for others between them. */
  readonly letters: string;
  readonly faults: readonly (Found & { readonly input: number })[];
  /** How one of those under way ended it, if one did. */
  readonly ended: Found | null;
}

const UNDER_WAY = "\0";

/** Lets a process read inputs; where it ends before its turn, one of those under way is the reason. */
async function readBatch(
  reader: string,
  from: number,
  to: number,
  step: number,
  options: InputOptions,
  onDone: (letters: string, faults: Batch["faults"]) => void = () => {},
): Promise<Batch> {
  const { seed, until = Infinity, command = WORKER, patience = 10 } = options;
  const folder = await mkdtemp(join(scratch(), `trust-${reader}-`));
  const args = [reader, seed, from, to, folder, step].map(String);
  const child = spawn(command[0]!, [...command.slice(1), ...args], {
    stdio: ["ignore", "pipe", "pipe"],
  });
  const said = listen(child);
  const read = () => readFile(join(folder, "outcomes"), "utf8").catch(() => "");
  let how: string | undefined; // it ended
  void said.ended.then((ended) => (how = ended));
  let isHung = false, isStopped = false;
  try {
    let done = 0, worked = 0, last = performance.now();
    while (how === undefined) {
      await Promise.race([said.ended, sleep(200)]);
      const letters = await read(), now = letters.replaceAll(UNDER_WAY, "").length;
      if (now > done || !said.isReady()) {
        done = now;
        last = performance.now();
        worked = await secondsOf(child.pid!);
        onDone(letters, said.faults);
      }
      const waited = (performance.now() - last) / 1000;
      // On a busy machine a process may have got nothing of the time that has passed.
      isHung = waited > patience &&
        (await secondsOf(child.pid!) - worked > patience || waited > 12 * patience);
      isStopped = performance.now() >= until;
      if (isHung || isStopped) break;
    }
    child.kill("SIGKILL");
    await said.ended;
    const { faults } = said, letters = await read();
    if (isHung) {
      return { letters, faults, ended: { kind: "hang", detail: `no answer in ${patience} s` } };
    }
    if (how === "" || isStopped) return { letters, faults, ended: null };
    if (said.isReady()) {
      return { letters, faults, ended: { kind: "crash", detail: `${how} ${said.errors()}` } };
    }
    throw new Error(`Expected the process of "${reader}" to begin, but found: ${said.errors()}`);
  } finally {
    child.kill("SIGKILL");
    await rm(folder, { recursive: true, force: true });
  }
}

/** What a process says, as it says it; `ended` is the empty text where it ended well. */
function listen(child: ChildProcess) {
  const faults: (Found & { input: number })[] = [], errors: string[] = [];
  let isReady = false;
  child.stderr!.on("data", (text) => errors.splice(0, errors.length - 20, String(text)));
  createInterface({ input: child.stdout! }).on("line", (line) => {
    if (!isReady) return void (isReady = line === "ready");
    const [input, kind, detail = ""] = JSON.parse(line) as [number, Fault["kind"], string?];
    faults.push({ input, kind, detail });
  });
  const ended = new Promise<string>((resolve) =>
    child.on("close", (code, signal) => resolve(code === 0 ? "" : String(signal ?? code)))
  );
  return {
    faults,
    ended,
    isReady: () => isReady,
    errors: () => errors.join("").trim().slice(-300),
  };
}

/** Faults that differ in numbers and quotations alone are one. */
const kindOf = (detail: string) => detail.replace(/"[^"]*"|\d+/g, "…").slice(0, 60);

function addFault(
  { faults }: ReaderFigures,
  input: number,
  kind: Fault["kind"],
  detail: string,
): void {
  const isSame = (one: Fault) => one.kind === kind && kindOf(one.detail) === kindOf(detail);
  let fault = faults.find(isSame);
  if (!fault) faults.push(fault = { kind, inputs: [], detail, count: 0 });
  if (fault.inputs.includes(input)) return;
  fault.count++;
  if (fault.inputs.length < NAMED) fault.inputs.push(input);
}

/** Seconds that a process has had of the processor, where the system says; else the time itself. */
async function secondsOf(pid: number): Promise<number> {
  const stat = await readFile(`/proc/${pid}/stat`, "utf8").catch(() => null);
  if (stat === null) return performance.now() / 1000;
  const [user, system] = stat.slice(stat.lastIndexOf(")") + 2).split(" ").slice(11, 13);
  return (Number(user) + Number(system)) / 100; // ticks, a hundred a second on every Linux
}
