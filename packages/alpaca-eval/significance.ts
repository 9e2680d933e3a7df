/**
 * How sure a result is: mean ± sd over seeds as the paper prints it, and what it lacks, a bootstrap
 * interval by instruction and a sign test between two arms. Does not know what the numbers measure.
 */
import { mean, quantileSorted, sampleStandardDeviation } from "simple-statistics";
import { uniformInt } from "pure-rand/distribution/uniformInt";
import { xoroshiro128plus } from "pure-rand/generator/xoroshiro128plus";

/**
 * Mean and standard deviation (ddof 1) over seeds, in the unit of the values. A single seed has no
 * deviation: NaN, never 0.
 *
 * @example meanAndDeviation([43.1, 44.0, 42.2, 43.9, 43.3]) // { mean: 43.3, sd: 0.72…, n: 5 }
 */
export function meanAndDeviation(
  values: readonly number[],
): { readonly mean: number; readonly sd: number; readonly n: number } {
  if (values.length === 0) throw new Error("Expected at least one seed's value but found none");
  const sd = values.length < 2 ? NaN : sampleStandardDeviation(values as number[]);
  return {
    mean: values.reduce((sum, value) => sum + value, 0) / values.length,
    sd,
    n: values.length,
  };
}

/** A table of one arm: `[seed][instruction]`, NaN where there is no value. */
export type SeedTable = readonly (readonly number[])[];

export interface Interval {
  readonly estimate: number;
  readonly low: number;
  readonly high: number;
}

/** Sum and count of each column over the seeds, leaving NaN out. */
function columnTotals(table: SeedTable): { sums: Float64Array; counts: Float64Array } {
  const width = table[0]?.length ?? 0;
  if (width === 0 || table.some((row) => row.length !== width)) {
    throw new Error(
      `Expected seeds with equally many instructions, at least one, but found ` +
        `[${table.map((row) => row.length).join(", ")}]`,
    );
  }
  const sums = new Float64Array(width), counts = new Float64Array(width);
  for (const row of table) {
    row.forEach((value, i) => {
      if (Number.isNaN(value)) return;
      sums[i]! += value;
      counts[i]! += 1;
    });
  }
  return { sums, counts };
}

/**
 * Percentile bootstrap by instruction, 95 %: every draw takes an instruction with the values of all
 * its seeds, so the interval speaks of other instructions from the same source, with these seeds.
 *
 * @param table [seed][instruction]; the interval has the unit of its values
 * @example pairedBootstrap(difference(responseTuned, singleTask), { seed: 1 }) // differ without 0
 */
export function pairedBootstrap(
  table: SeedTable,
  { seed, resamples = 2000 }: { readonly seed: number; readonly resamples?: number },
): Interval {
  const { sums, counts } = columnTotals(table);
  const random = xoroshiro128plus(seed);
  const means: number[] = [];
  for (let r = 0; r < resamples; r++) {
    let drawnSum = 0, drawnCount = 0;
    for (let i = 0; i < sums.length; i++) {
      const pick = uniformInt(random, 0, sums.length - 1);
      drawnSum += sums[pick]!;
      drawnCount += counts[pick]!;
    }
    if (drawnCount > 0) means.push(drawnSum / drawnCount);
  }
  if (means.length === 0) return { estimate: NaN, low: NaN, high: NaN };
  means.sort((a, b) => a - b);
  const total = (values: Float64Array) => values.reduce((sum, value) => sum + value, 0);
  return {
    estimate: total(sums) / total(counts),
    low: quantileSorted(means, 0.025),
    high: quantileSorted(means, 0.975),
  };
}

/**
 * The same of several models: a draw takes models with replacement, for each of these its seeds with
 * replacement, and instructions, the same ones for all. So the interval speaks of other models made
 * alike, other seeds and other instructions.
 *
 * @param tables one a model, all with the same instructions; each model counts alike
 * @example nestedBootstrap(bases.map((base) => tableOf(base, "rules")), { seed: 1 })
 */
export function nestedBootstrap(
  tables: readonly SeedTable[],
  { seed, resamples = 2000 }: { readonly seed: number; readonly resamples?: number },
): Interval {
  const width = tables[0]?.[0]?.length ?? 0;
  const widths = tables.flatMap((table) => table.map((row) => row.length));
  if (width === 0 || widths.some((found) => found !== width)) {
    throw new Error(
      `Expected models with equally many instructions, at least one, but found [${widths}]`,
    );
  }
  const means = drawsOf(seed, resamples, width, tables.map(({ length }) => length))
    .map(({ times, rows }) =>
      mean(
        rows.map(({ table, seeds }) =>
          mean(seeds.map((seed) => weighted(tables[table]![seed]!, times)))
        ),
      )
    ).filter((value) => !Number.isNaN(value)).sort((a, b) => a - b);
  const once = new Uint16Array(width).fill(1);
  return {
    estimate: mean(tables.map((table) => mean(table.map((row) => weighted(row, once))))),
    low: quantileSorted(means, 0.025),
    high: quantileSorted(means, 0.975),
  };
}

/** Mean of a row's instructions, each as often as it was drawn. */
function weighted(row: readonly number[], times: Uint16Array): number {
  let total = 0, count = 0;
  for (let i = 0; i < row.length; i++) {
    const value = row[i]!;
    if (Number.isNaN(value)) continue;
    total += times[i]! * value;
    count += times[i]!;
  }
  return total / count;
}

/** How often each instruction was drawn, and which models with which of their seeds. */
interface Draw {
  readonly times: Uint16Array;
  readonly rows: readonly { readonly table: number; readonly seeds: readonly number[] }[];
}

/** The last draws: they depend on the tables' shape alone, and drawing takes most of the time. */
let latest: { readonly shape: string; readonly draws: readonly Draw[] } | undefined;

/** @param seeds of each model, how many */
function drawsOf(
  seed: number,
  resamples: number,
  width: number,
  seeds: readonly number[],
): readonly Draw[] {
  const shape = JSON.stringify([seed, resamples, width, seeds]);
  if (latest?.shape === shape) return latest.draws;
  const random = xoroshiro128plus(seed);
  const any = (count: number) => uniformInt(random, 0, count - 1);
  const draws = Array.from({ length: resamples }, () => {
    const times = new Uint16Array(width);
    for (let i = 0; i < width; i++) times[any(width)]!++;
    const models = seeds.map(() => any(seeds.length));
    const rows = models.map((table) => {
      const count = seeds[table]!;
      return { table, seeds: Array.from({ length: count }, () => any(count)) };
    });
    return { times, rows };
  });
  latest = { shape, draws };
  return draws;
}

/** Two arms' differences `a − b` by seed and instruction. @throws if their numbers of these differ */
export function difference(a: SeedTable, b: SeedTable): number[][] {
  if (a.length !== b.length || a.some((row, s) => row.length !== b[s]!.length)) {
    throw new Error(
      `Expected two arms with the same seeds and instructions but found ${a.length} × ` +
        `${a[0]?.length ?? 0} and ${b.length} × ${b[0]?.length ?? 0}: compare the seeds both have`,
    );
  }
  return a.map((row, s) => row.map((value, i) => value - b[s]![i]!));
}

/**
 * Two-sided exact sign test of two arms' differences. Each instruction votes once, with its mean over
 * the seeds, which are not independent; ties and instructions without a value do not vote.
 *
 * @returns wins and losses of the first arm, ties, and the probability of a split at least as uneven
 *   under equal arms (1 where nobody votes)
 */
export function signTest(
  differences: SeedTable,
): { readonly wins: number; readonly losses: number; readonly ties: number; readonly p: number } {
  const { sums, counts } = columnTotals(differences);
  let wins = 0, losses = 0, ties = 0;
  sums.forEach((sum, i) => {
    if (counts[i] === 0) return;
    // Differences that cancel over the seeds leave rounding behind, which must not vote.
    if (Math.abs(sum) < 1e-12) ties++;
    else if (sum > 0) wins++;
    else losses++;
  });
  return { wins, losses, ties, p: binomialTwoSided(Math.min(wins, losses), wins + losses) };
}

/** 2 · P(X ≤ k) for X ~ Binomial(n, ½), at most 1; in logarithms, as 2⁻ⁿ underflows beyond 1,074. */
function binomialTwoSided(k: number, n: number): number {
  let logTerm = -n * Math.LN2;
  let tail = Math.exp(logTerm);
  for (let i = 1; i <= k; i++) {
    logTerm += Math.log((n - i + 1) / i);
    tail += Math.exp(logTerm);
  }
  return Math.min(1, 2 * tail);
}
