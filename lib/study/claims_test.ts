import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { differenceOverBases } from "./bases.ts";
import { paperRows, type ResultRow } from "./results.ts";
import { projectRoot } from "./settings.ts";
import { claimsSection, paperTables } from "./tables.ts";
import { verdicts } from "./verdicts.ts";

function row(arm: string, value: number, metric = "win-rate", section = "4.1"): ResultRow {
  const origin = { seconds: 1, engine: "", hashes: {}, versions: {}, paper: null, sd: null, n: 1 };
  return {
    section,
    arm,
    metric,
    value,
    low: value,
    high: value,
    model: "m",
    seed: null,
    ...origin,
  };
}

const holding = [
  row("base", 1, "pass-rate"),
  row("instruction-tuning", 90, "pass-rate"),
  row("base", 1),
  row("response-tuning", 40),
  row("shuffled-pairs", 2),
  row("rules", 25),
  row("rules-without-eos", 5),
  row("rules-without-repetition", 15),
  row("rules-without-uniform", 10),
];

Deno.test("verdicts() tells claims that hold from those that fail and those without rows", () => {
  const by = (rows: ResultRow[], text: string) =>
    verdicts(rows).find(({ claim }) => claim.includes(text))!;
  assert.equal(by(holding, "EOS ramp hurts most").holds, true);
  assert.equal(by(holding, "more than all rules").holds, true);
  assert.equal(by(holding, "below every set").holds, true);
  assert.equal(by(holding, "A/B tags").holds, null);
  assert.ok(Number.isNaN(by(holding, "A/B tags").figures["A/B tags"]));
  assert.equal(by(holding, "less than 85 %").holds, true);
  const idle = holding.map((r) => r.arm === "rules-without-repetition" ? { ...r, value: 26 } : r);
  assert.equal(by(idle, "below every set").holds, false);
  assert.equal(by(idle, "EOS ramp hurts most").holds, true);
  // Ten points apart, and yet not told apart: the intervals decide.
  assert.equal(by(holding, "shuffled pairs").holds, true);
  const wide = holding.map((r) => r.arm === "shuffled-pairs" ? { ...r, value: 25, high: 41 } : r);
  assert.equal(by(wide, "shuffled pairs").holds, false);
  const low = holding.map((r) => r.arm === "response-tuning" ? { ...r, value: 29, low: 28 } : r);
  assert.equal(by(low, "shuffled pairs").holds, false);
});

Deno.test("verdicts() of the paper's own numbers hold wherever it has them, but for one", async () => {
  const own = verdicts([], await paperRows()).filter(({ holds }) => holds !== null);
  assert.ok(own.length >= 8, `${own.length}`);
  const failed = own.filter(({ holds }) => !holds).map(({ model, figures }) => [model, figures]);
  assert.deepEqual(failed, [["OLMo-7B-Feb2024", { base: 74.5 }]]); // ranks "at least 75 %"
});

Deno.test("claimsSection() counts bases, names those that fail, and folds the figures away", async () => {
  const two = [...holding, ...holding.map((r) => ({ ...r, model: "other", value: r.value + 30 }))];
  const text = claimsSection(two, await paperRows());
  assert.match(text, /\| of the three rules, .* \| 2 of 2 \| {2}\|/);
  assert.match(text, /\| the base wins fewer than 6 %.* \| \*\*1 of 2\*\* \| other \|/);
  assert.match(text, /<details>[^]*\| base \| 2\.4 \| 4\.7 \| 1\.0 \| 31\.0 \|[^]*<\/details>/);
});

Deno.test("paperTables() puts what is measured beside what is published", async () => {
  const text = paperTables(holding, await paperRows());
  assert.match(text, /\| response-tuning \| 43.3 ± 1.1 \| 43.7 ± 1.7 \| 40.0 \[40.0, 40.0\] \|/);
  assert.match(text, /single-task:game .* not measured/);
  const values = (value: number) => [[value / 100, value / 100]];
  const two = ["b1", "b2"].flatMap((model, i) =>
    holding.map((r) => ({ ...r, model, value: r.value + i, values: values(r.value + i) }))
  );
  const both = paperTables(two, await paperRows());
  assert.match(both, /\| response-tuning \| .* \| 40.5 \[40.0, 41.0\] \| 40.0 – 41.0 \|/);
  assert.match(both, /\| 2 bases \| their range \|/);
});

Deno.test("data/results.json: every claim of the paper, with the figures that decide", async () => {
  const root = projectRoot();
  assert.ok(existsSync(join(root, "data", "results.json")), "run `deno task readme results.json`");
  const { rows }: { rows: ResultRow[] } = JSON.parse(
    await readFile(join(root, "data", "results.json"), "utf8"),
  );
  for (const { model, claim, holds, figures } of verdicts(rows)) {
    const found = JSON.stringify(figures);
    console.log(`${holds ? "holds        " : "DOES NOT HOLD"} ${model}: ${claim} ${found}`);
    assert.notEqual(holds, null, `${model}: "${claim}" has no rows: ${found}`);
  }
  // The repetition rule is not idle: over bases its points are told apart from none.
  assert.ok(differenceOverBases(rows, "6", "rules", "rules-without-repetition").low > 0);
  // What does not hold must stand as not holding where a reader sees it.
  const readme = await readFile(join(root, "README.md"), "utf8");
  const lines = (text: string) => text.split("\n").map((l) => l.replace(/[\s-]+/g, " ").trim());
  const shown = new Set(lines(readme));
  for (const line of lines(claimsSection(rows, await paperRows()))) {
    assert.ok(shown.has(line), `README lacks: ${line}`);
  }
});
