/**
 * A forest plot as SVG: estimates with their intervals and the draws that they come from, in groups,
 * beside what others published. Small, drawn without plotly, the same bytes every time.
 *
 * Knows where each mark and word stands on a wide page and on a phone. It does not know what is
 * compared.
 */
import { escapeHtml } from "./display.ts";
import { palette } from "./style.ts";

/** One estimate, in the plot's unit. */
export interface ForestRow {
  readonly label: string;
  /** Said behind the label, in grey. */
  readonly note?: string;
  readonly value: number;
  /** Ends of the interval. */
  readonly low: number;
  readonly high: number;
  /** The draws whose mean `value` is. */
  readonly draws: readonly number[];
  /** What each of the plot's publishers reports of the same thing, or null. */
  readonly published: readonly (number | null)[];
}

export interface ForestPlot {
  readonly title: string;
  readonly subtitle: string;
  /** What the dots, the interval and the small dots are; these may need no words. */
  readonly legend: { readonly mean: string; readonly draw: string | null };
  /** Those who published numbers, two at most: a full diamond and an open one. */
  readonly publishers: readonly string[];
  readonly groups: readonly {
    readonly title: string;
    readonly note: string;
    readonly rows: readonly ForestRow[];
  }[];
  /** Where a line stands that everything is measured against. */
  readonly reference: { readonly value: number; readonly label: string };
}

export type ForestTheme = "light" | "dark" | "page";

const INK = {
  light: { ink: "#1d2126", soft: "#5d656f", line: "#8a919a", here: palette.blue, paper: "#c65300" },
  dark: { ink: "#e8ebee", soft: "#a2aab3", line: "#79818b", here: "#58aeea", paper: "#f5863c" },
} as const;

/** From here down there is no room for columns: labels stand above their marks. */
const NARROW = 600;

/**
 * Draws the plot.
 *
 * @param options.theme for a light page, a dark one, or (inline) whichever the reader prefers.
 * @param options.width in pixels; default 860.
 * @example await writeWhole("story.svg", forestSvg(plot, { theme: "light" }));
 */
export function forestSvg(
  plot: ForestPlot,
  { theme, width = 860 }: { theme: ForestTheme; width?: number },
): string {
  const narrow = width < NARROW;
  const { groups, reference, publishers } = plot;
  const rows = groups.flatMap((group) => group.rows);
  const columns = [...publishers].reverse().map((_, i) => width - 52 * i).reverse();
  const left = narrow ? 7 : 232, right = width - (narrow ? 8 : 64 + 52 * columns.length);
  const most = Math.max(reference.value, ...rows.flatMap((row) => [row.high, ...row.draws]));
  const end = Math.ceil(most / 10) * 10;
  const ticks = Array.from({ length: end / 10 + 1 }, (_, i) => i * 10);
  const x = (value: number) => left + (right - left) * value / end;
  const pitch = narrow ? 42 : 25;

  const head = narrow ? wrapped(plot.title, 30) : [plot.title];
  const about = narrow ? wrapped(plot.subtitle, 54) : [plot.subtitle];
  let y = 26;
  const words: string[] = [];
  for (const line of head) words.push(text(0, y, line, "t")), y += 25;
  for (const line of about) words.push(text(0, y, line, "s")), y += 18;
  const key = legend(plot, narrow, y + 6);
  words.push(key.svg);
  y = key.bottom + 40;
  const top = y;
  if (!narrow) {
    words.push(text(columns[0]! - 58, y - 10, "here", "v h"));
    words.push(...columns.map((column, i) => diamond(column - 13, y - 14.5, i)));
  }
  const marks: string[] = [];
  for (const group of groups) {
    y += narrow ? 24 : 22;
    words.push(text(0, y, group.title, "g"));
    for (const line of narrow ? wrapped(group.note, 54) : [group.note]) {
      if (narrow) y += 17;
      words.push(text(narrow ? 0 : left, y, line, "s"));
    }
    y += narrow ? 22 : 24;
    for (const row of group.rows) {
      words.push(label(row, narrow, y + 4.5), numbers(row, narrow ? [width] : columns, y + 4.5));
      const at = narrow ? y + 19 : y, half = narrow ? 9 : pitch / 2;
      const upright = (value: number) => `M${round(x(value))} ${at - half}v${2 * half}`;
      marks.push(`<path class="grid" d="${ticks.map(upright).join("")}"/>`, rowMarks(row, x, at));
      if (narrow) marks.push(`<path class="ref" d="${upright(reference.value)}"/>`);
      y += pitch;
    }
    y -= narrow ? 6 : 4;
  }
  const bottom = y, at = round(x(reference.value));
  const frame = [
    narrow ? "" : `<path class="ref" d="M${at} ${top - 4}V${bottom}"/>`,
    text(at, top - 10, reference.label, "r e"),
    ...ticks.map((tick) => text(x(tick), bottom + 17, String(tick), "a m")),
  ];
  const height = bottom + 26;
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" ` +
    `viewBox="0 0 ${width} ${height}" class="forest" role="img" ` +
    `aria-label="${escapeHtml(inWords(plot, publishers))}"><style>${style(theme)}</style>\n` +
    [...frame, ...marks, ...words].join("\n") + "\n</svg>\n";
}

/** The marks of a row: a bar to the mean, the draws, the interval, the mean, the published numbers. */
function rowMarks(row: ForestRow, x: (value: number) => number, y: number): string {
  const { value, low, high, draws, published } = row;
  const dots = draws.map((draw) =>
    `<circle class="draw" cx="${round(x(draw))}" cy="${y}" r="2.6"/>`
  );
  const diamonds = published.map((number, i) => number === null ? "" : diamond(x(number), y, i));
  return `<path class="bar" d="M${round(x(0))} ${y}H${round(x(value))}"/>` +
    `<path class="ci" d="M${round(x(low))} ${y}H${round(x(high))}"/>${dots.join("")}` +
    `<circle class="mean" cx="${round(x(value))}" cy="${y}" r="5.5"/>${diamonds.join("")}`;
}

const diamond = (x: number, y: number, publisher: number) =>
  `<path class="d${publisher}" d="M${round(x)} ${y - 6.5}l6.5 6.5l-6.5 6.5l-6.5 -6.5z"/>`;

function label({ label, note }: ForestRow, narrow: boolean, y: number): string {
  const behind = note === undefined ? "" : `<tspan class="n" dx="6">${escapeHtml(note)}</tspan>`;
  return `<text class="l" x="${narrow ? 0 : 14}" y="${y}">${escapeHtml(label)}${behind}</text>`;
}

/** The row's numbers at its end: a column each, or, where there is one column, all in it. */
function numbers(row: ForestRow, columns: readonly number[], y: number): string {
  const here = row.value.toFixed(1);
  if (columns.length === row.published.length) {
    const published = row.published.map((value, i) =>
      value === null ? "" : text(columns[i]!, y, value.toFixed(1), "v p")
    );
    return text(columns[0]! - 58, y, here, "v h") + published.join("");
  }
  const published = row.published.map((value, i) =>
    value === null ? "" : `<tspan class="p" dx="8">${"◆◇"[i]} ${value.toFixed(1)}</tspan>`
  );
  return `<text class="v" x="${columns[0]}" y="${y}"><tspan class="h">${here}</tspan>` +
    `${published.join("")}</text>`;
}

/** What each mark means, in one line or, on a phone, in several. */
function legend({ legend, publishers }: ForestPlot, narrow: boolean, y: number) {
  const entries = [
    {
      mark: (x: number, y: number) =>
        `<path class="ci" d="M${x} ${y}h26"/><circle class="mean" cx="${
          x + 13
        }" cy="${y}" r="5.5"/>`,
      room: 34,
      words: legend.mean,
    },
    ...(legend.draw === null ? [] : [{
      mark: (x: number, y: number) =>
        [4, 12, 19].map((dx) => `<circle class="draw" cx="${x + dx}" cy="${y}" r="2.6"/>`).join(""),
      room: 28,
      words: legend.draw,
    }]),
    ...publishers.map((words, i) => ({
      mark: (x: number, y: number) => diamond(x + 7, y, i),
      room: 20,
      words,
    })),
  ];
  let x = 0;
  const svg = entries.map(({ mark, room, words }, i) => {
    if (narrow && i > 0) [x, y] = [0, y + 21];
    const entry = mark(x, y) + text(x + room, y + 4.5, words, "k");
    x += room + words.length * 6.6 + 18;
    return entry;
  });
  return { svg: svg.join("\n"), bottom: y };
}

/** For those who do not see the picture: every row in words. */
function inWords({ title, groups }: ForestPlot, publishers: readonly string[]): string {
  const rows = groups.flatMap((group) => group.rows).map((row) => {
    const others = row.published.flatMap((value, i) =>
      value === null ? [] : [`${publishers[i]} ${value.toFixed(1)}`]
    );
    const { label, value, low, high } = row;
    const here = `${label} ${value.toFixed(1)} (${low.toFixed(1)} to ${high.toFixed(1)})`;
    return [here, ...others].join(", ");
  });
  return `${title} ${rows.join("; ")}.`;
}

function style(theme: ForestTheme): string {
  if (theme !== "page") return rules(theme, "");
  return `${rules("light", ".forest ")}@media(prefers-color-scheme:dark){${
    rules("dark", ".forest ")
  }}`;
}

function rules(theme: "light" | "dark", within: string): string {
  const { ink, soft, line, here, paper } = INK[theme];
  return Object.entries({
    text: `fill:${ink};font:13.5px system-ui,-apple-system,Segoe UI,Roboto,sans-serif`,
    ".t": "font-size:20px;font-weight:650",
    ".s,.k,.a,.n": `fill:${soft};font-size:12.5px`,
    ".g": "font-weight:650",
    ".v": "text-anchor:end;font-variant-numeric:tabular-nums",
    ".h": `fill:${here};font-weight:600`,
    ".p,.v.p": `fill:${paper};font-weight:600`,
    ".m": "text-anchor:middle",
    ".e": "text-anchor:end",
    ".r": `fill:${ink};font-size:12.5px`,
    ".grid": `stroke:${line};stroke-opacity:.25`,
    ".ref": `stroke:${ink};stroke-width:1.5`,
    ".bar": `stroke:${here};stroke-opacity:.2;stroke-width:13`,
    ".ci": `stroke:${here};stroke-opacity:.75;stroke-width:3`,
    ".draw": `fill:${here};fill-opacity:.5`,
    ".mean": `fill:${here}`,
    ".d0": `fill:${paper}`,
    ".d1": `fill:none;stroke:${paper};stroke-width:1.8`,
  }).map(([names, rule]) => `${names.split(",").map((name) => within + name).join(",")}{${rule}}`)
    .join("");
}

const text = (x: number, y: number, words: string, kind: string) =>
  `<text class="${kind}" x="${round(x)}" y="${y}">${escapeHtml(words)}</text>`;

const round = (value: number) => Math.round(value * 10) / 10;

/** Words in lines of at most so many characters. */
function wrapped(words: string, most: number): string[] {
  const lines = [""];
  for (const word of words.split(" ")) {
    const longer = `${lines.at(-1)} ${word}`.trim();
    if (longer.length <= most) lines[lines.length - 1] = longer;
    else lines.push(word);
  }
  return lines;
}
