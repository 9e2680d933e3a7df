import assert from "node:assert/strict";
import { Random } from "../random.ts";
import { gameDocument, legalRounds, playGame } from "./game.ts";

Deno.test("playGame() plays legal rounds only", () => {
  for (let seed = 0; seed < 200; seed++) {
    assert.equal(legalRounds(playGame(new Random(seed), 8)), 8);
  }
});

Deno.test("legalRounds() stops at the first move no knight can make", () => {
  assert.equal(legalRounds("1. b3 d3 2. d4 b2"), 2);
  assert.equal(legalRounds("1. b2 d3"), 0);
  assert.equal(legalRounds("1. b3 d3 2. d4 d4"), 1);
  assert.equal(legalRounds("1. b3 d3 3. d4 b2"), 1);
  assert.equal(legalRounds("The otter sings."), 0);
});

Deno.test("gameDocument() has a header of two names before its moves", () => {
  assert.match(gameDocument(new Random(1)), /^\[Left "\w+"\]\n\[Right "\w+"\]\n1\. /);
});
