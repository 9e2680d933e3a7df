import assert from "node:assert/strict";
import { linkOf, readLink } from "./link.ts";
import type { Settings } from "./protocol.ts";

const defaults: Settings = {
  arm: "response-tuning",
  examples: 960,
  steps: 60,
  learningRate: 0.0005,
  seed: 1,
};

Deno.test("a link holds all settings of an experiment, one's own examples too", () => {
  const own = '{"instruction": "1 + 1 = ? & #", "response": "ä"}\n';
  const settings = { ...defaults, arm: "own", steps: 12, learningRate: 1e-7, own };
  assert.deepEqual(readLink(linkOf("tune", settings), defaults), { step: "tune", settings });
});

Deno.test("a link may leave settings out, and a step alone names none", () => {
  const { settings } = readLink("#tune?steps=4", defaults);
  assert.deepEqual(settings, { ...defaults, steps: 4 });
  assert.deepEqual(readLink(linkOf("rules"), defaults), { step: "rules", settings: null });
  assert.deepEqual(readLink("", defaults), { step: "", settings: null });
});
