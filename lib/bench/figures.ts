/** The figures of benchmarks, as data/bench.json keeps them, and as a table. Knows nothing of how they come. */
import type { Rounding } from "./rounding.ts";

/** A benchmark beside one peer, as `--json` prints it; ratio > 1: ours is better. */
export interface BenchRow {
  readonly name: string;
  readonly ours: number | null;
  readonly peer: number | null;
  /** Its name here; `BenchFigures.peers` has what it is. */
  readonly peer_name: string | null;
  readonly unit: "s" | "tokens/s" | "GB";
  readonly ratio: number | null;
  /** Of decoding: bytes a second that memory was read at in the same minute, by as many threads. */
  readonly bandwidth?: number;
  /** The share of it that weights were read at, ours and the peer's. */
  readonly share?: number;
  readonly peer_share?: number;
}

/** What data/bench.json holds. */
export interface BenchFigures {
  date: string;
  processor: string;
  threads: number;
  ours: string;
  /** What each peer is, with version and settings, by its name in the rows. */
  peers: Record<string, string>;
  rows: BenchRow[];
  /** Of each training step: what share of its time goes to what. */
  shares: Record<string, Record<string, number>>;
  /** Seconds of the same training step, by engine. */
  engines: Record<string, number>;
  /** What the 8-bit weights of decode-S-q8 change, if it was measured. */
  rounding?: Rounding;
}

const figure = (value: number | null) =>
  value === null
    ? "–"
    : value >= 1000
    ? Math.round(value).toLocaleString("en")
    : value.toPrecision(3);

const percent = (share: number) => `${Math.round(100 * share)} %`;

/** What a row says beside its numbers: of its memory reads, in decoding. */
function bandwidthNote({ bandwidth, share, peer_share }: BenchRow): string {
  if (!bandwidth) return "";
  const shares = Object.entries({ ours: share, peer: peer_share })
    .flatMap(([side, share]) => share === undefined ? [] : [`${side} ${percent(share)}`]);
  return `of ${(bandwidth / 1e9).toFixed(1)} GB/s: ${shares.join(", ")}`;
}

/** A row's figures in a line. */
export function benchLine(row: BenchRow): string {
  const { name, ours, peer, peer_name, unit, ratio } = row;
  const theirs = `${peer_name ?? "peer"} ${figure(peer)}, ratio ${figure(ratio)}`;
  const note = bandwidthNote(row);
  return `${name.padEnd(22)} ours ${figure(ours)} ${unit}, ${theirs}${note && `; ${note}`}`;
}

/** The figures as a Markdown table: a line a peer, the benchmark named in its first one. */
export function benchTable({ rows, shares }: BenchFigures): string {
  const lines = rows.map((row, i) => {
    const { name, ours, peer, peer_name, unit, ratio } = row;
    const isFirst = rows[i - 1]?.name !== name;
    const parts = Object.entries(shares[name] ?? {}).map(([part, share]) =>
      `${part} ${percent(share)}`
    );
    const note = bandwidthNote(row) || (isFirst ? parts.join(", ") : "");
    const [label, own] = isFirst ? [name, `${figure(ours)} ${unit}`] : ["", ""];
    return `| ${label} | ${own} | ${peer_name ?? "–"} | ${figure(peer)} | ${
      figure(ratio)
    } | ${note} |`;
  });
  return [
    "| benchmark | ours | peer | its figure | ratio | of ours |",
    "|---|---|---|---|---|---|",
    ...lines,
  ].join("\n");
}

/** Where the table comes from, in one paragraph. */
export function benchProvenance(
  { date, processor, threads, ours, peers, engines }: BenchFigures,
): string {
  const steps = Object.entries(engines)
    .map(([name, seconds]) => `${seconds.toPrecision(3)} s ${name}`);
  const named = Object.entries(peers).map(([label, what]) => `${label}: ${what}`);
  return `${date}, ${threads} threads of ${processor}. ` +
    [`Ours: ${ours}`, ...named].join("; ") + ". A ratio above 1 means that ours is better." +
    (steps.length > 0
      ? ` The same function on two engines, a training step of the miniature's model: ${
        steps.join("; ")
      }.`
      : "");
}
