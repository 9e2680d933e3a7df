import { ok } from "node:assert/strict";
import {
  biased,
  byStretch,
  divergence,
  divergences,
  endDivergences,
  fitBias,
} from "./divergence.ts";

/** Log-probabilities of weights. */
const logs = (...weights: number[]) => {
  const total = weights.reduce((a, b) => a + b);
  return Float32Array.from(weights, (weight) => Math.log(weight / total));
};
const near = (a: number, b: number, tolerance = 1e-4) =>
  ok(Math.abs(a - b) < tolerance, `expected ${b}, found ${a}`);

Deno.test("divergence() is KL by hand, and none from itself", () => {
  near(divergence(logs(1, 1), logs(3, 1)), 0.5 * Math.log(0.5 / 0.75) + 0.5 * Math.log(0.5 / 0.25));
  near(divergence(logs(1, 5, 2), logs(1, 5, 2)), 0);
});

Deno.test("fitBias() finds a bias that is there, whatever the contexts are", () => {
  const contexts = [[9, 1, 3, 2], [1, 8, 1, 1], [2, 2, 2, 7]];
  const factors = [1, 6, 0.2, 1];
  const copies = 200; // so many that the prior does not matter
  const q = Array.from({ length: copies }, () => contexts.map((weights) => logs(...weights)));
  const p = q.map((places) =>
    places.map((_, i) => logs(...contexts[i]!.map((weight, id) => weight * factors[id]!)))
  );
  const left = divergences(p, biased(q, fitBias(p, q))).flat();
  for (const value of left) near(value, 0, 1e-3);
});

Deno.test("endDivergences() takes the end's part alone", () => {
  const [[value]] = endDivergences([[logs(2, 1, 1)]], [[logs(2, 5, 1)]], 0) as [[number]];
  near(value, divergence(logs(2, 2), logs(2, 6)));
});

Deno.test("byStretch() averages over places from 0, 1, 2, 4, 8 and 16", () => {
  const means = byStretch([[5, 1, 2, 4], [7]]);
  near(means[0]!, 6);
  near(means[2]!, 3);
  ok(!(4 in means));
});
