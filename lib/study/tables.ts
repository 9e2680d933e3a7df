/**
 * The paper's tables as one page of Markdown: every number of the paper, the miniature's beside it,
 * and which claims hold. Written into the README and the report; nothing in it is typed by hand.
 */
import { differenceOverBases, overBases } from "./bases.ts";
import type { PaperRow, ResultRow } from "./results.ts";
import { type Verdict, verdicts } from "./verdicts.ts";

const METRICS: Readonly<Record<string, string>> = {
  "win-rate": "win rate against instruction tuning, %",
  "ranking-accuracy": "right response ranked first, %",
};

/** `43.3 ± 1.1`, or with an interval where there is one seed. */
function cell({ value, sd, low, high }: Pick<ResultRow, "value" | "sd" | "low" | "high">): string {
  const spread = sd === null ? "" : ` ± ${sd.toFixed(1)}`;
  return `${value.toFixed(1)}${spread} [${low.toFixed(1)}, ${high.toFixed(1)}]`;
}

/** A Markdown table. */
export function markdownTable(
  columns: readonly string[],
  rows: readonly (readonly (string | number)[])[],
): string {
  // A name is text, whatever is in it, though tables may stand in a page.
  const plain = (text: string | number) =>
    String(text).replace(/[<|]/g, (c) => `&#${c.charCodeAt(0)};`);
  const head = columns.map((column) => column && ` ${plain(column)}`).join(" |");
  const lines = rows.map((cells) => `| ${cells.map(plain).join(" | ")} |`);
  return [`|${head} |`, `|${"---|".repeat(columns.length)}`, ...lines].join("\n");
}

/**
 * Tables 1–6 of the paper with the measured rows beside them: one base's with sd and interval; of
 * several the mean, its interval, and the range of the bases.
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
  const means = models.length === 1
    ? []
    : overBases(over.filter(({ metric }) => metric in METRICS));
  const columns = models.length === 1 ? models : [`${models.length} bases`, "their range"];
  const parts = [...new Set(paper.map((row) => row.table))].map((table) => {
    const own = paper.filter((row) => row.table === table);
    const { section, metric } = own[0]!;
    const lines = [...new Set(own.map((row) => row.arm))].map((arm) => {
      const papers = published.map((model) => {
        const row = own.find((r) => r.arm === arm && r.model === model);
        return row
          ? `${row.value}${row.sd === null ? "" : ` ± ${row.sd < 1 ? row.sd : row.sd.toFixed(1)}`}`
          : "";
      });
      const is = (row: Pick<ResultRow, "section" | "arm" | "metric">) =>
        row.section === section && row.arm === arm && row.metric === metric;
      const row = over.find(is), mean = means.find(is);
      if (row && models.length === 1) return [arm, ...papers, cell(row)];
      if (!mean) return [arm, ...papers, ...columns.map(() => "not measured")];
      const range = `${mean.lowest.toFixed(1)} – ${mean.highest.toFixed(1)}`;
      return [arm, ...papers, cell({ ...mean, sd: null }), range];
    });
    const place = `${/\d/.test(section) ? "§" : "App. "}${section}`;
    return `**${table} (${place})**: ${METRICS[metric]}\n\n` +
      `${markdownTable(["", ...published, ...columns], lines)}\n`;
  });
  return parts.join("\n");
}

/** What the paper found: how many bases show each claim, and folded away the figures that decide. */
export function claimsSection(rows: readonly ResultRow[], paper: readonly PaperRow[]): string {
  const ablations = ablationsTable(rows, paper);
  return `${
    claimsTable(rows)
  }\n\n${ablations}<details>\n<summary>The figures that decide</summary>\n\n` +
    `${claimFigures(rows, paper)}\n</details>`;
}

/** What is left of the rules' win rate without each, beside the paper's, and the points it adds. */
function ablationsTable(rows: readonly ResultRow[], paper: readonly PaperRow[]): string {
  const over = overBases(rows.filter(({ section }) => section === "6"));
  const win = (
    list: readonly Pick<ResultRow, "arm" | "section" | "metric" | "value">[],
    arm: string,
  ) =>
    list.find((row) => row.section === "6" && row.arm === arm && row.metric === "win-rate")?.value;
  const lines = ["eos", "repetition", "uniform"].flatMap((rule) => {
    const arm = `rules-without-${rule}`;
    const left = (list: Parameters<typeof win>[0]) => 100 * win(list, arm)! / win(list, "rules")!;
    if (win(over, arm) === undefined || win(over, "rules") === undefined) return [];
    const adds = differenceOverBases(rows, "6", "rules", arm);
    return [[rule, left(paper).toFixed(0), left(over).toFixed(0), cell({ ...adds, sd: null })]];
  });
  const columns = ["without the rule", "left in the paper, %", "left here, %", "points it adds"];
  return lines.length === 0 ? "" : `${markdownTable(columns, lines)}\n\n`;
}

/** The claims as a Markdown table: what the paper found, and how many bases show it. */
export function claimsTable(rows: readonly ResultRow[]): string {
  const lines = [...byClaim(verdicts(rows))].map(([claim, all]) => {
    const held = all.filter(({ holds }) => holds).length;
    const unknown = all.some(({ holds }) => holds === null);
    const failed = all.filter(({ holds }) => holds === false).map(({ model }) => model).join(", ");
    const count = `${held} of ${all.length}`;
    return [claim, unknown ? "not measured" : held < all.length ? `**${count}**` : count, failed];
  });
  return markdownTable(["claim", "holds on", "fails on"], lines);
}

/** The figures that decide each claim, of the paper's models and of every base. */
function claimFigures(rows: readonly ResultRow[], paper: readonly PaperRow[]): string {
  return [...byClaim(verdicts(rows, paper))].map(([claim, all]) => {
    const lines = Object.keys(all[0]!.figures).map((name) => {
      const values = all.map(({ figures }) => figures[name]!);
      // Rates are percent; numbers that all lie within ±1 are correlations.
      const digits = values.some((value) => Math.abs(value) > 1) ? 1 : 2;
      return [name, ...values.map((value) => Number.isNaN(value) ? "" : value.toFixed(digits))];
    });
    const holds = all.map(({ holds }) => holds === null ? "" : holds ? "yes" : "**no**");
    const table = markdownTable(["", ...all.map(({ model }) => model)], [...lines, ["", ...holds]]);
    return `**${claim}**\n\n${table}\n`;
  }).join("\n");
}

const byClaim = (all: readonly Verdict[]) => Map.groupBy(all, ({ claim }) => claim);

/** Where rows come from, in one line: seeds, hashes, versions. */
export function provenance(rows: readonly ResultRow[], date: string): string {
  const seeds = new Set(rows.map((row) => row.seed).filter((seed) => seed !== null));
  const { hashes = {}, versions = {} }: Partial<ResultRow> = rows[0] ?? {};
  const list = Object.entries(versions).map(([name, version]) => `${name} ${version}`).join(", ");
  const bases = new Set(rows.map((row) => row.model)).size;
  const meaning = bases === 1
    ? "Mean ± sd over seeds (ddof 1), 95 % interval by paired bootstrap."
    : `Mean over ${bases} bases; 95 % interval by a bootstrap of bases, then seeds, then ` +
      "instructions; lowest and highest base.";
  return `${seeds.size} seeds, ${date}; ${list}; prompts ${hashes.prompts ?? "?"}, ` +
    `code ${hashes.code ?? "?"}. ${meaning}`;
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
  /** Whether no run was kept when it began: only then are these the times of a first run. */
  readonly cold?: boolean;
  /** Seconds of each notebook, on the first base. */
  readonly each?: Readonly<Record<string, number>>;
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
