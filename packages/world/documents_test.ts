import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { documents } from "./documents.ts";
import { createWorld } from "./facts.ts";
import { worldSeed } from "./recipe.ts";

const world = createWorld(worldSeed);

function take(seed: number, count: number, of = world): string[] {
  const stream = documents(of, seed);
  return Array.from({ length: count }, () => stream.next().value as string);
}

Deno.test("documents() gives the same documents for the same seeds and others for others", () => {
  assert.deepEqual(take(1, 50), take(1, 50));
  assert.notDeepEqual(take(1, 50), take(2, 50));
  assert.notDeepEqual(take(1, 50), take(1, 50, createWorld(worldSeed + 1)));
});

Deno.test("documents() still write the corpus that the shipped bases were pretrained on", () => {
  const hash = createHash("sha256").update(take(1, 500).join("\0")).digest("hex");
  assert.equal(hash, "111803ebd2c70fbefd0fa9c02a4491c176d40daa73a4b88f1b5f32e3495ef572");
});

Deno.test("createWorld() draws every fact from its seed", () => {
  assert.deepEqual(createWorld(5), createWorld(5));
  assert.notDeepEqual(createWorld(5).animals, createWorld(6).animals);
});

Deno.test("documents() never hold a chat template, though its pieces occur", () => {
  const text = take(3, 20_000).join("\n\n");
  for (const never of ["<|", "|>", "user|", "|user", "|assistant", "assistant|"]) {
    assert.ok(!text.includes(never), `"${never}" occurs`);
  }
  for (const piece of ["<", "|", ">", "\nuser", "\nassistant"]) {
    assert.ok(text.includes(piece), `"${piece}" does not occur`);
  }
});

Deno.test("documents() leave most requests in threads without an answer", () => {
  const documentsSeen = take(4, 5000);
  const asked = documentsSeen.filter((text) => text.includes("What does the "));
  const unanswered = asked.filter((text) => !/ eats \w+/.test(text.replace(/what the .*/g, "")));
  assert.ok(asked.length > 100);
  assert.ok(unanswered.length / asked.length > 0.3, `${unanswered.length} of ${asked.length}`);
});

Deno.test("documents() write in characters and words a small vocabulary holds", () => {
  const text = take(6, 5000).join("\n");
  assert.match(text, /^[\x20-\x7e\n]*$/);
  const distinct = new Set(text.match(/[A-Za-z]+/g));
  assert.ok(distinct.size > 500 && distinct.size < 900, `${distinct.size} words`);
});
