import assert from "node:assert/strict";
import { JSDOM } from "jsdom";
import { aliveScript } from "./alive.ts";
import { heatMap, intervalBars, lossCurves } from "./charts.ts";
import { sliderFigure } from "./slider.ts";
import type { Figure } from "./svg.ts";

/** A page with a stand-in for plotly, in which a figure has come to life. */
function pageWith(figure: Figure, width = 820) {
  const { window } = new JSDOM("<div id=box></div>", { runScripts: "outside-only" });
  const drawn: Figure[] = [], asked: unknown[] = [], blobs: Blob[] = [];
  Object.assign(window, {
    structuredClone,
    Blob,
    Plotly: {
      newPlot: (plot: object, data: Figure["data"], layout: Figure["layout"]) => {
        Object.assign(plot, { data, layout });
        drawn.push({ data, layout });
      },
      toImage: (
        _: unknown,
        options: object,
      ) => (asked.push({ ...options }), Promise.resolve("data:,")),
    },
  });
  window.URL.createObjectURL = (blob: Blob) => (blobs.push(blob), "blob:x");
  const box = window.document.getElementById("box")!;
  Object.defineProperty(box, "offsetWidth", { value: width });
  const saved: string[] = [];
  window.HTMLAnchorElement.prototype.click = function (this: { download: string }) {
    saved.push(this.download);
  };
  const draw = window.eval(`(() => { ${aliveScript} return implicitFigure; })()`);
  draw(box, figure.data, figure.layout);
  const press = async (kind: string) => {
    const buttons = [...box.querySelectorAll("button")] as { textContent: string; click(): void }[];
    buttons.find(({ textContent }) => textContent === kind)!.click();
    await new Promise((resolve) => setTimeout(resolve));
  };
  const close = () => window.close();
  return { box, drawn, asked, blobs, saved, press, close };
}

const bars = intervalBars("Win <b>rate</b>", [
  { label: 'say "a", b', value: 20, low: 15, high: 30, paper: 25 },
]);

Deno.test("a figure that came to life has its title above it and buttons that save it", async () => {
  const page = pageWith(bars);
  assert.match(page.box.textContent!, /^Win\s+rate\s+save as SVGPNGCSV$/);
  assert.equal(page.drawn[0]!.layout.title, undefined);
  await page.press("SVG");
  await page.press("PNG");
  assert.deepEqual(page.asked, [
    { format: "svg", width: 720, height: bars.layout.height, scale: 2 },
    { format: "png", width: 720, height: bars.layout.height, scale: 2 },
  ]);
  await page.press("CSV");
  assert.deepEqual(page.saved, ["win-rate.svg", "win-rate.png", "win-rate.csv"]);
  assert.equal(
    await page.blobs[0]!.text(),
    'series,"win rate, %",y,low,high\n"measured here, 95 % interval",20,"say ""a"", b",15,30\n' +
      'in the paper (Llama-2-7B),25,"say ""a"", b",,\n',
  );
  page.close();
});

Deno.test("a CSV names the runs whose curves share a line of the legend", async () => {
  const curve = (seed: number) => ({ name: `a, seed ${seed}`, group: "a", losses: [seed] });
  const page = pageWith(lossCurves([curve(1), curve(2)]));
  await page.press("CSV");
  const rows = (await page.blobs[0]!.text()).split("\n");
  assert.equal(rows[0], 'series,step,"loss, nats per token"');
  assert.deepEqual(rows.slice(1, 3), ['"a, seed 1, each step",1,1', '"a, seed 1, smoothed",1,1']);
  assert.match(rows[3]!, /^"a, seed 2/);
  page.close();
});

Deno.test("of a slider's states the one is saved that it stands at", async () => {
  const frame = (label: string, value: number) => ({
    label,
    figure: intervalBars(`at ${label}`, [{ label: "rules", value }]),
  });
  const page = pageWith(sliderFigure([frame("0", 10), frame("1", 20)], { of: "weight", at: "1" }));
  await page.press("CSV");
  assert.match(await page.blobs[0]!.text(), /^[^\n]*\n[^\n]*,20,rules,[^\n]*\n$/);
  await page.press("PNG");
  assert.equal(page.asked.length, 1);
  page.close();
});

Deno.test("a heat map that does not fit is turned onto its side", () => {
  const columns = ["lists", "poems", "sums"];
  const figure = heatMap("Transfer", ["base"], columns, [[1, 2, 3]], { rows: "tuned on" });
  const wide = pageWith(figure), narrow = pageWith(figure, 200);
  const [first] = wide.drawn, [turned] = narrow.drawn;
  assert.deepEqual(first!.data[0]!.x, columns);
  assert.deepEqual(turned!.data[0]!.y, columns);
  const { xaxis, yaxis } = turned!.layout as Record<string, { range: number[]; title: unknown }>;
  assert.deepEqual([xaxis!.range, yaxis!.range], [[-0.5, 0.5], [2.5, -0.5]]);
  assert.deepEqual((xaxis!.title as { text: string }).text, "tuned on");
  assert.deepEqual(figure.data[0]!.x, columns, "what is saved stays as it was");
  wide.close(), narrow.close();
});
