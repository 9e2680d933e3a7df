import { deepStrictEqual, ok, strictEqual, throws } from "node:assert/strict";
import { compareArms, winRateOverSeeds } from "./seeds.ts";

const run = (preferences: number[]) =>
  preferences.map((preference, i) => ({ instruction: `i${i}`, preference }));

Deno.test("winRateOverSeeds() gives mean ± sd over the seeds and an interval around the mean", () => {
  const result = winRateOverSeeds([run([2, 2, 1, 1]), run([2, 1, 1, 1]), run([2, 2, 2, 1])], {
    seed: 1,
  });
  deepStrictEqual(result.seeds.map((seed) => seed.win_rate), [50, 25, 75]);
  deepStrictEqual([result.mean, result.sd, result.interval.estimate], [50, 25, 50]);
  ok(result.interval.low < 50 && result.interval.high > 50);
  ok(Number.isNaN(winRateOverSeeds([run([2, 1])], { seed: 1 }).sd));
});

Deno.test("compareArms() pairs seeds and instructions", () => {
  const base = Array.from({ length: 40 }, (_, i) => 1 + (i % 4) / 10);
  const better = base.map((value) => value + 0.2);
  const { difference, sign } = compareArms([run(better), run(better)], [run(base), run(base)], {
    seed: 1,
  });
  for (const value of Object.values(difference)) ok(Math.abs(value - 20) < 1e-9, `${value}`);
  deepStrictEqual([sign.wins, sign.losses, sign.ties], [40, 0, 0]);
  strictEqual(sign.p, 2 ** -39);
  throws(() => compareArms([run(base)], [run(base.slice(1))], { seed: 1 }), /first seed/);
  const other = run(base).map((row) => ({ ...row, instruction: row.instruction + "!" }));
  throws(() => compareArms([run(base)], [other], { seed: 1 }), /another at row 0/);
});
