import assert from "node:assert/strict";
import { byteLetters, inByteLetters } from "./byte_level.ts";

Deno.test("byteLetters gives every byte a printable character of its own", () => {
  assert.equal(byteLetters.size, 256);
  assert.equal(new Set(byteLetters.values()).size, 256);
  assert.equal([...byteLetters.values()].join("").search(/[\s\u00ad]|\p{C}/u), -1);
  assert.equal([...byteLetters.keys()].slice(0, 2).join(), "33,34"); // GPT-2's order
});

Deno.test("inByteLetters() spells a text as byte-level vocabularies do", () => {
  assert.equal(inByteLetters(" naïve\n"), "ĠnaÃ¯veĊ");
  assert.equal(inByteLetters("▁"), "âĸģ");
});
