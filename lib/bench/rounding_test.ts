import assert from "node:assert/strict";
import { measureRounding, roundingLine } from "./rounding.ts";
import { openScale } from "../study/scales.ts";

Deno.test("measureRounding() finds a base's answers changed by 8-bit weights, but little", async () => {
  const scale = await openScale("miniature");
  const found = await measureRounding(scale, ["base-1"], 16);
  const { tokens, answers, sameToken, sameAnswer, loss, roundedLoss } = found;
  assert.equal(answers, 16);
  assert.ok(tokens > 100 && tokens <= 16 * (1 + scale.maxTokens), `${tokens} tokens`);
  assert.ok(sameToken > 0.95 && sameToken <= 1, `${sameToken} of the tokens are the same`);
  assert.ok(sameAnswer > 0.2 && sameAnswer <= 1, `${sameAnswer} of the answers are the same`);
  assert.ok(loss > 0 && loss !== roundedLoss && Math.abs(roundedLoss / loss - 1) < 0.05, `${loss}`);
  assert.match(roundingLine(found), /tokens of base-1\), .* likeliest at \d\d\.\d %.* of 16 whole/);
});
