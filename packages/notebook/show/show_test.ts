import { spawnSync } from "node:child_process";
import assert from "node:assert/strict";
import { heatMap, intervalBars, lossCurves } from "./charts.ts";
import { diagonalScatter } from "./scatter.ts";
import { escapeHtml } from "./display.ts";
import { lossLog } from "./runs.ts";
import { figureText, lacksLibrary } from "./figure.ts";
import { markdownHtml } from "./markdown.ts";
import { duration, progress, progressText } from "./progress.ts";
import { sliderFigure } from "./slider.ts";
import { figureSvg } from "./svg.ts";
import { dataFrame, layOut, merge, tableHtml, tableText } from "./table.ts";
import { plainText } from "./terminal.ts";
import { visible } from "./text.ts";
import { tokenFigure } from "./tokens.ts";

type Json = Record<string, unknown>;

const bars = intervalBars("Win rate", [
  { label: "base", value: 2, low: 1, high: 4 },
  { label: "response tuning", value: 38, low: 33, high: 43, paper: 43.3 },
]);

Deno.test("intervalBars() turns ends of intervals into lengths of whiskers", () => {
  const [measured, paper] = bars.data as [Record<string, { array: number[] }>, { x: number[] }];
  assert.deepEqual(measured.error_x!.array, [2, 5]);
  assert.deepEqual((measured.error_x as unknown as { arrayminus: number[] }).arrayminus, [1, 5]);
  assert.deepEqual(paper.x, [43.3]);
});

Deno.test("lossCurves() starts its smooth curve at the first loss", () => {
  const { data } = lossCurves([{ name: "seed 0", losses: [4, 2, 2] }]);
  const smooth = data[1]!.y as number[];
  assert.equal(smooth.length, 3);
  assert(Math.abs(smooth[0]! - 4) < 1e-9 && smooth[1]! < 3.1 && smooth[2]! > 2);
});

Deno.test("lossCurves() gives the curves of a group one colour and one line of the legend", () => {
  const curve = (group: string, seed: number) => ({ name: `${group} ${seed}`, group, losses: [1] });
  const { data } = lossCurves([curve("a", 1), curve("a", 2), curve("b", 1)]);
  const smooth = data.filter((_, i) => i % 2 === 1);
  assert.deepEqual(smooth.map((trace) => trace.showlegend), [true, false, true]);
  assert.deepEqual(smooth.map((trace) => trace.name), ["a", "a", "b"]);
  const colours = smooth.map((trace) => (trace.line as { color: string }).color);
  assert.equal(colours[0], colours[1]);
  assert.notEqual(colours[0], colours[2]);
});

Deno.test("lossCurves() has its legend before there is a loss, where lossLog() knows the arms", async () => {
  const arms = [{ name: "slow", tuning: {} }, { name: "fast", tuning: {} }];
  const log = lossLog([...arms, { name: "base", tuning: null }]);
  assert.deepEqual(log().map(({ name }) => name), ["slow", "fast"]);
  const svg = await figureSvg(lossCurves(log()));
  assert.match(svg, /legendtext[^>]*>slow<[\s\S]*legendtext[^>]*>fast</);
  const curves = log(arms[1]!, 1, { loss: 2 });
  const colours = lossCurves(curves).data.map(({ name, line }) =>
    `${name} ${(line as Json).color}`
  );
  assert.equal(new Set(colours).size, 2, "a colour each, from the beginning");
});

Deno.test("figureSvg() draws every kind of plot, with its words", async () => {
  const figures = [
    bars,
    lossCurves([{ name: "seed 0", losses: [3, 2, 1] }]),
    heatMap("Transfer", ["poems"], ["poems", "lists"], [[90, null]], { unit: "%" }),
    diagonalScatter("Ranking", [{ name: "base", x: [1], y: [2] }], { x: "right", y: "wrong" }),
    tokenFigure("Tokens", [{ token: "<b>", base: 0.1, adapted: 0.2, pushes: { EOS: 1 } }]),
  ];
  const words = ["response tuning", "nats per token", "poems", "wrong", "&#60;b&#62;"];
  for (const [i, figure] of figures.entries()) {
    const svg = await figureSvg(figure);
    assert.match(svg, /^<svg[\s\S]*<\/svg>$/);
    assert(svg.includes(words[i]!), `"${words[i]}" stands in figure ${i}`);
  }
});

Deno.test("tokenFigure() shows what each rule added to a rival beside the token that beat it", () => {
  const rival = { token: "What", base: 0.7, adapted: 0.1, pushes: { uniform: -4 } };
  const step = { token: " The", base: 0.2, adapted: 0.8, pushes: { uniform: 0 }, rival };
  const plain = { ...step, token: "\n", rival: null };
  const { data, layout } = tokenFigure("Why", [plain, step]);
  const { ticktext } = layout.xaxis as { ticktext: string[] };
  assert.deepEqual(ticktext, ["↵", "The (What)"]);
  const bars = data.filter(({ type }) => type === "bar").map(({ name, x, y }) => ({ name, x, y }));
  assert.deepEqual(bars, [
    { name: "uniform", x: [-0.2, 0.8], y: [0, 0] },
    { name: "uniform, on the rival", x: [1.2], y: [-4] },
  ]);
  assert.equal(tokenFigure("No rival", [plain]).data.length, 3);
});

Deno.test("sliderFigure() shows one frame, has a step for each, and keeps the axes still", async () => {
  const frame = (label: string, value: number) => ({
    label,
    note: `${label} it is`,
    figure: intervalBars("Win rate", [{ label: "rules", value }]),
  });
  const figure = sliderFigure([frame("low", 10), frame("high", 50)], { of: "weight", at: "high" });
  assert.deepEqual(figure.data.map(({ visible }) => visible), [false, true]);
  const [slider] = figure.layout.sliders as { active: number; steps: { args: unknown[] }[] }[];
  assert.equal(slider!.active, 1);
  const range = { range: [0, 54] };
  for (const [i, { args: [data, layout] }] of slider!.steps.entries()) {
    assert.deepEqual(data, { visible: [i === 0, i === 1] });
    assert.partialDeepStrictEqual(layout, { xaxis: range });
  }
  assert.partialDeepStrictEqual(figure.layout.xaxis, range);
  const svg = await figureSvg(figure);
  assert(svg.includes("high it is") && !svg.includes("slider"), "a picture cannot slide");
  assert.throws(() => sliderFigure([frame("low", 1)], { of: "weight", at: "mid" }), /"mid".*"low"/);
});

Deno.test("figureText() names the figure, its series and their ranges", () => {
  assert.equal(
    figureText(bars),
    "[figure] Win rate\n  measured here, 95 % interval: 2 values, 2 to 38\n" +
      "  in the paper (Llama-2-7B): 1 value, 43.3 to 43.3",
  );
});

Deno.test("lacksLibrary() is true of a notebook's first figure, and where its cell runs again", () => {
  const holder = { cell: "a", run: "1" };
  assert(lacksLibrary(null, holder));
  assert(!lacksLibrary(holder, { cell: "a", run: "1" }), "a second figure of the run");
  assert(!lacksLibrary(holder, { cell: "b", run: "2" }), "another cell");
  assert(lacksLibrary(holder, { cell: "a", run: "3" }), "its output was cleared");
  assert(!lacksLibrary({ run: "1" }, { run: "2" }), "where cells have no names, once is enough");
});

Deno.test("tables keep types, order and digits, and escape what they hold", async () => {
  const frame = await dataFrame([
    { arm: "<base>", rate: 3.456, n: 200 },
    { arm: "rules", rate: 12, n: 200 },
    { arm: "no\nne", rate: null, n: 0 },
  ]);
  assert.deepEqual(frame.columns, ["arm", "rate", "n"]);
  assert.deepEqual(frame.sortValues("n").values[0], ["no\nne", null, 0]);
  const both = await merge(frame, await dataFrame([{ arm: "rules", paper: 24.4 }]), ["arm"]);
  assert.deepEqual([both.columns, both.values], [
    ["arm", "rate", "n", "paper"],
    [["rules", 12, 200, 24.4]],
  ]);
  const table = await layOut(frame, { caption: "Rates", digits: { rate: 2 } });
  assert.equal(
    tableText(table),
    "Rates\narm      rate    n\n──────  ─────  ───\n<base>   3.46  200\nrules   12.00  200\n" +
      "no↵ne       –    0",
  );
  assert.match(tableHtml(table), /&lt;base&gt;/);
  await assert.rejects(
    layOut(frame, { columns: ["rat"] }),
    /Expected a column "rat" but found "arm"/,
  );
});

Deno.test("markdownHtml() draws Markdown, and lets nothing in it act", () => {
  const html = markdownHtml("- **Holds.** 4 < 5, see [it](<02 response ranking.ipynb>)");
  assert.match(
    html,
    /<li><strong>Holds\.<\/strong> 4 &lt; 5, see <a href="02 response ranking.ipynb">it/,
  );
  const hostile = markdownHtml(
    "x <script>a</script> <img src=x onerror=a> ![p](https://e.invalid/p) `<b>`\n\n<style>b</style>\n\n" +
      '[a](javascript:a) [b](JaVaScRiPt:b) [c](data:text/html,c) [d]("onclick=d) [e](java&#115;cript:e)',
  );
  const tags = new Set([...hostile.matchAll(/<(\w+)/g)].map(([, tag]) => tag));
  assert.deepEqual([...tags].sort(), ["a", "code", "div", "p"]);
  assert.deepEqual([...hostile.matchAll(/<a [^>]*>/g)].map(([a]) => a), [
    '<a href="&quot;onclick=d">',
    '<a href="java&amp;#115;cript:e">', // no entity any more: a page of that name
  ]);
});

Deno.test("plainText() lets nothing steer a terminal, piece by piece, and leaves JSON as it is", async () => {
  const hostile = "\u001b[31mred\u001b[0m \u009b2J a\rb \u0007\u202e\u2066\u200f\u061c\u007f";
  const plain = plainText(hostile);
  assert.doesNotMatch(plain, /[^\P{Cc}\n\t]|\p{Bidi_Control}/u);
  assert.match(plain, /^\\u001b\[31mred\\u001b\[0m \\u009b2J a\\u000db /);
  assert.equal([...hostile].map(plainText).join(""), plain);
  const value = { text: hostile };
  assert.deepEqual(JSON.parse(plainText(JSON.stringify(value, null, 2))), value);
  const harmless = "naïve\tعربي עברית 👩‍👩‍👧 \n${x}";
  assert.equal(plainText(harmless), harmless);
  const table = await layOut([{ answer: hostile, n: 1 }], { caption: hostile });
  assert.equal(tableText(table).split("\n").length, 4);
  assert.ok(tableText(table).startsWith(plain) && tableText(table).includes(`${plain}  1`));
});

Deno.test("progressText() shows the share, the time left and the note", () => {
  const state = { label: "tuning", total: 200, seconds: 10, note: "loss 1.20" };
  assert.equal(
    progressText({ ...state, done: 50, ended: false }),
    "tuning ━━━━━━────────────────── 25 % · 30 s left · loss 1.20",
  );
  assert.equal(
    progressText({ ...state, done: 200, ended: true }),
    "tuning: 200 in 10 s · loss 1.20",
  );
});

Deno.test("a progress bar ends what it counts when its cell is interrupted", () => {
  const scope = globalThis as { [key: symbol]: unknown };
  const stop = new AbortController();
  scope[Symbol.for("implicit.cell")] = { getStore: () => stop.signal };
  try {
    const bar = progress("counting", 2);
    bar.update(1);
    stop.abort(new Error("stopped by hand"));
    assert.throws(() => bar.update(2), /stopped by hand/);
  } finally {
    delete scope[Symbol.for("implicit.cell")];
  }
});

Deno.test("duration() speaks of seconds, minutes and hours", () => {
  assert.deepEqual([0.42, 59.4, 200, 3900].map(duration), [
    "0.4 s",
    "59 s",
    "3 min 20 s",
    "1 h 05 min",
  ]);
});

Deno.test("escapeHtml() and visible() make text safe and seen", () => {
  assert.equal(escapeHtml(`<a href="x">&'`), "&lt;a href=&quot;x&quot;&gt;&amp;&#39;");
  assert.equal(visible(" a\n"), "·a↵");
});

Deno.test("a first table comes without a word of what packages deprecate", () => {
  const door = new URL("./table.ts", import.meta.url).href;
  const code = `const { showTable } = await import("${door}"); await showTable([{ rate: 2 }]);`;
  const { stdout, stderr } = spawnSync(Deno.execPath(), ["run", "-A", "-"], {
    cwd: import.meta.dirname,
    input: code,
    encoding: "utf8",
  });
  assert.match(stdout, /rate/);
  assert.equal(stderr, "");
});
