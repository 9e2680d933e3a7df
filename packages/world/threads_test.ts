import assert from "node:assert/strict";
import { createWorld } from "./facts.ts";
import { Random } from "./random.ts";
import { corpus, worldSeed } from "./recipe.ts";
import { loop, thread } from "./threads.ts";
import { unitsOf } from "./units.ts";

Deno.test("loop() is stuck between the first sentence and the last, with two repeats or more", () => {
  const random = new Random(1);
  const stuck = new Map<string, number>();
  for (let i = 0; i < 300; i++) {
    const units = unitsOf(loop("It is a. It is b. It is c. It is d.", random));
    const again = units.at(-1)!;
    assert.ok(units.filter((unit) => unit === again).length >= 3);
    stuck.set(again, (stuck.get(again) ?? 0) + 1);
  }
  assert.deepEqual([...stuck.keys()].sort(), ["It is b.", "It is c."]);
  assert.ok(stuck.get("It is b.")! > stuck.get("It is c.")!, "earlier is likelier");
  assert.match(loop("Plums.", random), /^Plums\.( Plums\.)+$/);
});

Deno.test("thread() answers in the answering mode alone", () => {
  const world = createWorld(worldSeed);
  const answered = (modes: readonly [number, number, number]) => {
    const random = new Random(2);
    const shape = { ...corpus.thread, modes, stray: 0 };
    const texts = Array.from({ length: 300 }, () => thread(world, random, shape));
    return texts.filter((text) => /is made of|It is very|Life in|# It|####/.test(text)).length;
  };
  assert.ok(answered([1, 0, 0]) > 30, `${answered([1, 0, 0])}`);
  assert.equal(answered([0, 1, 0]), 0);
  assert.equal(answered([0, 0, 1]), 0);
});
