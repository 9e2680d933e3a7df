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
 * Opens a place for a figure that changes while something runs: still pictures first, the
 * interactive figure at the end.
 *
 * @example
 * const plot = liveFigure();
 * for (const step of steps) plot.update(lossCurves([{ name: "seed 0", losses }]));
 * await plot.done(lossCurves([{ name: "seed 0", losses }]));
 */
export function liveFigure(): LiveFigure {
  const show = liveDisplay();
  let last = 0;
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
  const svg = await figureSvg(figure), text = figureText(figure);
  return { "text/plain": text, "image/svg+xml": svg, "text/html": picture(svg, figure) };
}

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
  const title = plain(((figure.layout.title as { text?: string }) ?? {}).text ?? "Figure");
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

function finite(values: unknown): number[] {
  return Array.isArray(values) ? values.filter(Number.isFinite) : [];
}

function round(value: number): string {
  return String(Number(value.toPrecision(4)));
}

function plain(text: string): string {
  return text.replace(/<br\s*\/?>/g, " – ").replace(/<[^>]+>/g, "");
}

function picture(svg: string, figure: Figure): string {
  const source = Buffer.from(svg).toString("base64");
  const words = escapeHtml(figureText(figure));
  return `<img alt="${words}" style="max-width:100%" src="data:image/svg+xml;base64,${source}">`;
}

/** Text in the house's ink takes the colour of the page: JupyterLab's variable, else its own. */
export const inkStyle = `<style>.implicit-figure text[style*="${inkRgb}"]` +
  `{fill:var(--jp-content-font-color1,currentColor)!important}</style>`;

/**
 * The picture, and a script that puts the living figure in its place once plotly is there (outputs
 * of a saved notebook may be drawn in any order, and plotly unpacks itself asynchronously). The
 * title becomes a line of the page, which wraps on a narrow screen.
 */
function interactiveHtml(svg: string, figure: Figure): string {
  const id = `figure-${randomUUID()}`;
  const { width: _width, title, ...layout } = figure.layout;
  const heading = plain((title as { text?: string } | undefined)?.text ?? "");
  const json = JSON.stringify([figure.data, { ...layout, autosize: true }, heading])
    .replace(/</g, "\\u003c");
  return `${inkStyle}<div id="${id}" class="implicit-figure" style="max-width:820px">` +
    `${picture(svg, figure)}</div><script>(function(){var f=${json},n=0;${unpackScript}` +
    `try{unpack(localStorage.getItem("${STORED}"))}catch(e){}(function draw(){` +
    `var box=document.getElementById("${id}");if(!window.Plotly||!box||!box.offsetWidth){` +
    `if(n++<200)setTimeout(draw,n<40?50:500);return}box.textContent="";` +
    `var head=document.createElement("div"),plot=document.createElement("div");` +
    `head.textContent=f[2];head.style="font:600 15px system-ui,sans-serif;margin:6px 8px 0";` +
    `box.append(head,plot);Plotly.newPlot(plot,f[0],f[1],{responsive:true,displayModeBar:false});` +
    `})()})()</script>`;
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
