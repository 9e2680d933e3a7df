/**
 * An arm's result over its seeds, as a table shows it: each seed's run judged against the
 * instruction-tuned run of the same seed (paper §3), mean ± sd, the interval by instruction, and the
 * difference to another arm. Knows preferences; does not know arms or runs.
 */
import {
  type BootstrapOptions,
  type Interval,
  meanAndDeviation,
  pairedBootstrap,
  type Preference,
  type SeedTable,
  signTest,
  toProbability,
  type WinRate,
  winRate,
} from "@implicit/alpaca-eval";

/** Preferences of one run a seed; the same instructions in the same order. */
export type SeedPreferences = readonly (readonly Preference[])[];

/** Probabilities in percent, [seed][instruction]; checks that every seed has the same instructions. */
function percentages(seeds: SeedPreferences): SeedTable {
  const first = seeds[0] ?? [];
  seeds.forEach((rows, s) => {
    const odd = rows.findIndex((row, i) => row.instruction !== first[i]?.instruction);
    if (odd >= 0 || rows.length !== first.length) {
      throw new Error(
        `Expected the instructions of the first seed in seed number ${s} but found ` +
          `${rows.length} for ${first.length}${odd >= 0 ? `, another at row ${odd}` : ""}`,
      );
    }
  });
  return seeds.map((rows) => rows.map(({ preference }) => 100 * toProbability(preference)));
}

export interface SeedWinRate {
  /** Mean over the seeds and standard deviation (ddof 1; NaN for one seed), in percent. */
  readonly mean: number;
  readonly sd: number;
  /** Bootstrap by instruction around the mean over all seeds' rows, in percent. */
  readonly interval: Interval;
  readonly seeds: readonly WinRate[];
}

/**
 * The win rate over seeds.
 *
 * @throws if there is no seed, or the seeds' instructions differ
 * @example winRateOverSeeds(seeds.map((s) => preferencesFromScores(ids, tuned[s], arm[s])), { seed: 1 })
 */
export function winRateOverSeeds(
  preferences: SeedPreferences,
  options: BootstrapOptions,
): SeedWinRate {
  const seeds = preferences.map(winRate);
  const { mean, sd } = meanAndDeviation(seeds.map((seed) => seed.win_rate));
  return { mean, sd, seeds, interval: pairedBootstrap(percentages(preferences), options) };
}

/**
 * Whether arm `a` does better than arm `b`, both judged against the same references on the same
 * instructions with the same seeds.
 *
 * @returns the difference of their win rates with its paired interval, in points, and the sign test
 */
export function compareArms(
  a: SeedPreferences,
  b: SeedPreferences,
  options: BootstrapOptions,
): { readonly difference: Interval; readonly sign: ReturnType<typeof signTest> } {
  percentages([...a, ...b]); // one set of instructions for all
  const [ours, theirs] = [percentages(a), percentages(b)];
  return { difference: pairedBootstrap(ours, theirs, options), sign: signTest(ours, theirs) };
}
