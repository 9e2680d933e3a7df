/**
 * Draws a plotly figure as SVG without a browser: plotly in jsdom, which has a document but no
 * layout, so that the sizes of texts are reckoned here.
 *
 * Knows plotly's one call and where SVG puts text. It does not know displays or what is plotted.
 */
import { readFile } from "node:fs/promises";
import { packageFile } from "./runtime.ts";

/** A plotly figure: traces and layout, plain JSON. */
export interface Figure {
  readonly data: readonly Record<string, unknown>[];
  readonly layout: Readonly<Record<string, unknown>>;
}

/**
 * A figure as SVG. About a second the first time, 0.1 s after that. Heat maps cannot be drawn (they
 * want a canvas): use charts.ts's `heatMap`, which is made of shapes.
 *
 * @example await writeFile("line.svg", await figureSvg({ data: [{ y: [1, 3, 2] }], layout: {} }));
 */
export async function figureSvg(figure: Figure): Promise<string> {
  const plotly = await (drawing ??= loadPlotly());
  const { sliders: _, ...layout } = figure.layout; // a picture cannot slide
  const { width = 720, height = 400 } = layout;
  const copy = structuredClone({ data: figure.data, layout });
  return await plotly.toImage(copy, { format: "svg", imageDataOnly: true, width, height });
}

/** The source of plotly's browser bundle, to be inlined in a page. */
export const plotlySource = (): Promise<string> =>
  readFile(packageFile("plotly.js-cartesian-dist-min"), "utf8");

interface Plotly {
  toImage(figure: unknown, options: Record<string, unknown>): Promise<string>;
}

/** What is asked of jsdom's elements (the package brings no types). */
interface DrawnElement {
  readonly tagName: string;
  readonly textContent: string | null;
  readonly style?: { readonly fontSize: string; readonly textAnchor: string };
  readonly parentNode: DrawnElement | null;
  getAttribute?(name: string): string | null;
  querySelectorAll(selector: string): Iterable<DrawnElement>;
}

let drawing: Promise<Plotly> | undefined;

async function loadPlotly(): Promise<Plotly> {
  const { JSDOM, VirtualConsole } = await import("jsdom");
  const { window } = new JSDOM("<!doctype html><body></body>", {
    runScripts: "outside-only",
    pretendToBeVisual: true,
    virtualConsole: new VirtualConsole(), // its remarks on missing canvases are no news
  });
  Object.assign(window.SVGElement.prototype, {
    getBBox(this: DrawnElement) {
      return boundingBox(this, this);
    },
    getComputedTextLength(this: DrawnElement) {
      return boundingBox(this, this).width;
    },
  });
  window.Element.prototype.getBoundingClientRect = function (this: DrawnElement) {
    return boundingBox(this, null);
  };
  window.URL.createObjectURL = () => "";
  window.HTMLCanvasElement.prototype.getContext = () => null;
  window.eval(await plotlySource());
  return (window as unknown as { Plotly: Plotly }).Plotly;
}

type Point = readonly [number, number];

/** The box around all text inside an element, in the coordinates of `frame` (null: the page). */
function boundingBox(element: DrawnElement, frame: DrawnElement | null) {
  const texts = element.tagName === "text" ? [element] : [...element.querySelectorAll("text")];
  const corners = texts.flatMap((text) =>
    textCorners(text).map((corner) => placed(corner, text, frame))
  );
  const xs = corners.map(([x]) => x), ys = corners.map(([, y]) => y);
  const left = xs.length ? Math.min(...xs) : 0, right = xs.length ? Math.max(...xs) : 0;
  const top = ys.length ? Math.min(...ys) : 0, bottom = ys.length ? Math.max(...ys) : 0;
  return { x: left, y: top, left, right, top, bottom, width: right - left, height: bottom - top };
}

/** A text's corners where it stands: 0.58 em a character, lines 1.3 em apart. */
function textCorners(text: DrawnElement): Point[] {
  const size = parseFloat(text.style?.fontSize ?? "") || 12;
  const lines = [...text.querySelectorAll("tspan.line")].map((span) => span.textContent ?? "");
  const rows = lines.length > 0 ? lines : [text.textContent ?? ""];
  const width = Math.max(...rows.map((row) => row.length)) * size * 0.58;
  const anchor = text.style?.textAnchor || text.getAttribute?.("text-anchor") || "start";
  const x = number(text.getAttribute?.("x")) - width * ({ middle: 0.5, end: 1 }[anchor] ?? 0);
  const top = number(text.getAttribute?.("y")) - size * 0.9;
  const bottom = top + size * (1.2 + 1.3 * (rows.length - 1));
  return [[x, top], [x + width, top], [x, bottom], [x + width, bottom]];
}

/** Carries a point outward through the transforms of an element and all around it up to `frame`. */
function placed(point: Point, element: DrawnElement, frame: DrawnElement | null): Point {
  if (element === frame) return point;
  const moves = [...(element.getAttribute?.("transform") ?? "").matchAll(/(\w+)\(([^)]*)\)/g)];
  const moved = moves.reverse().reduce<Point>(([x, y], [, kind, list]) => {
    const [a = 0, b = 0, c = 0] = list!.split(/[ ,]+/).map(Number);
    if (kind === "translate") return [x + a, y + b];
    if (kind !== "rotate") return [x, y];
    const cos = Math.cos(a * Math.PI / 180), sin = Math.sin(a * Math.PI / 180);
    return [b + (x - b) * cos - (y - c) * sin, c + (x - b) * sin + (y - c) * cos];
  }, point);
  return element.parentNode ? placed(moved, element.parentNode, frame) : moved;
}

function number(attribute: string | null | undefined): number {
  return parseFloat(attribute ?? "") || 0;
}
