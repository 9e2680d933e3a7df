/**
 * Lines with intervals: how a number moves as one thing is dialled, or how it differs between kinds
 * that have no order. Does not know what is dialled.
 */
import type { Figure } from "./svg.ts";
import { axis, colourAt, houseLayout, ink } from "./style.ts";

/** One point of a line with its 95 % interval. */
export interface IntervalPoint {
  /** A number, or the name of a step; names stand in the order in which they come. */
  readonly x: number | string;
  readonly value: number;
  readonly low: number;
  readonly high: number;
}

export interface IntervalSeries {
  readonly name: string;
  readonly points: readonly IntervalPoint[];
}

const SYMBOLS = ["circle", "diamond", "square", "cross", "triangle-up", "x", "star"];

/**
 * One line a series, a bar for the interval at every point. Where x are numbers that span more than a
 * factor of 20 and none is zero, their axis is logarithmic; names have equal steps. Without a title for
 * x the names are kinds: their points stand side by side and are not joined.
 *
 * @param options.x,options.y titles of the axes; an empty one for kinds
 * @param options.reference where a dotted line stands
 * @example
 * showFigure(intervalLines("Dose", [{ name: "response tuning", points }], {
 *   x: "answered documents, %", y: "win rate, %",
 * }));
 */
export function intervalLines(
  title: string,
  series: readonly IntervalSeries[],
  options: { x: string; y: string; reference?: number },
): Figure {
  const { reference } = options;
  const places = series.flatMap(({ points }) => points.map(({ x }) => x));
  const numbers = places.filter((x) => typeof x === "number");
  const isNamed = numbers.length < places.length;
  const areKinds = isNamed && options.x === "";
  const isLog = !isNamed && Math.min(...numbers) > 0 &&
    Math.max(...numbers) / Math.min(...numbers) > 20;
  return {
    data: series.map(({ name, points }, i) => ({
      type: "scatter",
      mode: areKinds ? "markers" : "lines+markers",
      ...(areKinds ? { offsetgroup: String(i) } : {}),
      name,
      cliponaxis: false, // a point at 0 is a whole point
      x: points.map(({ x }) => isNamed ? String(x) : x),
      y: points.map(({ value }) => value),
      line: { color: colourAt(i), width: 2 },
      marker: { color: colourAt(i), symbol: SYMBOLS[i % SYMBOLS.length], size: 8 },
      error_y: {
        type: "data",
        symmetric: false,
        array: points.map(({ value, high }) => Math.max(0, high - value)),
        arrayminus: points.map(({ value, low }) => Math.max(0, value - low)),
        color: colourAt(i),
        thickness: 1.2,
        width: 4,
      },
      hovertemplate: `${name}, %{x}: %{y:.1f}<extra></extra>`,
    })),
    layout: houseLayout(title, {
      ...(areKinds ? { scattermode: "group", scattergap: 0.6 } : {}),
      height: 420 + 12 * series.length,
      showlegend: series.length > 1,
      xaxis: axis(options.x, {
        type: isNamed ? "category" : isLog ? "log" : "linear",
        zeroline: false,
        ...(isLog ? { dtick: 1, minor: { ticks: "outside" } } : {}),
      }),
      yaxis: axis(options.y, { rangemode: "tozero" }),
      shapes: reference === undefined ? [] : [{
        type: "line",
        xref: "paper",
        x0: 0,
        x1: 1,
        y0: reference,
        y1: reference,
        line: { color: ink, width: 1.2, dash: "dot" },
      }],
    }),
  };
}
