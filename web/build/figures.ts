/** The page's figures as the README shows them. Knows how they are written, not how they are taken. */

/** What was measured; `data/page.json`. Times in seconds. */
export interface PageFigures {
  readonly date: string;
  readonly browser: string;
  readonly engine: string;
  readonly machine: string;
  /** Processes that wanted a core, a minute's mean, before it began; absent where none looked. */
  readonly load?: number;
  /** Of the tuning that was timed. */
  readonly steps: number;
  readonly seconds: {
    /** Until the first question stands there. */
    readonly open: number;
    /** From there to the first token of an answer. */
    readonly answer: number;
    readonly tune: number;
    /** The same tuning by the native engine with one thread. */
    readonly native: number;
  };
  readonly tokensPerSecond: number;
  readonly bytes: { readonly gzip: number; readonly single: number };
  /** sha256 of the weights of a tuning with seed 1, by arm. */
  readonly hashes: Readonly<Record<string, string>>;
}

/** The README's table. */
export function pageTable({ seconds, tokensPerSecond, bytes, steps }: PageFigures): string {
  const mega = (count: number) => `${(count / 1e6).toFixed(1)} MB`;
  const rows = [
    ["from the address to the first question", `${seconds.open.toFixed(1)} s`],
    ["from there to the first answer", `${seconds.answer.toFixed(1)} s`],
    [`response tuning, ${steps} steps`, `${seconds.tune.toFixed(1)} s`],
    ["the same natively, one thread", `${seconds.native.toFixed(1)} s`],
    ["greedy answers", `${tokensPerSecond.toFixed(0)} tokens a second`],
    ["to fetch", `${mega(bytes.gzip)} (gzip), or ${mega(bytes.single)} as one file`],
  ];
  return `| in the browser | measured |\n| --- | --- |\n` +
    rows.map((row) => `| ${row.join(" | ")} |`).join("\n");
}

/** Where the figures come from, in a line. */
export function pageProvenance({ date, browser, engine, machine, load }: PageFigures): string {
  const shared = load === undefined
    ? " The machine's load was not noted, and other work may have run beside it."
    : load < 1
    ? ""
    : ` Other work ran beside it: the load was ${load.toFixed(1)} before it began.`;
  return `\`deno task page --measure\`, ${date}, ${browser}, ${engine}, ${machine}.${shared}`;
}
