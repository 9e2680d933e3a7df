/** The figures of benchmarks, as data/bench.json keeps them, and as a table. Knows nothing of how they come. */

/** A benchmark, as `--json` prints it; ratio > 1: ours is better. */
export interface BenchRow {
  readonly name: string;
  readonly ours: number | null;
  readonly peer: number | null;
  readonly peer_name: string | null;
  readonly unit: "s" | "tokens/s" | "GB";
  readonly ratio: number | null;
}

/** What data/bench.json holds. */
export interface BenchFigures {
  date: string;
  processor: string;
  threads: number;
  ours: string;
  peer: string | null;
  rows: BenchRow[];
  /** Of each training step: what share of its time goes to what. */
  shares: Record<string, Record<string, number>>;
  /** Seconds of the same training step, by engine. */
  engines: Record<string, number>;
}

const figure = (value: number | null) =>
  value === null
    ? "–"
    : value >= 1000
    ? Math.round(value).toLocaleString("en")
    : value.toPrecision(3);

/** A benchmark's figures in a line. */
export function benchLine({ name, ours, peer, unit, ratio }: BenchRow): string {
  return `${name.padEnd(22)} ours ${figure(ours)} ${unit}, peer ${figure(peer)}, ratio ${
    figure(ratio)
  }`;
}

/** The figures as a Markdown table. */
export function benchTable({ rows, peer, shares }: BenchFigures): string {
  const lines = rows.map(({ name, ours, peer: theirs, peer_name, unit, ratio }) => {
    const parts = Object.entries(shares[name] ?? {})
      .map(([part, share]) => `${part} ${Math.round(100 * share)} %`);
    const note = peer_name && peer_name !== peer ? `peer: ${peer_name}` : parts.join(", ");
    return `| ${name} | ${figure(ours)} ${unit} | ${figure(theirs)} | ${figure(ratio)} | ${note} |`;
  });
  return [
    "| benchmark | ours | peer | ratio | of ours |",
    "|---|---|---|---|---|",
    ...lines,
  ].join("\n");
}

/** Where the table comes from, in one paragraph. */
export function benchProvenance(
  { date, processor, threads, ours, peer, engines }: BenchFigures,
): string {
  const steps = Object.entries(engines)
    .map(([name, seconds]) => `${seconds.toPrecision(3)} s ${name}`);
  return `${date}, ${threads} threads of ${processor}; ours: ${ours}; peer: ${peer ?? "none"}. ` +
    "A ratio above 1 means that ours is better." +
    (steps.length > 0
      ? ` The same function on two engines, a training step of the miniature's model: ${
        steps.join("; ")
      }.`
      : "");
}
