import assert from "node:assert/strict";
import { learningRate, type ScheduleOptions } from "./schedule.ts";

const rates = (steps: number, options: Omit<ScheduleOptions, "learningRate">) =>
  Array.from(
    { length: steps },
    (_, step) => Number(learningRate(step, steps, { learningRate: 1, ...options }).toFixed(6)),
  );

Deno.test("learningRate() rises over the warm-up and falls linearly", () => {
  assert.deepEqual(rates(10, { warmup: 0.2 }), [
    0.5,
    1,
    1,
    0.875,
    0.75,
    0.625,
    0.5,
    0.375,
    0.25,
    0.125,
  ]);
  assert.deepEqual(rates(4, { warmup: 0, finalFraction: 0.2 }), [1, 0.8, 0.6, 0.4]);
});

Deno.test("learningRate() falls along a half cosine", () => {
  assert.deepEqual(rates(4, { warmup: 0, schedule: "cosine" }), [1, 0.853553, 0.5, 0.146447]);
});

Deno.test("learningRate() stays constant, or until the middle", () => {
  assert.deepEqual(rates(4, { warmup: 0.25, schedule: "constant" }), [1, 1, 1, 1]);
  assert.deepEqual(
    rates(8, { warmup: 0.25, schedule: "warmup-stable-decay", finalFraction: 0.1 }),
    [0.5, 1, 1, 1, 1, 0.775, 0.55, 0.325],
  );
});
