/**
 * The house style of figures: colours that people with any colour vision tell apart and that keep
 * at least 3:1 contrast on white and on near-black, no background, a gentle grid.
 *
 * Knows plotly's layout vocabulary. It does not know what is drawn.
 */

/** Colours after Okabe and Ito (2008), darkened or lightened to stand on both backgrounds. */
export const palette = {
  blue: "#2b85c9",
  vermilion: "#d55e00",
  green: "#009e73",
  purple: "#b65fa3",
  ochre: "#a87900",
  grey: "#868b93",
} as const;

export type Colour = keyof typeof palette;

/** Text that is legible on white (4:1) and on near-black (4.5:1) where a theme cannot be asked. */
export const ink = "#777e87";

/** The same as a page's styles spell it. */
export const inkRgb = "rgb(119, 126, 135)";

const grid = "rgba(128, 134, 142, 0.22)";

/** A tile for a share 0 … 1, pale to deep blue, and the text that is legible on it in any theme. */
export function tile(share: number): { readonly fill: string; readonly text: string } {
  const mix = (from: number, to: number) => Math.round(from + (to - from) * share);
  return {
    fill: `rgb(${mix(208, 15)}, ${mix(221, 79)}, ${mix(233, 134)})`,
    text: share > 0.65 ? "#ffffff" : "#131c26",
  };
}

/** The i-th colour of a series, going round. */
export function colourAt(index: number): string {
  const colours = Object.values(palette);
  return colours[index % colours.length]!;
}

type Json = Record<string, unknown>;

/** An axis in the house style; fields given win. */
export function axis(title: string, fields: Json = {}): Json {
  return {
    title: { text: title, standoff: 10 },
    automargin: true,
    gridcolor: grid,
    zerolinecolor: "rgba(128, 134, 142, 0.5)",
    linecolor: "rgba(128, 134, 142, 0.5)",
    ...fields,
  };
}

/** A layout in the house style: title at the top left, legend at the bottom, no background. */
export function houseLayout(title: string, fields: Json = {}): Json {
  return {
    title: {
      text: title,
      x: 0,
      xref: "container",
      xanchor: "left",
      y: 1,
      yref: "container",
      yanchor: "top",
      pad: { l: 8, t: 12, b: 12 },
      font: { size: 16 },
      automargin: true,
    },
    font: { family: "system-ui, Arial, sans-serif", size: 13, color: ink },
    colorway: Object.values(palette),
    paper_bgcolor: "rgba(0,0,0,0)",
    plot_bgcolor: "rgba(0,0,0,0)",
    width: 720,
    height: 400,
    margin: { l: 56, r: 24, t: 16, b: 52 },
    // Below the plot, where a legend that wraps on a narrow screen covers nothing.
    legend: { orientation: "h", x: 0, y: 0, yref: "container", xanchor: "left", yanchor: "bottom" },
    hoverlabel: { font: { family: "system-ui, sans-serif" } },
    ...fields,
  };
}

/** Plotly reads a little HTML in texts; ours are meant literally. */
export function escapePlotly(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
}
