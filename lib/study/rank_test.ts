import { deepStrictEqual, ok, rejects, strictEqual, throws } from "node:assert/strict";
import { familyNegatives, lengthMatchedNegatives, randomNegatives } from "./negatives.ts";
import { rankingAccuracy, rankResponses, type Score } from "./rank.ts";

Deno.test("randomNegatives() draws what random.seed(0) and randint draw", () => {
  // CPython: random.seed(0); [random.randint(0, 999) for _ in range(10)]
  deepStrictEqual(randomNegatives(1000).slice(0, 10), [
    ...[864, 394, 776, 911, 430].map((fake) => ({ real: 0, fake })),
    ...[41, 265, 988, 523, 497].map((fake) => ({ real: 1, fake })),
  ]);
  strictEqual(randomNegatives(1000).length, 5000);
});

const examples = Array.from({ length: 30 }, (_, i) => ({
  family: i % 3 ? "many" : "few",
  response: Array.from({ length: 1 + i % 10 }, (_, k) => (i % 15) * 20 + k),
}));

Deno.test("familyNegatives() stays in the family and never repeats the right response", () => {
  const pairs = familyNegatives(examples);
  strictEqual(pairs.length, 150);
  for (const { real, fake } of pairs) {
    strictEqual(examples[real]!.family, examples[fake]!.family);
    ok(examples[real]!.response.join() !== examples[fake]!.response.join());
  }
  deepStrictEqual(familyNegatives(examples), pairs);
  const alone = [{ family: "a", response: [1] }, { family: "b", response: [2] }];
  deepStrictEqual(familyNegatives(alone), []);
});

Deno.test("lengthMatchedNegatives() takes the nearest lengths, none twice", () => {
  const pairs = lengthMatchedNegatives(examples);
  strictEqual(pairs.length, 150);
  examples.forEach(({ response }, real) => {
    const fakes = pairs.filter((pair) => pair.real === real).map((pair) => pair.fake);
    strictEqual(new Set(fakes).size, 5);
    const distance = (j: number) => Math.abs(examples[j]!.response.length - response.length);
    const furthest = Math.max(...fakes.map(distance));
    const nearer = examples.filter((other, j) =>
      distance(j) < furthest && other.response.join() !== response.join()
    ).length;
    ok(nearer < 5, `example ${real}: ${nearer} nearer than the furthest taken`);
  });
});

/** A stand-in model: each token costs its id, and 1 less where the prompt names it. */
const score: Score = (pairs) =>
  Promise.resolve(pairs.map(({ prompt, response }) => {
    const sum = response.reduce((total, id) => total - id + (prompt.includes(id) ? 1 : 0), 0);
    return { sum, mean: sum / response.length, tokens: response.length };
  }));

const toy = [
  { prompt: [5], response: [5] },
  { prompt: [1], response: [1, 1, 1] },
  { prompt: [9], response: [5] },
];

Deno.test("rankResponses() leaves an example's own response out and gives each margin", async () => {
  const pairs = [{ real: 0, fake: 1 }, { real: 0, fake: 0 }, { real: 0, fake: 2 }];
  const ranked = await rankResponses(score, toy, pairs, [0]);
  deepStrictEqual(ranked.map(({ fake, margins }) => ({ fake, ...margins })), [
    // log p(real): −5 + 1; log p(fake): −3; alone: −5 and −3
    { fake: 1, mean: -4 + 1, sum: -4 + 3, pmi: -1 + 2 },
    { fake: 2, mean: 0, sum: 0, pmi: 0 },
  ]);
  throws(() => rankingAccuracy([], "mean"), /found 0 pairs/);
  await rejects(rankResponses(score, toy, [{ real: 0, fake: 7 }], [0]), /one of 7/);
});

Deno.test("rankResponses() scores a response once for each instruction, equal ones once in all", async () => {
  let asked = 0;
  const counting: Score = (pairs) => (asked = pairs.length, score(pairs));
  const pairs = [{ real: 0, fake: 1 }, { real: 0, fake: 1 }, { real: 0, fake: 2 }, {
    real: 1,
    fake: 0,
  }];
  await rankResponses(counting, toy, pairs, [0]);
  strictEqual(asked, 6, "0|0, 0|1, 1|1, 1|0, and each response alone");
});

Deno.test("rankingAccuracy() fails ties and unscored pairs, or gives ties half", () => {
  const margins = [1, 0, -1, NaN, 2, 0.5, 0, -3];
  const ranked = margins.map((mean, i) => ({ real: i >> 1, margins: { mean } }));
  const { byExample, ...result } = rankingAccuracy(ranked, "mean", 5);
  deepStrictEqual(result, { strict: 37.5, halfCredit: 50, pairs: 8, ties: 2, unscored: 1 });
  deepStrictEqual(byExample, [0.5, 0, 1, 0, NaN]);
});

Deno.test("rankingAccuracy() weighs pairs alike over all, examples by their own number of pairs", () => {
  const ranked = [[0, 1], [0, 1], [0, -1], [2, 1]].map(([real, sum]) => (
    { real: real!, margins: { sum: sum! } }
  ));
  const { strict, byExample } = rankingAccuracy(ranked, "sum");
  deepStrictEqual([strict, byExample], [75, [2 / 3, NaN, 1]]);
});
