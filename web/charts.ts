/** Two small charts as SVG: a loss that is being drawn, and rates with intervals beside the paper's. */

const SVG = "http://www.w3.org/2000/svg";

function shape(name: string, attributes: Record<string, string | number>, text = ""): SVGElement {
  const element = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, String(value));
  element.textContent = text;
  return element;
}

function drawing(label: string, width: number, height: number, shapes: readonly SVGElement[]) {
  const svg = shape("svg", { viewBox: `0 0 ${width} ${height}`, role: "img", "aria-label": label });
  svg.append(...shapes);
  return svg;
}

/** A chart's width in units of its own: fewer on a phone, where its words would shrink. */
const chartWidth = () => (innerWidth < 500 ? 380 : 640);

/** Training loss by step, with room for all steps of the tuning. */
export function lossChart(losses: readonly number[], steps: number): SVGElement {
  const [width, height, left, right, top, bottom] = [chartWidth(), 240, 44, 10, 12, 38];
  const most = Math.max(1, Math.ceil(Math.max(...losses, 0)));
  const x = (step: number) => left + ((width - left - right) * (step - 1)) / Math.max(1, steps - 1);
  const y = (loss: number) => top + (height - top - bottom) * (1 - loss / most);
  const lines = [0, 0.25, 0.5, 0.75, 1].map((share) => share * most).flatMap((value) => [
    shape("line", { class: "grid", x1: left, x2: width - right, y1: y(value), y2: y(value) }),
    shape("text", { x: left - 8, y: y(value) + 4, "text-anchor": "end" }, value.toFixed(2)),
  ]);
  const ticks = [...new Set([1, Math.round(steps / 3), Math.round((2 * steps) / 3), steps])]
    .filter((step) => step > 0)
    .map((step) =>
      shape("text", { x: x(step), y: height - 20, "text-anchor": "middle" }, `${step}`)
    );
  const last = losses.at(-1);
  const label = `Training loss, ${losses.length} of ${steps} steps` +
    (last === undefined ? "" : `, now ${last.toFixed(2)} nats a token`);
  const points = losses.map((loss, i) => `${x(i + 1)},${y(loss)}`).join(" ");
  return drawing(label, width, height, [
    ...lines,
    ...ticks,
    shape("text", { x: width / 2, y: height - 3, "text-anchor": "middle" }, "step"),
    shape("text", { x: left + 4, y: top + 12 }, "loss, nats a token"),
    shape("polyline", { class: "curve", points }),
  ]);
}

/** A row of {@link rateChart}; percent. */
export interface RateRow {
  readonly label: string;
  readonly rate: { readonly estimate: number; readonly low: number; readonly high: number } | null;
  readonly paper: readonly number[];
}

/** Rates as dots with their intervals, the paper's numbers as open circles. */
export function rateChart(rows: readonly RateRow[]): SVGElement {
  const width = chartWidth();
  const [left, right, step] = [width < 640 ? 120 : 200, 16, 30];
  const height = rows.length * step + 42;
  const x = (percent: number) => left + ((width - left - right) * percent) / 100;
  const grid = [0, 25, 50, 75, 100].flatMap((value) => [
    shape("line", { class: "grid", x1: x(value), x2: x(value), y1: 4, y2: height - 38 }),
    shape("text", { x: x(value), y: height - 22, "text-anchor": "middle" }, `${value}`),
  ]);
  const marks = rows.flatMap(({ label, rate, paper }, i) => {
    const y = i * step + 20;
    const most = Math.floor(left / 7.2);
    const name = label.length > most ? `${label.slice(0, most - 1)}…` : label;
    return [
      shape("text", { x: left - 12, y: y + 4, "text-anchor": "end" }, name),
      ...paper.map((value) => shape("circle", { class: "paper", cx: x(value), cy: y, r: 5 })),
      ...(rate === null ? [] : [
        shape("line", { class: "mark", x1: x(rate.low), x2: x(rate.high), y1: y, y2: y }),
        shape("circle", { class: "mark", cx: x(rate.estimate), cy: y, r: 4 }),
      ]),
    ];
  });
  const label = rows.map((row) =>
    `${row.label}: ${row.rate === null ? "not judged" : `${row.rate.estimate.toFixed(1)} percent`}`
  ).join("; ");
  const axis = "win rate against instruction tuning, %; circles: the paper's";
  return drawing(label, width, height, [
    ...grid,
    ...marks,
    shape("text", { x: width - right, y: height - 4, "text-anchor": "end" }, axis),
  ]);
}
