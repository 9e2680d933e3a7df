import { deepStrictEqual, ok, strictEqual, throws } from "node:assert/strict";
import { fileURLToPath } from "node:url";
import type { Comparison } from "./annotation.ts";
import { type AnswerScorer, localJudge } from "./local_judge.ts";
import { isSwitched, loadJudgeSettings } from "./settings.ts";

const path = (name: string) =>
  fileURLToPath(new URL(`../../data/judge/${name}/configs.yaml`, import.meta.url));
const settings = await loadJudgeSettings(path("short_alpaca_eval_clf"));

const comparisons: Comparison[] = Array.from({ length: 6 }, (_, i) => ({
  instruction: `Instruction ${i}`,
  output_1: "a good answer",
  output_2: i === 3 ? "a good answer" : `answer ${i}`,
  generator_1: "r",
  generator_2: "c",
}));

/** A model that prefers what holds "good" three to one, and, for weight > 0, what stands first. */
const scorer = (weight = 0, seen: string[] = []): AnswerScorer => (requests) =>
  Promise.resolve(requests.map(({ prompt, response }) => {
    seen.push(`${prompt}|${response}`);
    const good = /Response m: .*good/.test(prompt) ? "m" : "M";
    return Math.log(response === good ? 0.03 : 0.01) + (response === "m" ? weight : 0);
  }));

Deno.test("localJudge() gives 1 plus the candidate's probability, and draws identical outputs", async () => {
  const seen: string[] = [];
  const found = await localJudge({ settings, score: scorer(0, seen) })(comparisons);
  deepStrictEqual(found.map((row) => row.instruction), comparisons.map((row) => row.instruction));
  found.forEach(({ preference }, i) => {
    ok(Math.abs(preference - (i === 3 ? 1.5 : 1.25)) < 1e-12, `row ${i}: ${preference}`);
  });
  strictEqual(seen.length, 10, "two answers to five comparisons");
  const order = isSwitched("Instruction 0")
    ? ["answer 0", "a good answer"]
    : ["a good answer", "answer 0"];
  strictEqual(
    seen[0],
    "Which response to the instruction is better, m or M?\n\nInstruction: Instruction 0\n\n" +
      `Response m: ${order[0]}\n\nResponse M: ${order[1]}\n\nBetter:\n|m`,
  );
  strictEqual(seen[1]!.at(-1), "M");
});

Deno.test("localJudge() undoes a position bias by asking in both orders", async () => {
  const biased = await localJudge({ settings, score: scorer(1) })(comparisons);
  ok(new Set(biased.map(({ preference }) => preference.toFixed(3))).size === 3, "first or second");
  const first = Math.E / (Math.E + 3), second = 1 / (1 + 3 * Math.E);
  const both = await localJudge({ settings, score: scorer(1), bothOrders: true })(comparisons);
  both.forEach(({ preference }, i) => {
    const expected = i === 3 ? 1.5 : 1 + (first + second) / 2;
    ok(Math.abs(preference - expected) < 1e-12, `row ${i}: ${preference}`);
  });
});

Deno.test("localJudge() has no preference without scores, and refuses text settings", async () => {
  const none = await localJudge({ settings, score: (r) => Promise.resolve(r.map(() => NaN)) })(
    comparisons,
  );
  deepStrictEqual(none.map(({ preference }) => preference), [NaN, NaN, NaN, 1.5, NaN, NaN]);
  const text = await loadJudgeSettings(path("text_alpaca_eval_clf"));
  throws(() => localJudge({ settings: text, score: scorer() }), /logprob_parser .* reads text/);
});
