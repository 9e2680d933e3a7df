import assert from "node:assert/strict";
import { intervalLines } from "./lines.ts";

const point = (x: string | number) => ({ x, value: 2, low: 1, high: 4 });

function shape(xs: readonly (string | number)[], title: string) {
  const series = ["one", "other"].map((name) => ({ name, points: xs.map(point) }));
  const { data, layout } = intervalLines("Title", series, { x: title, y: "%" });
  return [
    data.map(({ mode }) => mode),
    layout.scattermode,
    (layout.xaxis as { type: string }).type,
  ];
}

Deno.test("what is dialled is joined by a line, kinds stand side by side", () => {
  const joined = ["lines+markers", "lines+markers"], apart = ["markers", "markers"];
  assert.deepEqual(shape(["none", "half", "all"], "dose"), [joined, undefined, "category"]);
  assert.deepEqual(shape(["poems", "sums"], ""), [apart, "group", "category"]);
  assert.deepEqual(shape([1, 10, 100], "examples"), [joined, undefined, "log"]);
  assert.deepEqual(shape([0, 10, 100], ""), [joined, undefined, "linear"]);
});

Deno.test("an interval's bars reach from the value to both ends", () => {
  const { data } = intervalLines("Title", [{ name: "one", points: [point(1)] }], {
    x: "x",
    y: "y",
  });
  const { array, arrayminus } = data[0]!.error_y as Record<string, number[]>;
  assert.deepEqual([array, arrayminus], [[2], [1]]);
});
