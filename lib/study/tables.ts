/**
 * The paper's tables as one page of Markdown: every number of the paper, the miniature's beside it,
 * and which claims hold. Written into the README and the report; nothing in it is typed by hand.
 */
import type { PaperRow, ResultRow } from "./results.ts";
import { verdicts } from "./claims.ts";

const METRICS: Readonly<Record<string, string>> = {
  "win-rate": "win rate against instruction tuning, %",
  "ranking-accuracy": "right response ranked first, %",
};

/** `43.3 ± 1.1`, or with an interval where there is one seed. */
function cell({ value, sd, low, high }: ResultRow): string {
  const spread = sd === null ? "" : ` ± ${sd.toFixed(1)}`;
  return `${value.toFixed(1)}${spread} [${low.toFixed(1)}, ${high.toFixed(1)}]`;
}

/** A Markdown table. */
export function markdownTable(
  columns: readonly string[],
  rows: readonly (readonly (string | number)[])[],
): string {
  const head = columns.map((column) => column && ` ${column}`).join(" |");
  const lines = rows.map((cells) => `| ${cells.join(" | ")} |`);
  return [`|${head} |`, `|${"---|".repeat(columns.length)}`, ...lines].join("\n");
}

/**
 * Tables 1–6 of the paper with the measured rows beside them.
 *
 * @param rows result rows; those over all seeds are used.
 * @param paper the paper's numbers.
 * @example
 * ```ts
 * console.log(paperTables(rows, await paperRows()));
 * ```
 */
export function paperTables(rows: readonly ResultRow[], paper: readonly PaperRow[]): string {
  const over = rows.filter((row) => row.seed === null);
  const models = [...new Set(over.map((row) => row.model))].sort();
  const published = [...new Set(paper.map((row) => row.model))];
  const parts = [...new Set(paper.map((row) => row.table))].map((table) => {
    const own = paper.filter((row) => row.table === table);
    const { section, metric } = own[0]!;
    const lines = [...new Set(own.map((row) => row.arm))].map((arm) => {
      const papers = published.map((model) => {
        const row = own.find((r) => r.arm === arm && r.model === model);
        return row ? `${row.value}${row.sd === null ? "" : ` ± ${row.sd}`}` : "";
      });
      const measured = models.map((model) => {
        const row = over.find((r) =>
          r.section === section && r.arm === arm && r.model === model && r.metric === metric
        );
        return row ? cell(row) : "not measured";
      });
      return [arm, ...papers, ...measured];
    });
    const place = `${/\d/.test(section) ? "§" : "App. "}${section}`;
    return `**${table} (${place})**: ${METRICS[metric]}\n\n` +
      `${markdownTable(["", ...published, ...models], lines)}\n`;
  });
  return parts.join("\n");
}

/** The claims as a Markdown table: what the paper found, and whether each base shows it. */
export function claimsTable(rows: readonly ResultRow[]): string {
  const all = verdicts(rows);
  const models = [...new Set(all.map((verdict) => verdict.model))];
  const lines = [...new Set(all.map((verdict) => verdict.claim))].map((claim) => [
    claim,
    ...models.map((model) => {
      const { holds, figures } = all.find((v) => v.claim === claim && v.model === model)!;
      return `${holds === null ? "not measured" : holds ? "yes" : "**no**"}: ${figures}`;
    }),
  ]);
  return markdownTable(["claim", ...models], lines);
}

/** Where rows come from, in one line: seeds, hashes, versions. */
export function provenance(rows: readonly ResultRow[], date: string): string {
  const seeds = new Set(rows.map((row) => row.seed).filter((seed) => seed !== null));
  const { hashes = {}, versions = {} }: Partial<ResultRow> = rows[0] ?? {};
  const list = Object.entries(versions).map(([name, version]) => `${name} ${version}`).join(", ");
  return `${seeds.size} seeds, ${date}; ${list}; prompts ${hashes.prompts ?? "?"}, ` +
    `code ${hashes.code ?? "?"}. Mean ± sd over seeds (ddof 1), 95 % interval by paired bootstrap.`;
}

/** What a `reproduce` took, as it writes it into cost.json. */
export interface Cost {
  readonly command: string;
  readonly notebooks: number;
  readonly seeds: number;
  readonly seconds: number;
  readonly cores: number;
  readonly processor: string;
  readonly date: string;
}

/** Costs as a Markdown table. */
export function costsTable(costs: readonly Cost[]): string {
  return markdownTable(
    ["command", "notebooks", "seeds", "minutes", "measured on"],
    costs.map(({ command, notebooks, seeds, seconds, cores, processor, date }) => [
      `\`${command}\``,
      notebooks,
      seeds,
      (seconds / 60).toFixed(1),
      `${cores} × ${processor}, ${date}`,
    ]),
  );
}
