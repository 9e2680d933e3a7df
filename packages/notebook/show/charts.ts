/**
 * The plots the notebooks need, each a plain function from numbers to a figure. Knows how each is read
 * best; not where its numbers come from, nor how a figure gets in front of the reader (figure.ts).
 */
import type { Figure } from "./svg.ts";
import { axis, colourAt, houseLayout, ink, palette, tile } from "./style.ts";

/** One bar with its 95 % interval and the paper's number, all in the same unit. */
export interface IntervalBar {
  readonly label: string;
  readonly value: number;
  readonly low?: number;
  readonly high?: number;
  /** What the paper reports for the same thing, if it does. */
  readonly paper?: number | null;
}

/**
 * Horizontal bars with intervals, the first row at the top, the paper's numbers as diamonds.
 *
 * @param options.unit title of the value axis; default "win rate, %".
 * @param options.reference where a dotted line stands.
 * @example
 * showFigure(intervalBars("Win rate against instruction tuning", [
 *   { label: "response tuning", value: 38, low: 33, high: 43, paper: 43 },
 * ]));
 */
export function intervalBars(
  title: string,
  rows: readonly IntervalBar[],
  options: { unit?: string; reference?: number } = {},
): Figure {
  const { unit = "win rate, %", reference } = options;
  const labels = rows.map((row) => row.label);
  const above = rows.map((row) => Math.max(0, (row.high ?? row.value) - row.value));
  const below = rows.map((row) => Math.max(0, row.value - (row.low ?? row.value)));
  const ends = rows.flatMap((row) => [row.value, row.high ?? 0, row.paper ?? 0]);
  const range = [0, Math.max(...ends, reference ?? 0, 1) * 1.08];
  const bars = {
    type: "bar",
    orientation: "h",
    name: "measured here, 95 % interval",
    y: labels,
    x: rows.map((row) => row.value),
    width: 0.56,
    marker: { color: rows.map(() => palette.blue), opacity: 0.65 },
    error_x: {
      type: "data",
      symmetric: false,
      array: above,
      arrayminus: below,
      color: ink,
      thickness: 1.6,
      width: 5,
    },
    hovertemplate: "%{y}: %{x:.1f}<extra></extra>",
  };
  const printed = rows.filter((row) => typeof row.paper === "number");
  const paper = {
    type: "scatter",
    mode: "markers",
    name: "in the paper (Llama-2-7B)",
    y: printed.map((row) => row.label),
    x: printed.map((row) => row.paper),
    marker: {
      symbol: "diamond",
      size: 11,
      color: palette.vermilion,
      line: { width: 1, color: "white" },
    },
    hovertemplate: "%{y}, paper: %{x:.1f}<extra></extra>",
  };
  return {
    data: printed.length > 0 ? [bars, paper] : [bars],
    layout: houseLayout(title, {
      height: 150 + 38 * rows.length,
      showlegend: printed.length > 0,
      barmode: "overlay",
      xaxis: axis(unit, { range }),
      yaxis: axis("", { autorange: "reversed", showgrid: false, ticksuffix: "  " }),
      shapes: reference === undefined ? [] : [{
        type: "line",
        x0: reference,
        x1: reference,
        yref: "paper",
        y0: 0,
        y1: 1,
        line: { color: ink, width: 1.2, dash: "dot" },
      }],
    }),
  };
}

/** The losses of one run, step by step. */
export interface LossCurve {
  readonly name: string;
  /** Curves of one group share a colour and a line of the legend; default: each is its own. */
  readonly group?: string;
  readonly losses: readonly number[];
}

/**
 * Training losses over steps, smoothed with an exponential mean (the raw losses stay faintly behind).
 *
 * @param options.steps keeps the axis still while a run is going on.
 * @example plot.update(lossCurves([{ name: "seed 0", losses }], { steps: 160 }));
 */
export function lossCurves(
  curves: readonly LossCurve[],
  options: { steps?: number } = {},
): Figure {
  const { steps } = options;
  const groupOf = ({ group, name }: LossCurve) => group ?? name;
  const groups = [...new Set(curves.map(groupOf))];
  const data = curves.flatMap((curve, i) => {
    const { name } = curve;
    const losses = curve.losses.length > 0 ? curve.losses : [null]; // plotly forgets empty series
    const group = groupOf(curve);
    const x = losses.map((_, step) => step + 1);
    const color = colourAt(groups.indexOf(group));
    const line = { x, type: "scatter", mode: "lines", legendgroup: group, name: group };
    return [
      {
        ...line,
        meta: `${name}, each step`,
        y: losses,
        showlegend: false,
        hoverinfo: "skip",
        line: { color, width: 1 },
        opacity: 0.25,
      },
      {
        ...line,
        meta: `${name}, smoothed`,
        y: curve.losses.length > 0 ? smoothed(curve.losses) : losses,
        showlegend: curves.findIndex((other) => groupOf(other) === group) === i,
        line: { color, width: 2.2 },
        hovertemplate: `${name}, step %{x}: %{y:.3f}<extra></extra>`,
      },
    ];
  });
  return {
    data,
    layout: houseLayout("Training loss", {
      showlegend: true,
      xaxis: axis("step", steps === undefined ? { rangemode: "tozero" } : { range: [0, steps] }),
      yaxis: axis("loss, nats per token", { rangemode: "tozero" }),
    }),
  };
}

/** Exponential mean with its start corrected, as in Adam: the first value is the first loss. */
function smoothed(values: readonly number[]): number[] {
  const weight = 0.9; // of the past
  let mean = 0;
  return values.map((value, i) => {
    mean = weight * mean + (1 - weight) * value;
    return mean / (1 - weight ** (i + 1));
  });
}

/**
 * A matrix of numbers as tiles with the numbers in them: what was tuned on (rows) against what was
 * asked (columns).
 *
 * @param values `values[row][column]`, or null where nothing was measured.
 * @param options.rows,options.columns axis titles; `digits` after the point, default 0.
 * @example
 * showFigure(heatMap("Transfer", ["poems"], ["poems", "lists"], [[90, 12]], { unit: "pass rate, %" }));
 */
export function heatMap(
  title: string,
  rows: readonly string[],
  columns: readonly string[],
  values: readonly (readonly (number | null)[])[],
  options: { rows?: string; columns?: string; unit?: string; digits?: number } = {},
): Figure {
  const { unit = "", digits = 0 } = options;
  const numbers = values.flat().filter((value): value is number => value !== null);
  const top = Math.max(...numbers), bottom = Math.min(0, ...numbers);
  const cells = values.flatMap((row, r) => row.map((value, c) => ({ value, r, c })));
  const share = (value: number | null) => ((value ?? bottom) - bottom) / (top - bottom || 1);
  const words = cells.map(({ value }) => value === null ? "–" : value.toFixed(digits));
  return {
    data: [{
      type: "scatter",
      mode: "markers",
      name: unit || title,
      x: cells.map(({ c }) => columns[c]),
      y: cells.map(({ r }) => rows[r]),
      text: words,
      customdata: cells.map(({ value }) => value),
      marker: { size: 26, opacity: 0 },
      hovertemplate: `%{y} → %{x}: %{text}<extra></extra>`,
    }],
    layout: houseLayout(unit === "" ? title : `${title} (${unit})`, {
      meta: { columns: columns.length },
      height: 190 + 34 * rows.length,
      showlegend: false,
      annotations: cells.map(({ value, r, c }, i) => ({
        x: columns[c],
        y: rows[r],
        text: words[i],
        showarrow: false,
        font: { size: 12, color: value === null ? ink : tile(share(value)).text },
      })),
      shapes: cells.filter(({ value }) => value !== null).map(({ value, r, c }) => ({
        type: "rect",
        layer: "below",
        x0: c - 0.48,
        x1: c + 0.48,
        y0: r - 0.46,
        y1: r + 0.46,
        line: { width: 0 },
        fillcolor: tile(share(value)).fill,
      })),
      xaxis: axis(options.columns ?? "", {
        showgrid: false,
        tickangle: -35,
        range: [-0.5, columns.length - 0.5],
      }),
      yaxis: axis(options.rows ?? "", { showgrid: false, range: [rows.length - 0.5, -0.5] }),
    }),
  };
}
