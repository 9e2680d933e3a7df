/** What `deno task trust` measured, as data/trust.json keeps it, and as a table. */
import type { ReaderFigures } from "./inputs.ts";
import type { KillFigures } from "./kills.ts";

export interface TrustFigures {
  readonly date: string;
  readonly processor: string;
  readonly cores: number;
  readonly seed: number;
  readonly readers: readonly ReaderFigures[];
  readonly kills: readonly KillFigures[];
}

const count = (value: number) => value.toLocaleString("en");

const sum = <T>(list: readonly T[], of: (one: T) => number) =>
  list.reduce((total, one) => total + of(one), 0);

/** Each kind of fault with its number, or "none". */
function faultsOf(kinds: readonly (readonly [kind: string, count: number])[]): string {
  const totals = new Map<string, number>();
  for (const [kind, count] of kinds) totals.set(kind, (totals.get(kind) ?? 0) + count);
  return [...totals].map(([kind, total]) => `${count(total)} × ${kind}`).join(", ") || "none";
}

/** One line a reader and one a kind of work that was killed, as a Markdown table. */
export function trustTable({ readers, kills }: TrustFigures): string {
  const rows = [...readers].map(({ reader, inputs, accepted, refused, faults }) =>
    `| ${reader} | ${count(inputs)} | ${count(refused)} | ${count(accepted)} | ${
      faultsOf(faults.map(({ kind, count }) => [kind, count]))
    } |`
  );
  const all = faultsOf(
    readers.flatMap(({ faults }) => faults.map(({ kind, count }) => [kind, count] as const)),
  );
  rows.push(
    `| **all** | ${count(sum(readers, (one) => one.inputs))} | ${
      count(sum(readers, (one) => one.refused))
    } | ${count(sum(readers, (one) => one.accepted))} | ${all} |`,
  );
  const killed = kills.map(({ work, kills, endings, faults }) =>
    `| ${work} | ${count(kills)} | ${count(endings)} | ${faults.join("; ") || "none"} |`
  );
  return [
    "| damaged inputs of | tried | refused with a sentence | read and found good | faults |",
    "|---|---|---|---|---|",
    ...rows,
    ...(killed.length === 0 ? [] : [
      "",
      "| killed at random | kills | works finished afterwards | faults |",
      "|---|---|---|---|",
      ...killed,
    ]),
  ].join("\n");
}

/** Where the table comes from, in one paragraph. */
export function trustProvenance(figures: TrustFigures): string {
  const { date, processor, cores, seed, readers } = figures;
  const hours = (sum(readers, (one) => one.seconds) / 3600).toFixed(1);
  return `\`deno task trust --seed ${seed}\`, ${date}, ${cores} cores of ${processor}, ` +
    `${hours} hours of reading in all. A fault is a process that dies, an input that takes ten ` +
    "seconds or a gigabyte, an error without a sentence, or something read that a second check " +
    "finds wrong.";
}
