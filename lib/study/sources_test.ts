import assert from "node:assert/strict";
import { committedRows } from "./check.ts";
import type { ResultRow } from "./results.ts";
import { describeSources, sideBySources } from "./sources.ts";

const handed: ResultRow = {
  section: "4.1",
  arm: "response-tuning",
  model: "meta-llama/Llama-2-7b-hf",
  seed: null,
  metric: "win-rate",
  value: 41,
  low: 40,
  high: 42.04,
  sd: null,
  n: 805,
  paper: 43.3,
  seconds: 3000,
  engine: "handed over: trl 1.13.0; 8 × H100",
  hashes: { prompts: "p", plan: "q" },
  versions: {},
};

Deno.test("sideBySources() sets paper, miniature and what came back side by side, each named", async () => {
  const only = { ...handed, section: null, metric: "ended" };
  const sources = { miniature: await committedRows(), "handed over": [handed, only] };
  const lines = await sideBySources(sources);
  const line = lines.find(({ section, arm }) => section === "4.1" && arm === "response-tuning")!;
  const { miniature, ...rest } = line;
  assert.match(String(miniature), /^\d+\.\d \[\d+\.\d, \d+\.\d\]$/);
  assert.deepEqual(rest, {
    section: "4.1",
    arm: "response-tuning",
    metric: "win-rate",
    "Llama-2-7B": "43.3",
    "OLMo-7B-Feb2024": "43.7",
    "handed over": "41.0 [40.0, 42.0]",
  });
  assert.equal(lines.some(({ metric }) => metric === "ended"), false, "nothing to compare it with");
  const [, back] = describeSources({ ...sources, nothing: [] });
  assert.deepEqual(back, {
    source: "handed over",
    models: "meta-llama/Llama-2-7b-hf",
    seeds: "",
    "computed by": "handed over: trl 1.13.0; 8 × H100",
    prompts: "p",
    "code or plans": "q",
  });
});
