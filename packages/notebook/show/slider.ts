/**
 * A figure with a slider: the same plot for several values of one number, made before it is shown, so
 * that it moves without a kernel and in a saved page. A still picture has the first state alone.
 * Knows plotly's sliders; not what the number is.
 */
import type { Figure } from "./svg.ts";
import { escapePlotly, ink } from "./style.ts";

/** Where a note stands: right above the plot, between it and the slider. */
const NOTE = {
  xref: "paper",
  yref: "paper",
  x: 0,
  y: 1,
  xanchor: "left",
  yanchor: "bottom",
  yshift: 4,
  showarrow: false,
};

/** A state of the figure. */
export interface Frame {
  /** The value at which it stands, as the slider shows it. */
  readonly label: string;
  readonly figure: Figure;
  /** A line above the plot, in a still picture too. */
  readonly note?: string;
}

/**
 * One figure of several, a slider above it. Axes with ranges of their own keep the widest of them, so
 * that what moves are the numbers.
 *
 * @param options.at label of the frame that is shown first, and in a still picture; default the first
 * @param options.of what the slider sets: "EOS slope"
 * @throws if there is no frame, or none of that label
 * @example
 * const frames = [0, 1].map((p) => ({ label: `${p}`, figure: intervalBars("Win rate", rows[p]) }));
 * await showFigure(sliderFigure(frames, { of: "repetition weight", at: "1" }));
 */
export function sliderFigure(
  frames: readonly Frame[],
  { of, at = frames[0]?.label }: { readonly of: string; readonly at?: string },
): Figure {
  const active = frames.findIndex(({ label }) => label === at);
  const first = frames[active];
  if (!first) {
    const labels = frames.map(({ label }) => `"${label}"`).join(", ") || "none";
    throw new Error(`Expected a frame of the slider at "${at}" but found ${labels}.`);
  }
  const ranges = new Map(Object.keys(first.figure.layout).map((key) => [key, widest(frames, key)]));
  const layoutOf = ({ figure: { layout }, note }: Frame): Record<string, unknown> => ({
    ...Object.fromEntries(
      Object.entries(layout).map(([key, value]) => {
        const range = ranges.get(key);
        return [key, range ? { ...value as object, range } : value];
      }),
    ),
    ...(note === undefined ? {} : { annotations: [{ ...NOTE, text: escapePlotly(note) }] }),
  });
  const owners = frames.flatMap(({ figure }, i) => figure.data.map(() => i));
  const steps = frames.map((frame, i) => {
    const { title: _title, width: _width, height: _height, ...layout } = layoutOf(frame);
    return {
      label: frame.label,
      method: "update",
      args: [{ visible: owners.map((owner) => owner === i) }, layout],
    };
  });
  const { height = 400 } = first.figure.layout as { height?: number };
  return {
    data: frames.flatMap(({ figure }, i) =>
      figure.data.map((trace) => ({ ...trace, visible: i === active }))
    ),
    layout: {
      ...layoutOf(first),
      height: height + 90,
      sliders: [{
        active,
        steps,
        // Above the plot: below it, tick labels and legends change their height.
        y: 1,
        yanchor: "bottom",
        currentvalue: { prefix: `${of} `, font: { size: 15 } },
        font: { color: ink },
        pad: { t: 8, b: 40 },
      }],
    },
  };
}

/** The widest range that a part of the layout, if it is an axis with one, has in any frame. */
function widest(frames: readonly Frame[], key: string): [number, number] | null {
  const ranges = frames.map(({ figure }) =>
    (figure.layout[key] as { range?: [number, number] } | undefined)?.range
  );
  if (!ranges.every((range) => Array.isArray(range))) return null;
  const [from, to] = [ranges.map(([low]) => low), ranges.map(([, high]) => high)];
  return from[0]! > to[0]! // an axis that runs backwards
    ? [Math.max(...from), Math.min(...to)]
    : [Math.min(...from), Math.max(...to)];
}
