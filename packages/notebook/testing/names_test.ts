import assert from "node:assert/strict";
import { lostNames } from "./names.ts";

Deno.test("lostNames() finds earlier cells' names as shorthand properties, and no others", () => {
  const code = (source: string) => ({ cell_type: "code" as const, source, metadata: {} });
  const cells = [
    code('import { arms } from "x";\nconst scale = 1, [a, { b: c = 2, ...d }] = f({ scale });'),
    { cell_type: "markdown" as const, source: "{ scale }", metadata: {} },
    code("g({ scale, arms, a }); h({ scale: scale, b }); const { c } = k; k({ c } as const);"),
    code("[1].map((d: number) => ({ d })); for (const a of z) y({ a, c, d: d });"),
    code("if (true) { const scale = 2; f({ scale }); }"),
  ];
  const found = lostNames({ nbformat: 4, nbformat_minor: 5, metadata: {}, cells });
  assert.deepEqual(found.map(({ cell, name }) => `${cell} ${name}`), [
    ...["3 scale", "3 arms", "3 a"],
    "4 c",
  ]);
});
