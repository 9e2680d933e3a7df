/** Scatter plots: one number of a thing against another. Does not know what the things are. */
import type { Figure } from "./svg.ts";
import { axis, colourAt, escapePlotly, houseLayout, ink } from "./style.ts";

/** One series of a scatter: equally long x and y, and what to say of each point. */
export interface PointSeries {
  readonly name: string;
  readonly x: readonly number[];
  readonly y: readonly number[];
  readonly text?: readonly string[];
}

/**
 * Points around the diagonal x = y, on equal axes: one score against another of the same thing.
 *
 * @example
 * showFigure(diagonalScatter("Ranking", [{ name: "base", x: right, y: wrong }], {
 *   x: "log p of the true response", y: "log p of a shuffled one",
 * }));
 */
export function diagonalScatter(
  title: string,
  series: readonly PointSeries[],
  axes: { x: string; y: string },
): Figure {
  const all = series.flatMap(({ x, y }) => [...x, ...y]);
  const low = Math.min(...all), high = Math.max(...all);
  const edge = (high - low) * 0.04 || 1;
  const range = [low - edge, high + edge];
  return {
    data: series.map(points),
    layout: houseLayout(title, {
      width: 600,
      height: 560,
      showlegend: series.length > 1,
      xaxis: axis(axes.x, { range, zeroline: false }),
      yaxis: axis(axes.y, { range, zeroline: false }),
      shapes: [{
        type: "line",
        layer: "below",
        x0: range[0],
        y0: range[0],
        x1: range[1],
        y1: range[1],
        line: { color: ink, width: 1.2, dash: "dot" },
      }],
    }),
  };
}

/**
 * Points on axes of their own, one series a colour.
 *
 * @example
 * showFigure(scatter("Style", [{ name: "poems", x, y, text }], { x: "instruction", y: "answer" }));
 */
export function scatter(
  title: string,
  series: readonly PointSeries[],
  axes: { x: string; y: string },
): Figure {
  return {
    data: series.map(points),
    layout: houseLayout(title, {
      height: 460,
      showlegend: series.length > 1,
      xaxis: axis(axes.x, { zeroline: false }),
      yaxis: axis(axes.y),
    }),
  };
}

const SYMBOLS = ["circle", "diamond", "square", "cross", "triangle-up", "x"];

function points({ name, x, y, text }: PointSeries, i: number): Record<string, unknown> {
  return {
    type: "scatter",
    mode: "markers",
    name,
    x,
    y,
    ...(text ? { text: text.map(escapePlotly) } : {}),
    marker: { color: colourAt(i), symbol: SYMBOLS[i % SYMBOLS.length], size: 7, opacity: 0.65 },
    hovertemplate: `${text ? "%{text}<br>" : ""}(%{x:.2f}, %{y:.2f})<extra>${name}</extra>`,
  };
}
