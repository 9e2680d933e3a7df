import assert from "node:assert/strict";
import * as fs from "node:fs";
import { eosRamp } from "./eos_ramp.ts";
import { learnedBias } from "./learned_bias.ts";
import { lora } from "./lora.ts";
import { prefix } from "./prefix.ts";
import { rules } from "./published_rules.ts";
import { repetitionPenalty } from "./repetition_penalty.ts";
import type { Rule } from "./rules.ts";
import { someWeights } from "./some_weights.ts";
import { tokenBias } from "./token_bias.ts";
import { tokenIds } from "./tokens.ts";
import { contentOf } from "../study/arm.ts";
import { tinyModel } from "../testing/tiny.ts";
import { uniformChanges } from "./uniform_changes.ts";
import { identityOf } from "@implicit/memo";

/** A rule whose weight is only in its closure: runs with 1 and with 2 would look the same. */
const capturing = (w: number): Rule => ({
  name: "mine",
  resolve: () => 0,
  score: (_, add) => add(5, w),
});

/** The same with a field. */
const open = (w: number): Rule & { w: number } => ({
  name: "mine",
  w,
  resolve: () => 0,
  score(_, add) {
    add(5, this.w);
  },
});

Deno.test("identityOf() refuses a function that captures something, and says how to pass it", () => {
  assert.throws(
    () => identityOf({ template: "tulu", rules: [capturing(1)] }),
    /function score of "mine" uses w from outside: .* different w could not be told apart. Make it a field \(w: …\) that a method reads as this.w/,
  );
});

Deno.test("identityOf() tells rules apart by their fields and by their source", () => {
  assert.deepEqual(identityOf(open(1)), identityOf(open(1)));
  assert.notDeepEqual(identityOf(open(1)), identityOf(open(2)));
  const other = { ...open(1), score: () => {} };
  assert.notDeepEqual(identityOf(other), identityOf(open(1)));
  assert.deepEqual(JSON.parse(JSON.stringify(identityOf(other))), identityOf(other));
});

Deno.test("identityOf() tells the library's values apart by their parameters", () => {
  const values = [
    ...[1, 2].map((slope) => eosRamp({ slope })),
    eosRamp({ slope: 1, horizon: 9 }),
    eosRamp({ slope: 1, beyond: { from: 9, weight: 1 } }),
    ...(["response", "instruction"] as const).map((scope) =>
      repetitionPenalty({ weight: -1, scope })
    ),
    ...[1, 2].map((weight) => uniformChanges([{ string: "I", weight }])),
    ...[1, 2].map((rank) => lora({ rank })),
    lora({ rank: 1, targets: ["q_proj"] }),
    ...[1, 2].map((length) => prefix({ length })),
    ...[true, false].map((eosSlope) => learnedBias({ eosSlope })),
    ...[true, false].map((eosSlope) => tokenBias({ tokens: [1], eosSlope })),
    tokenBias({ tokens: [2] }),
    ...["model.norm.weight", "model.embed_tokens.weight"].map((name) =>
      someWeights(tinyModel(), [name])
    ),
    ...rules.llama2("paper"),
  ];
  const seen = values.map((value) => JSON.stringify(identityOf(value)));
  assert.equal(new Set(seen).size, values.length);
  assert.deepEqual(identityOf(lora({ rank: 2 })), identityOf(lora({ rank: 2, alpha: 4 })));
  assert.deepEqual(identityOf(lora({ rank: 2 })), { library: "lora", rank: 2, alpha: 4 });
  // Not what it was made of any more: its functions capture the old rank.
  assert.throws(() => identityOf({ ...lora({ rank: 2 }), rank: 3 }), /from outside/);
  assert.throws(() => Object.assign(lora({ rank: 2 }), { rank: 3 }), /read only/);
});

Deno.test("identityOf() lets functions use the language, what is known, and what they declare", () => {
  const value = {
    list(words: Iterable<string>) {
      const counts = new Map<string, number>();
      for (const word of words) counts.set(word, Math.max(1, counts.get(word) ?? 0));
      const inner = function (this: unknown) {
        return [this, arguments.length, undefined, NaN];
      };
      return [...counts].map(([word, count]) => ({ word, count, inner }));
    },
    *generator() {
      yield 1;
    },
    arrow: async (x = 1, { y = x } = {}) => await Promise.resolve([x, y]),
    type: class {
      x = 1;
      get double() {
        return 2 * this.x;
      }
    },
    words: new Set(["a", "b"]),
    weights: new Map([["a", Infinity]]),
    pattern: /a+/g,
    nothing: undefined,
  };
  const found = identityOf(value) as Record<string, unknown>;
  assert.deepEqual(found.weights, { map: [["a", { number: "Infinity" }]] });
  assert.deepEqual([found.words, found.pattern], [{ set: ["a", "b"] }, { pattern: "/a+/g" }]);
  assert.ok(!("nothing" in found));

  const resolve = { resolve: (tokenizer: never) => tokenIds(tokenizer, "I") };
  assert.throws(() => identityOf(resolve), /uses tokenIds from outside/);
  identityOf(resolve, (name) => name === "tokenIds");
  // As TypeScript compiles an import for CommonJS.
  const compiled = new Function("implicit_1", "return { f: () => (0, implicit_1.tokenIds)(1) };");
  contentOf(compiled({}));
});

Deno.test("identityOf() refuses what could hide a difference", () => {
  const cell = globalThis as { ofACell?: number };
  cell.ofACell = 1; // a notebook's var
  const refused: [RegExp, unknown][] = [
    [/uses ofACell from/, { f: new Function("return ofACell;") }],
    [/uses globalThis from/, { f: () => (globalThis as { w?: number }).w }],
    [/uses native code from .* bound/, { f: open.bind(null, 1) }],
    [/uses this from .* as a method/, new Function("return { f: () => this.w };")()],
    [/uses arguments from/, new Function("return { f: () => arguments[0] };")(1)],
    [/uses fs from/, { f: () => fs.readFileSync("w") }],
    [/f of "deep" .* found a Date/, { name: "arm", rules: [{ name: "deep", f: new Date() }] }],
    [/found a symbol/, { f: Symbol("w") }],
    [/found a Uint8Array/, { f: new Uint8Array(1) }],
  ];
  for (const [message, value] of refused) assert.throws(() => identityOf(value), message);
  delete cell.ofACell;
});
