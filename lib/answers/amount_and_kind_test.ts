import assert from "node:assert/strict";
import { pair } from "@implicit/hub";
import { encodeExample } from "../text/example.ts";
import { templates } from "../text/template.ts";
import { amountAndKind, mixed, textsOf } from "./amount_and_kind.ts";
import { sharedWorld } from "./pretrained.ts";

Deno.test("a share of the examples keeps its instruction, and every example its response", () => {
  const examples = Array.from({ length: 20 }, (_, i) => pair(`ask ${i}`, `say ${i}`));
  const half = mixed(examples, 0.5);
  assert.deepEqual(half.map(({ messages }) => messages[1]), examples.map((one) => one.messages[1]));
  assert.equal(half.filter(({ messages }) => messages[0]!.content !== "").length, 10);
});

Deno.test("texts that answer nothing fit the context, end included, and differ", () => {
  const { tokenizer } = sharedWorld();
  for (const genre of ["logs", "encyclopedia", "refrains", "homework"] as const) {
    const texts = textsOf(genre, 100, 1);
    assert(new Set(texts.map(({ messages }) => messages[1]!.content)).size > 95, genre);
    const ended = texts.filter((text) => {
      const { ids } = encodeExample(text, tokenizer, templates.tulu, { maxLength: 192 })!;
      return ids.at(-1) === tokenizer.eosId;
    });
    assert(ended.length > 90, `${genre}: ${ended.length}`);
  }
});

Deno.test("no cell of the grid comes twice", () => {
  const cells = amountAndKind.cells("full").map((cell) => JSON.stringify(cell));
  assert.equal(cells.length, 6 * 54);
  assert.equal(new Set(cells).size, cells.length);
});
