/**
 * Processes that work by turns, A B C A B C …, so that all of them meet the same minutes of the same
 * machine. Knows their protocol (peer.py describes it), not what they do.
 */
import { type ChildProcess, spawn } from "node:child_process";
import process from "node:process";
import { createInterface } from "node:readline";

/** One line of a process. */
export interface Line {
  readonly name?: string;
  /** Why there is no such process. */
  readonly missing?: string;
  /** Bytes of weights that one of its amount reads, if that is what it waits for. */
  readonly bytes?: number;
  /** What it answers in a turn of decoding. */
  readonly tokens?: readonly number[];
  readonly amount?: number;
  readonly seconds?: number;
  readonly parts?: Record<string, number>;
  readonly rss?: number;
}

/** A process that does one unit of work whenever it is asked. */
export class Side {
  private readonly process: ChildProcess;
  private readonly lines: AsyncIterator<string>;
  /** Where the command cannot be started; its output would never end. */
  private readonly failed: Promise<Line>;
  private errors = "";

  constructor(
    command: string,
    args: readonly string[],
    threads: number,
    settings: Readonly<Record<string, string>> = {},
  ) {
    const common = { OMP_NUM_THREADS: `${threads}`, OMP_WAIT_POLICY: "passive", NO_COLOR: "1" };
    const env = { ...process.env, ...common, ...settings };
    this.process = spawn(command, args, { env, stdio: ["pipe", "pipe", "pipe"] });
    this.failed = new Promise((resolve) =>
      this.process.on("error", ({ message }) => resolve({ missing: message }))
    );
    this.process.stdin!.on("error", () => {}); // it has ended: the missing line says so
    this.process.stderr!.on("data", (text) => (this.errors += text));
    this.lines = createInterface({ input: this.process.stdout! })[Symbol.asyncIterator]();
  }

  /** Its next line, or, after so many seconds, that there is none. */
  async read(patience = Infinity): Promise<Line> {
    const line = this.lines.next().then(({ value, done }): Line =>
      done ? { missing: lastError(this.errors) } : JSON.parse(value)
    );
    let timer: ReturnType<typeof setTimeout> | undefined;
    const late = new Promise<Line>((resolve) => {
      if (patience === Infinity) return;
      const missing = `it took more than ${Math.round(patience)} s`;
      timer = setTimeout(() => resolve({ missing }), 1000 * patience);
    });
    try {
      return await Promise.race([this.failed, line, late]);
    } finally {
      clearTimeout(timer);
    }
  }

  ask(line = "", patience = Infinity): Promise<Line> {
    this.process.stdin!.write(`${line}\n`);
    return this.read(patience);
  }

  /** Ends the process if it still runs. */
  stop(): void {
    this.process.kill();
  }
}

/** What a process said last of an error, not where it was; else what it said last. */
function lastError(errors: string): string {
  const lines = errors.trim().split("\n");
  return lines.findLast((line) => /error\b/i.test(line)) ?? (lines.at(-1) || "it printed nothing");
}

/** One that takes turns: what it is called, and how it starts or why it is absent. */
export interface Contender {
  readonly label: string;
  start(): Side | string;
}

/** What one side took, turn by turn, and its greatest resident memory in bytes. */
export interface Turns {
  readonly label: string;
  /** What it is, in its own words. */
  readonly name: string;
  readonly bytes?: number;
  readonly turns: readonly Line[];
  readonly rss: number;
}

/** What all sides took, ours first; `missing` says why others are not among them, by their labels. */
export interface Run {
  readonly sides: readonly Turns[];
  readonly missing: Readonly<Record<string, string>>;
}

/** Two runs of the same contenders as one: those who were there both times, with all their turns. */
export function joinRuns(first: Run, second: Run): Run {
  const sides = first.sides.flatMap((side) => {
    const again = second.sides.find(({ label }) => label === side.label);
    if (!again) return [];
    const rss = Math.max(side.rss, again.rss);
    return [{ ...side, turns: [...side.turns, ...again.turns], rss }];
  });
  return { sides, missing: { ...first.missing, ...second.missing } };
}

/** How {@link takeTurns} goes. */
export interface TurnOptions {
  readonly rounds: number;
  /** First turns, that do not count. */
  readonly warm: number;
  /** Seconds that each of the others may take in all: where it would take more, it is left out. */
  readonly patience: number;
  /** Called before each start and turn with whose it is; 0 is the start. */
  onTurn(label: string, turn: number): void;
}

/** A side on its way. */
interface Started {
  readonly side: Side;
  readonly turns: Line[];
  /** Its first line. */
  ready: Line;
  seconds: number;
}

/**
 * Lets sides take turns; they start one after another, ours first.
 *
 * @throws where our side does not start or stops on the way.
 */
export async function takeTurns(
  contenders: readonly [ours: Contender, ...others: Contender[]],
  { rounds, warm, patience, onTurn }: TurnOptions,
): Promise<Run> {
  const [ours] = contenders;
  const [sides, missing] = [new Map<string, Started>(), {} as Record<string, string>];
  const leaveOut = (label: string, reason: string) => {
    if (label === ours.label) throw new Error(`Expected ${label} to run, but found: ${reason}`);
    sides.get(label)?.side.stop();
    sides.delete(label);
    missing[label] = reason;
  };
  const limit = (label: string, spent: number) =>
    label === ours.label ? Infinity : patience - spent;
  try {
    for (const { label, start } of contenders) {
      onTurn(label, 0);
      const [side, begun] = [start(), performance.now()];
      if (typeof side === "string") {
        leaveOut(label, side);
        continue;
      }
      const started: Started = { side, ready: {}, turns: [], seconds: 0 };
      sides.set(label, started);
      started.ready = await side.read(limit(label, 0));
      started.seconds = (performance.now() - begun) / 1000;
      if (started.ready.missing) leaveOut(label, started.ready.missing);
    }
    for (let turn = 1; turn <= warm + rounds; turn++) {
      for (const [label, started] of sides) {
        onTurn(label, turn);
        const begun = performance.now();
        const line = await started.side.ask("", limit(label, started.seconds));
        const seconds = (performance.now() - begun) / 1000;
        started.seconds += seconds;
        if (turn > warm) started.turns.push(line);
        if (line.missing) leaveOut(label, line.missing);
        else if (turn === 1 && seconds * (warm + rounds - 1) > limit(label, started.seconds)) {
          leaveOut(
            label,
            `a turn takes ${seconds.toPrecision(2)} s, too long for ${rounds} of them`,
          );
        }
      }
    }
    const took: Turns[] = [];
    for (const [label, { side, ready, turns }] of sides) {
      const { rss } = await side.ask("quit");
      took.push({ label, name: ready.name!, bytes: ready.bytes, turns, rss: rss! });
    }
    return { sides: took, missing };
  } finally {
    for (const { side } of sides.values()) side.stop();
  }
}
