import assert from "node:assert/strict";
import { type ForestPlot, forestSvg } from "./forest.ts";

const row = { label: "a <b>", value: 20, low: 10, high: 30, draws: [15, 25] };
const plot: ForestPlot = {
  title: "Which is best, and by how much, of all that there are?",
  subtitle: "%",
  legend: { mean: "mean", draw: "each" },
  publishers: ["one", "other"],
  groups: [
    { title: "first", note: "of two", rows: [{ ...row, published: [40, null] }] },
    { title: "second", note: "", rows: [{ ...row, label: "c", published: [12, 34] }] },
  ],
  reference: { value: 50, label: "the best" },
};

/** Where the first element of a class stands. */
const place = (svg: string, kind: string) =>
  Number(new RegExp(`class="${kind}" (?:cx="|d="M)([\\d.]+)`).exec(svg)![1]);

Deno.test("forestSvg() puts every mark at its number, on wide pages and on phones", () => {
  for (const width of [860, 358]) {
    const svg = forestSvg(plot, { theme: "light", width });
    const body = svg.slice(svg.indexOf('class="bar"'));
    const from = place(svg, "bar");
    const share = (kind: string) => (place(body, kind) - from) / (place(svg, "ref") - from) * 50;
    for (const [kind, value] of [["ci", 10], ["draw", 15], ["mean", 20], ["d0", 40]] as const) {
      assert(Math.abs(share(kind) - value) < 0.2, `${kind} at ${share(kind)} of ${width}`);
    }
    const ends = [...svg.matchAll(/ x="([\d.-]+)"/g)].map(([, x]) => Number(x));
    assert(Math.max(...ends) <= width && Math.min(...ends) >= 0);
  }
});

Deno.test("forestSvg() says everything in words too, and escapes them", () => {
  const svg = forestSvg(plot, { theme: "page" });
  assert.match(
    svg,
    /aria-label="Which is best[^"]* a &lt;b&gt; 20\.0 \(10\.0 to 30\.0\), one 40\.0;/,
  );
  assert(!svg.includes("<b>"));
  assert.match(svg, /@media\(prefers-color-scheme:dark\)\{\.forest text\{/);
  assert.equal(svg, forestSvg(plot, { theme: "page" }));
});
