import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { projectRoot } from "../study/settings.ts";
import type { Cell } from "./plan.ts";
import { beginning } from "./pretrained.ts";
import { studies } from "./studies.ts";

const idOf = ({ factors, base, seed }: Cell) => JSON.stringify([factors, base, seed]);
const baseOf = ({ base }: Cell) => typeof base === "string" ? base : `seed ${base.seed}`;

Deno.test("every plan has a name, a question, what was expected, and its code", () => {
  assert(studies.length > 0);
  assert.equal(new Set(studies.map(({ name }) => name)).size, studies.length);
  for (const { name, question, expected, contradicted, code } of studies) {
    assert.match(name, /^[a-z]+(-[a-z]+)*$/);
    assert.match(question, /\?$/, name);
    assert(expected.length > 40 && contradicted.length > 20, name);
    assert(existsSync(join(projectRoot(), code)), `${name}: ${code} is not there`);
  }
});

Deno.test("no cell of a plan comes twice, and results tell its cells apart", () => {
  for (const { name, cells } of studies) {
    for (const size of ["full", "smoke"] as const) {
      const list = cells(size);
      const told = list.map(({ factors, seed, ...cell }) =>
        JSON.stringify([factors, baseOf({ factors, seed, ...cell }), seed])
      );
      assert.equal(new Set(list.map(idOf)).size, list.length, `${name}, ${size}`);
      assert.equal(new Set(told).size, list.length, `${name}, ${size}: told apart by factors`);
      const heads = new Set(list.map(({ factors }) => Object.keys(factors).join()));
      assert.equal(heads.size, 1, `${name}, ${size}: one set of factors`);
    }
  }
});

Deno.test("every plan has a smoke grid, of one base and fewer cells", () => {
  for (const { name, cells } of studies) {
    const [full, smoke] = [cells("full"), cells("smoke")];
    assert(smoke.length > 0 && smoke.length < full.length / 2, `${name}: ${smoke.length} cells`);
    const seeds = new Set(smoke.map(baseOf));
    assert.equal(seeds.size, 1, `${name}: ${[...seeds]}`);
  }
});

Deno.test("every combination of factors has three bases or more", () => {
  for (const { name, cells } of studies) {
    const bases = new Map<string, Set<string>>();
    for (const cell of cells("full")) {
      const key = JSON.stringify(cell.factors);
      bases.set(key, (bases.get(key) ?? new Set()).add(baseOf(cell)));
    }
    for (const [factors, { size }] of bases) {
      assert(size >= 3, `${name}: ${factors} has ${size} bases`);
    }
  }
});

Deno.test("every base that a plan pretrains has a config.json that the decoder takes", () => {
  const forms = new Set<string>();
  for (const { base } of studies.flatMap(({ cells }) => cells("full"))) {
    if (typeof base === "string") continue;
    const form = JSON.stringify([base.size, base.config]);
    if (forms.has(form)) continue;
    forms.add(form);
    assert(beginning(base).start.parameters.size > 0, base.name);
  }
  assert(forms.size > 5, `${forms.size} forms`);
});
