/**
 * Shows a plotly figure as one display that works everywhere: interactive where scripts run, a
 * still picture where they do not, words on a terminal; never a request to the network.
 *
 * Knows the MIME types and the scripts of a page. It does not know what is plotted.
 */
import { Buffer } from "node:buffer";
import { randomUUID } from "node:crypto";
import { gzipSync } from "node:zlib";
import { max, min } from "simple-statistics";
import { aliveScript, FRAME, frameStyle } from "./alive.ts";
import { display, escapeHtml, inNotebook, liveDisplay } from "./display.ts";
import { type Figure, figureSvg, plotlySource } from "./svg.ts";
import { type CellRun, cellRun } from "./runtime.ts";
import { inkRgb } from "./style.ts";

/** A figure that is drawn again as its numbers come in; see {@link liveFigure}. */
export interface LiveFigure {
  /** Draws again, at most once a second: figures that come faster are skipped. */
  update(figure: Figure): void;
  /** Draws the last state, interactive. */
  done(figure: Figure): Promise<void>;
}

/** Between two pictures of a live figure: drawing one takes about 0.1 s. */
const REDRAW_MS = 1000;

/** Which run of which cell holds plotly: the next run of that cell needs it again. */
let library: CellRun | null = null;

/**
 * Shows a figure.
 *
 * @example
 * await showFigure({ data: [{ x: [1, 2], y: [3, 4] }], layout: { title: { text: "A line" } } });
 */
export async function showFigure(figure: Figure): Promise<void> {
  if (!inNotebook()) return await display({ "text/plain": figureText(figure) });
  await display(await interactive(figure));
}

/**
 * Opens a place for a figure that changes while something runs: still pictures first, of the size, with
 * the title and the legend of the interactive figure that comes at the end.
 *
 * @param first shown at once, before there is a number.
 * @example
 * const log = lossLog(list), plot = liveFigure(lossCurves(log()));
 * for (const step of steps) plot.update(lossCurves(log(arm, seed, step)));
 * await plot.done(lossCurves(lossesOf(runs)));
 */
export function liveFigure(first?: Figure): LiveFigure {
  const show = liveDisplay();
  let last = 0;
  if (first && inNotebook()) void show(() => still(first));
  return {
    update(figure) {
      if (!inNotebook() || Date.now() - last < REDRAW_MS) return;
      last = Date.now();
      void show(() => still(figure));
    },
    done: (figure) => inNotebook() ? show(() => interactive(figure)) : showFigure(figure),
  };
}

async function still(figure: Figure) {
  const { title: _title, ...layout } = figure.layout;
  const { height = 400 } = layout;
  const plot = await figureSvg({ data: figure.data, layout: { ...layout, width: WIDTH } });
  return {
    "text/plain": figureText(figure),
    "text/html": `<div style="max-width:${WIDTH}px;margin:0"><div style="${frameStyle.title}">` +
      `${escapeHtml(headingOf(figure))}</div>` +
      `${picture(plot, figure, `width:100%;height:${height}px;display:block`)}` +
      `<div style="${frameStyle.save}"></div></div>`,
  };
}

/** How wide a figure becomes where there is room, in pixels. */
const WIDTH = 820;

async function interactive(figure: Figure) {
  const svg = await figureSvg(figure);
  const here = cellRun() ?? { run: "" };
  const missing = lacksLibrary(library, here);
  if (missing) library = here;
  return {
    "text/plain": figureText(figure),
    "image/svg+xml": svg,
    "application/vnd.plotly.v1+json": { data: figure.data, layout: figure.layout },
    "text/html": (missing ? await libraryScript() : "") + interactiveHtml(svg, figure),
  };
}

/**
 * Whether a notebook whose library stands in `holder` lacks it for a figure of `here`: nothing holds it
 * yet, or its cell runs again, which took its outputs away.
 */
export function lacksLibrary(holder: CellRun | null, here: CellRun): boolean {
  return !holder ||
    (here.cell !== undefined && here.cell === holder.cell && here.run !== holder.run);
}

/** The title and each series' name with its range: what a terminal shows of a figure. */
export function figureText(figure: Figure): string {
  const title = headingOf(figure) || "Figure";
  const series = figure.data.filter((trace) =>
    trace.showlegend !== false && trace.visible !== false
  ).map((trace) => {
    const numbers = [trace.customdata, trace.y, trace.x].map(finite)
      .find((values) => values.length > 0) ?? [];
    const count = `${numbers.length} value${numbers.length === 1 ? "" : "s"}`;
    const range = numbers.length > 0
      ? `${count}, ${round(min(numbers))} to ${round(max(numbers))}`
      : count;
    return `  ${plain(String(trace.name ?? "series"))}: ${range}`;
  });
  return [`[figure] ${title}`, ...series].join("\n");
}

function headingOf({ layout }: Figure): string {
  return plain((layout.title as { text?: string } | undefined)?.text ?? "");
}

function finite(values: unknown): number[] {
  return Array.isArray(values) ? values.filter(Number.isFinite) : [];
}

function round(value: number): string {
  return String(Number(value.toPrecision(4)));
}

function plain(text: string): string {
  return text.replace(/<br\s*\/?>/g, " – ").replace(/<[^>]+>/g, "");
}

function picture(svg: string, figure: Figure, style = "max-width:100%"): string {
  const source = Buffer.from(svg).toString("base64");
  const words = escapeHtml(figureText(figure));
  return `<img alt="${words}" style="${style}" src="data:image/svg+xml;base64,${source}">`;
}

/** Text in the house's ink takes the colour of the page: JupyterLab's variable, else its own. */
export const inkStyle = `<style>.implicit-figure text[style*="${inkRgb}"]` +
  `{fill:var(--jp-content-font-color1,currentColor)!important}</style>`;

/**
 * The picture, and a script that puts the living figure in its place once plotly is there (outputs
 * of a saved notebook may be drawn in any order, and plotly unpacks itself asynchronously).
 */
function interactiveHtml(svg: string, figure: Figure): string {
  const id = `figure-${randomUUID()}`;
  const { height = 400 } = figure.layout as { height?: number };
  const json = JSON.stringify([figure.data, figure.layout]).replace(/</g, "\\u003c");
  return `${inkStyle}<div id="${id}" class="implicit-figure" style="max-width:${WIDTH}px;` +
    `min-height:${height + FRAME}px">` +
    `${picture(svg, figure)}</div><script>(function(){var f=${json},n=0;${unpackScript}` +
    `${aliveScript}try{unpack(localStorage.getItem("${STORED}"))}catch(e){}(function draw(){` +
    `var box=document.getElementById("${id}");if(!window.Plotly||!box||!box.offsetWidth){` +
    `if(n++<200)setTimeout(draw,n<40?50:500);return}implicitFigure(box,f[0],f[1])})()})()</script>`;
}

/** Where a page that has plotly keeps it, packed, for later pages whose outputs have lost it. */
const STORED = "implicit-plotly";

/** Defines `unpack(packed)`, which brings plotly into a page that has none and is not about to. */
const unpackScript = `function unpack(p){if(!p||window.Plotly||window.implicitPlotly)return;` +
  `window.implicitPlotly=true;` +
  `var b=Uint8Array.from(atob(p),function(c){return c.charCodeAt(0)});` +
  `new Response(new Blob([b]).stream().pipeThrough(new DecompressionStream("gzip"))).text()` +
  `.then(function(s){var e=document.createElement("script");e.text=s;` +
  `document.head.appendChild(e)})}`;

/** Plotly itself, packed, for the first figure of a notebook. */
async function libraryScript(): Promise<string> {
  const packed = gzipSync(await plotlySource(), { level: 9 }).toString("base64");
  return `<script>(function(){${unpackScript}var p="${packed}";unpack(p);` +
    `try{localStorage.setItem("${STORED}",p)}catch(e){}})()</script>`;
}
