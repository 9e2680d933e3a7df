/**
 * Two processes that work by turns, A B A B …, so that both meet the same minutes of the same machine.
 * Knows their protocol (peer.py describes it), not what they do.
 */
import { type ChildProcess, spawn } from "node:child_process";
import process from "node:process";
import { createInterface } from "node:readline";

/** One line of a process. */
export interface Line {
  readonly name?: string;
  /** Why there is no such process. */
  readonly missing?: string;
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

  constructor(command: string, args: readonly string[], threads: number) {
    const env = { ...process.env, OMP_NUM_THREADS: `${threads}`, OMP_WAIT_POLICY: "passive" };
    this.process = spawn(command, args, { env, stdio: ["pipe", "pipe", "pipe"] });
    this.failed = new Promise((resolve) =>
      this.process.on("error", ({ message }) => resolve({ missing: message }))
    );
    this.process.stdin!.on("error", () => {}); // it has ended: the missing line says so
    this.process.stderr!.on("data", (text) => (this.errors += text));
    this.lines = createInterface({ input: this.process.stdout! })[Symbol.asyncIterator]();
  }

  read(): Promise<Line> {
    const line = this.lines.next().then(({ value, done }): Line =>
      done
        ? { missing: this.errors.trim().split("\n").at(-1) || "it printed nothing" }
        : JSON.parse(value)
    );
    return Promise.race([this.failed, line]);
  }

  ask(line = ""): Promise<Line> {
    this.process.stdin!.write(`${line}\n`);
    return this.read();
  }

  /** Ends the process if it still runs. */
  stop(): void {
    this.process.kill();
  }
}

/** What one side took, turn by turn, and its greatest resident memory in bytes. */
export interface Turns {
  readonly name: string;
  readonly turns: readonly Line[];
  readonly rss: number;
}

/** What both sides took; `missing` says why there is only one. */
export interface Run {
  readonly sides: readonly Turns[];
  readonly missing: string | null;
}

/**
 * Lets two sides take turns.
 *
 * @param options.warm first turns that do not count
 * @param options.onTurn called before each turn with its number, from 1
 * @throws where our side does not start, or either stops on the way.
 */
export async function takeTurns(
  sides: readonly [ours: Side, peer: Side],
  options: { rounds: number; warm: number; onTurn(turn: number): void },
): Promise<Run> {
  const { rounds, warm } = options;
  try {
    const [ours, peer] = [await sides[0].read(), await sides[1].read()];
    if (ours.missing) throw new Error(`Expected our side to run, but found: ${ours.missing}`);
    const names = [ours.name!, ...(peer.missing ? [] : [peer.name!])];
    const turns: Line[][] = names.map(() => []);
    for (let turn = 1; turn <= warm + rounds; turn++) {
      options.onTurn(turn);
      for (const [i, name] of names.entries()) {
        const line = await sides[i]!.ask();
        if (line.missing) throw new Error(`Expected ${name} to go on, but found: ${line.missing}`);
        if (turn > warm) turns[i]!.push(line);
      }
    }
    const took: Turns[] = [];
    for (const [i, name] of names.entries()) {
      took.push({ name, turns: turns[i]!, rss: (await sides[i]!.ask("quit")).rss! });
    }
    return { sides: took, missing: peer.missing ?? null };
  } finally {
    for (const side of sides) side.stop();
  }
}
