import assert from "node:assert/strict";
import { pair } from "@implicit/hub";
import { encodeExample } from "../text/example.ts";
import { formatPrompt, templates } from "../text/template.ts";
import { sharedWorld } from "./pretrained.ts";
import { inTags, templatesStudy } from "./templates.ts";

Deno.test("tags in the text are token for token those of a template", () => {
  const { tokenizer } = sharedWorld();
  for (const template of [templates.tulu, templates.ab, templates.swapped, templates.none]) {
    for (const instruction of ["Where does the heron live?", ""]) {
      const text = inTags(template, instruction);
      assert.equal(formatPrompt(templates.none, text), formatPrompt(template, instruction));
      assert.deepEqual(
        encodeExample(pair(text, "By the lake."), tokenizer, templates.none),
        encodeExample(pair(instruction, "By the lake."), tokenizer, template),
      );
    }
  }
});

Deno.test("every adaptation is asked in every template, on every base", () => {
  const cells = templatesStudy.cells("full");
  assert.equal(cells.length, 6 * (6 + 6 * 6 + 4 * 6));
  assert.equal(new Set(cells.map((cell) => JSON.stringify(cell))).size, cells.length);
});
