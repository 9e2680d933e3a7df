/**
 * Tables: rows go through a danfojs data frame, which knows the columns and their types, and come
 * out as HTML that scrolls in its own box, and as aligned text.
 *
 * Knows danfojs and both renderings. It does not know what the rows mean.
 */
import process from "node:process";
import { display, escapeHtml } from "./display.ts";
import { plainText } from "./terminal.ts";

/** One row: its fields are the cells, under their names. */
export type Row = object;

export interface TableOptions {
  readonly caption?: string;
  /** Columns to show, in order; default all of them. */
  readonly columns?: readonly string[];
  /** Digits after the point, for every column or by name; default 1. */
  readonly digits?: number | Readonly<Record<string, number>>;
}

/** The part of a danfojs data frame that is used here; the real one can do far more. */
export interface DataFrame {
  readonly columns: string[];
  readonly dtypes: string[];
  readonly values: unknown[][];
  readonly shape: [number, number];
  sortValues(column: string, options?: { ascending?: boolean }): DataFrame;
  groupby(columns: string[]): { col(columns: string[]): { mean(): DataFrame; sum(): DataFrame } };
  loc(options: { columns?: string[]; rows?: unknown[] }): DataFrame;
}

/**
 * A danfojs data frame of the rows. danfojs takes a second to load, the first time.
 *
 * @example
 * const frame = await dataFrame([{ arm: "base", rate: 3.5 }]);
 * console.log(frame.sortValues("rate").values);
 */
export async function dataFrame(rows: readonly Row[]): Promise<DataFrame> {
  const columns = [...new Set(rows.flatMap((row) => Object.keys(row)))];
  const { DataFrame } = await danfo();
  const values = rows.map((row) =>
    columns.map((column) => (row as Record<string, unknown>)[column] ?? null)
  );
  return new DataFrame(values, { columns });
}

/**
 * Joins two data frames: the rows of both that agree in the columns `on`, side by side.
 *
 * @example
 * const both = await merge(await dataFrame(before), await dataFrame(after), ["family"]);
 */
export async function merge(left: DataFrame, right: DataFrame, on: string[]): Promise<DataFrame> {
  return (await danfo()).merge({ left, right, on, how: "inner" });
}

interface Danfo {
  DataFrame: new (values: unknown[][], options: { columns: string[] }) => DataFrame;
  merge(options: { left: DataFrame; right: DataFrame; on: string[]; how: "inner" }): DataFrame;
}

/**
 * danfojs says it wants tfjs-node, and asks for tfjs: package.json leads both to tfjs-core, of which
 * its frames use tensors alone.
 */
const danfo = () => quietly(() => import("danfojs-node")) as unknown as Promise<Danfo>;

/** Loads a package whose own packages warn of what is deprecated: nothing that a reader can mend. */
async function quietly<T>(load: () => Promise<T>): Promise<T> {
  const node = process as typeof process & { noDeprecation?: boolean };
  const { noDeprecation } = node;
  node.noDeprecation = true;
  try {
    return await load();
  } finally {
    node.noDeprecation = noDeprecation;
  }
}

/**
 * Shows rows, or a data frame, as a table.
 *
 * @example await showTable([{ arm: "base", "pass rate": 3.5 }], { caption: "Pass rate in percent" });
 */
export async function showTable(
  rows: readonly Row[] | DataFrame,
  options: TableOptions = {},
): Promise<void> {
  if (Array.isArray(rows) && rows.length === 0) {
    return await display({ "text/plain": `${options.caption ?? "Table"}: no rows` });
  }
  const table = await layOut(rows, options);
  await display({ "text/plain": tableText(table), "text/html": tableHtml(table) });
}

/** A table ready to be drawn. */
export interface Table {
  readonly caption: string;
  readonly heads: readonly string[];
  readonly numeric: readonly boolean[];
  readonly cells: readonly (readonly string[])[];
}

/**
 * Rows, or a data frame, as cells of text, columns chosen and aligned.
 *
 * @example console.log(tableText(await layOut([{ arm: "base", rate: 3.5 }])));
 */
export async function layOut(
  rows: readonly Row[] | DataFrame,
  options: TableOptions = {},
): Promise<Table> {
  const frame = Array.isArray(rows) ? await dataFrame(rows) : rows as DataFrame;
  if (!Array.isArray(frame?.columns)) {
    throw new Error(
      `Expected rows (an array of objects) or a data frame but found ${typeof rows}.`,
    );
  }
  const { caption = "", columns = frame.columns, digits = 1 } = options;
  const places = columns.map((column) => {
    const place = frame.columns.indexOf(column);
    if (place >= 0) return place;
    throw new Error(
      `Expected a column "${column}" but found ${frame.columns.map((c) => `"${c}"`).join(", ")}.`,
    );
  });
  // A column of whole numbers stays whole; any fraction gives all its cells the same digits.
  const whole = places.map((place) =>
    frame.values.every((row) => typeof row[place] !== "number" || Number.isInteger(row[place]))
  );
  const cells = frame.values.map((row) =>
    places.map((place, i) => {
      const wanted = typeof digits === "number" ? digits : digits[columns[i]!] ?? 1;
      return cellText(row[place], whole[i] ? 0 : wanted);
    })
  );
  const numeric = places.map((place) =>
    frame.values.some((row) => typeof row[place] === "number") &&
    frame.values.every((row) => typeof row[place] !== "string" || row[place] === "–")
  );
  return { caption, heads: columns, numeric, cells };
}

function cellText(value: unknown, digits: number): string {
  if (value === null || value === undefined || Number.isNaN(value)) return "–";
  return typeof value === "number" ? value.toFixed(digits) : String(value).replaceAll("\n", "↵");
}

const line = "1px solid rgba(128,134,142,.35)";

/** The table as HTML, in a box of its own that scrolls. */
export function tableHtml({ caption, heads, numeric, cells }: Table): string {
  const align = (i: number) => numeric[i] ? "right" : "left";
  const cell = (tag: string, text: string, i: number, more: string) =>
    `<${tag} style="text-align:${align(i)};padding:4px 10px;vertical-align:top;${more}">` +
    `${escapeHtml(text)}</${tag}>`;
  const head = heads.map((text, i) => cell("th", text, i, `border-bottom:${line};font-weight:600`));
  const body = cells.map((row) =>
    `<tr style="background:none">` +
    row.map((text, i) => {
      const whole = /^[-–\d]/.test(text) && text.length < 24 ? ";white-space:nowrap" : "";
      return cell("td", text, i, `border-bottom:${line}${whole}`);
    }).join("") + `</tr>`
  );
  const title = caption &&
    `<caption style="text-align:left;padding:4px 10px;font-weight:600;color:inherit">` +
      `${escapeHtml(caption)}</caption>`;
  return `<div style="overflow-x:auto;max-width:100%"><table style="border-collapse:collapse;` +
    `font:13px system-ui,sans-serif;font-variant-numeric:tabular-nums;margin:4px 0">${title}` +
    `<thead><tr>${head.join("")}</tr></thead><tbody>${body.join("")}</tbody></table></div>`;
}

/** The table as aligned text. */
export function tableText({ caption, heads, numeric, cells }: Table): string {
  const rows = [heads, ...cells].map((row) =>
    row.map((text) => plainText(text).replaceAll("\n", "⏎"))
  );
  const widths = heads.map((_, i) => Math.max(...rows.map((row) => [...row[i]!].length)));
  const lines = rows.map((row) =>
    row.map((text, i) => {
      const gap = " ".repeat(widths[i]! - [...text].length);
      return numeric[i] ? gap + text : text + gap;
    }).join("  ").trimEnd()
  );
  lines.splice(1, 0, widths.map((width) => "─".repeat(width)).join("  "));
  return [...(caption ? [plainText(caption)] : []), ...lines].join("\n");
}
