import { deepStrictEqual, ok, strictEqual, throws } from "node:assert/strict";
import { uniformInt } from "pure-rand/distribution/uniformInt";
import { xoroshiro128plus } from "pure-rand/generator/xoroshiro128plus";
import { mean, quantileSorted } from "simple-statistics";
import {
  difference,
  meanAndDeviation,
  nestedBootstrap,
  pairedBootstrap,
  type SeedTable,
  signTest,
} from "./significance.ts";

Deno.test("meanAndDeviation() divides by n − 1 and gives one seed no deviation", () => {
  deepStrictEqual(meanAndDeviation([1, 2, 3, 4, 5]), { mean: 3, sd: Math.sqrt(2.5), n: 5 });
  ok(Number.isNaN(meanAndDeviation([1]).sd));
  throws(() => meanAndDeviation([]), /at least one seed/);
});

Deno.test("pairedBootstrap() agrees with the normal interval of independent rows", () => {
  const row = Array.from({ length: 400 }, (_, i) => (i * 7919 % 400) / 400);
  const { estimate, low, high } = pairedBootstrap([row], { seed: 1, resamples: 4000 });
  const mean = row.reduce((a, b) => a + b) / 400;
  const error = Math.sqrt(row.reduce((s, x) => s + (x - mean) ** 2, 0) / 399 / 400);
  ok(Math.abs(estimate - mean) < 1e-12);
  ok(Math.abs(low - (mean - 1.96 * error)) < 0.15 * error, `${low}`);
  ok(Math.abs(high - (mean + 1.96 * error)) < 0.15 * error, `${high}`);
});

Deno.test("pairedBootstrap() keeps the seeds of an instruction together", () => {
  // Four copies of a seed hold no more information than one: the interval must not narrow.
  const row = Array.from({ length: 100 }, (_, i) => i % 2);
  const one = pairedBootstrap([row], { seed: 3 });
  const four = pairedBootstrap([row, row, row, row], { seed: 3 });
  deepStrictEqual(four, one);
});

Deno.test("pairedBootstrap() of two arms pairs them, leaves NaN out, and repeats with its seed", () => {
  const base = Array.from({ length: 50 }, (_, i) => (i * 31 % 50) / 50);
  const better = base.map((value) => value + 0.1);
  const { estimate, low, high } = pairedBootstrap(difference([better], [base]), { seed: 1 });
  for (const value of [estimate, low, high]) ok(Math.abs(value - 0.1) < 1e-12, `${value}`);
  const gap = pairedBootstrap(difference([[NaN, 1, 1]], [[0, 0, NaN]]), { seed: 1 });
  strictEqual(gap.estimate, 1);
  const again = (seed: number) => pairedBootstrap([base], { seed });
  deepStrictEqual(again(5), again(5));
  ok(again(5).low !== again(6).low);
  throws(() => difference([base], [base, base]), /same seeds and instructions/);
});

Deno.test("signTest() equals scipy.stats.binomtest and lets an instruction vote once", () => {
  const split = (wins: number, losses: number) =>
    signTest([[...Array<number>(wins).fill(1), ...Array<number>(losses).fill(-1), 0, NaN]]);
  const expected: [number, number, number][] = [
    [3, 9, 0.14599609375],
    [0, 5, 0.0625],
    [6, 6, 1],
    [900, 1100, 8.45708953550381e-06],
    [4200, 4000, 0.027972423571324654],
  ];
  for (const [wins, losses, p] of expected) {
    const result = split(wins, losses);
    deepStrictEqual([result.wins, result.losses, result.ties], [wins, losses, 1]);
    ok(Math.abs(result.p / p - 1) < 1e-9, `${result.p} for ${p}`);
  }
  // Two seeds that disagree cancel: one tie, not a win and a loss.
  deepStrictEqual(signTest([[0.3], [0.1 - 0.4]]), { wins: 0, losses: 0, ties: 1, p: 1 });
});

/** A draw at a time, as the definition reads. */
function plainly(tables: readonly SeedTable[], seed: number, resamples: number): number[] {
  const random = xoroshiro128plus(seed);
  const any = (count: number) => uniformInt(random, 0, count - 1);
  return Array.from({ length: resamples }, () => {
    const picks = tables[0]![0]!.map((_, __, row) => any(row.length));
    const models = tables.map(() => tables[any(tables.length)]!);
    return mean(models.map((table) =>
      mean(table.map(() => {
        const row = table[any(table.length)]!;
        return mean(picks.map((pick) => row[pick]!).filter((value) => !Number.isNaN(value)));
      }))
    ));
  }).sort((a, b) => a - b);
}

Deno.test("nestedBootstrap() resamples models, their seeds and instructions, shape after shape", () => {
  const random = xoroshiro128plus(7);
  const table = (seeds: number, width: number): SeedTable =>
    Array.from(
      { length: seeds },
      () =>
        Array.from({ length: width }, (_, i) => i === 0 ? NaN : uniformInt(random, 0, 100) / 100),
    );
  const alike = [table(2, 12), table(2, 12), table(2, 12)];
  const others = [table(2, 12), table(2, 12), table(2, 12)];
  const uneven = [table(1, 12), table(3, 12)];
  // Draws are kept from call to call where the shape is one: each must still get its own.
  for (const tables of [alike, others, uneven, alike, [table(1, 30)], uneven]) {
    for (const seed of [1, 2]) {
      const { estimate, low, high } = nestedBootstrap(tables, { seed, resamples: 200 });
      const means = plainly(tables, seed, 200);
      ok(Math.abs(low - quantileSorted(means, 0.025)) < 1e-12);
      ok(Math.abs(high - quantileSorted(means, 0.975)) < 1e-12);
      ok(low < estimate && estimate < high, `${low} ${estimate} ${high}`);
    }
  }
});

Deno.test("nestedBootstrap() asks for models with equally many instructions", () => {
  throws(() => nestedBootstrap([], { seed: 1 }), /found \[\]/);
  throws(() => nestedBootstrap([[[1, 2]], [[1]]], { seed: 1 }), /found \[2,1\]/);
});
