import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DiskCache } from "@implicit/memo";
import { contrast, estimates } from "./estimates.ts";
import { cellsOf, runGrid, valuesOf } from "./grid.ts";
import { type Cell, crossed, type Plan } from "./plan.ts";

interface TestCell extends Cell {
  readonly factors: { readonly arm: string };
}

/** A study that measures nothing: what its cells give follows from their factors. */
function plan(fail: (cell: TestCell) => boolean, count: { computed: number }): Plan<TestCell> {
  return {
    name: "test",
    question: "Does a grid run?",
    expected: "yes",
    contradicted: "no",
    code: "lib/answers/plan.ts",
    cells: () =>
      crossed({ base: ["base-1", "base-2", "base-3"], arm: ["a", "b"], seed: [1, 2] })
        .map(({ base, arm, seed }) => ({ base, seed, factors: { arm } })),
    measure(study, cell) {
      if (fail(cell)) throw new Error("broken");
      count.computed++;
      const better = cell.factors.arm === "a" ? 1 : 0.5;
      return Promise.resolve({
        outcomes: { win: [better, 0, NaN, 0.4] },
        figures: { length: study.base.name.length + cell.seed },
      });
    },
  };
}

async function inEmptyCache(work: (cache: DiskCache) => Promise<void>): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), "grid-"));
  try {
    await work(new DiskCache(folder));
  } finally {
    await rm(folder, { recursive: true });
  }
}

Deno.test("a grid goes on after a cell that fails, and computes no cell twice", () =>
  inEmptyCache(async (cache) => {
    const count = { computed: 0 };
    const broken = await runGrid(
      plan(({ base, seed }) => base === "base-2" && seed === 2, count) as Plan,
      { cache, prompts: 4 },
    );
    assert.equal(broken.cells.length, 10);
    const kept = await runGrid(plan(() => true, count) as Plan, { cache, prompts: 4, soFar: true });
    assert.deepEqual([kept.cells, kept.failed, kept.elsewhere], [broken.cells, [], 2]);
    assert.deepEqual(broken.failed, ["a, base-2, seed 2: broken", "b, base-2, seed 2: broken"]);
    const whole = await runGrid(plan(() => false, count) as Plan, { cache, prompts: 4 });
    assert.deepEqual([whole.cells.length, whole.failed.length, count.computed], [12, 0, 12]);
    assert.equal(whole.cells[0]!.outcomes.win, "A0-4");
    assert.deepEqual(valuesOf("A0-4"), [1, 0, NaN, 0.4]);
    const [a, b] = estimates(whole.cells, "win");
    assert.deepEqual([a!.arm, a!.value, b!.value, a!.bases], ["a", 46.67, 30, 3]);
    assert.equal(estimates(whole.cells, "length")[0]!.value, 7.5);
    const { value, low, high } = contrast(whole.cells, "win", { arm: "a" }, { arm: "b" });
    assert.equal(value, 16.67);
    assert(low <= value && value <= high);
    assert.throws(() => estimates(whole.cells, "wins"), /among win, length, but found "wins"/);
  }));

Deno.test("shards divide a grid, and their caches joined are the whole", () =>
  inEmptyCache(async (cache) => {
    const count = { computed: 0 };
    const one = plan(() => false, count) as Plan;
    for (const index of [1, 2, 3]) {
      const { cells, elsewhere } = await runGrid(one, {
        cache,
        prompts: 4,
        shard: { index, of: 3 },
      });
      assert.deepEqual([cells.length, elsewhere], [4, 8]);
    }
    const whole = await runGrid(one, { cache, prompts: 4 });
    assert.deepEqual([whole.cells.length, count.computed], [12, 12]);
  }));

Deno.test("cells that share a base made for a study stay in one shard", () => {
  const bases = [1, 2, 3].map((seed) => ({
    name: "made",
    seed,
    tokens: 1,
    size: { hiddenSize: 8, layers: 1, heads: 1, intermediateSize: 8, context: 8 },
    corpus: { shares: {} } as never,
  }));
  const cells = crossed({ base: bases, arm: ["a", "b", "c"] })
    .map(({ base, arm }) => ({ base, seed: 1, factors: { arm } }));
  const first = cellsOf(cells, { index: 1, of: 2 }), second = cellsOf(cells, { index: 2, of: 2 });
  assert.deepEqual(first.map(({ base }) => base.seed), [1, 1, 1, 3, 3, 3]);
  assert.equal(first.length + second.length, cells.length);
});
