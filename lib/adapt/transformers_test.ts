import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { createDecoder, loadCheckpoint } from "@implicit/decoder";
import { exportModel, transformersModel } from "@implicit/hub";
import { ifInstalled } from "@implicit/hub/testing";
import { formatPrompt, templates } from "../text/template.ts";
import { eosRamp } from "./eos_ramp.ts";
import { repetitionPenalty } from "./repetition_penalty.ts";
import { type Rule, ruleAdapter } from "./rules.ts";
import { uniformChanges } from "./uniform_changes.ts";

const base = fileURLToPath(new URL("../../data/world/base-1", import.meta.url));
const tags = { user: "<|user|>\n", assistant: "<|assistant|>\n" };
const uniform = uniformChanges([" is", " has", "."].map((string) => ({ string, weight: -4 })));
const sets: readonly (readonly Rule[])[] = [
  [eosRamp({ slope: 0.2, tags })],
  [repetitionPenalty({ weight: -1.5, scope: "response", tags })],
  [repetitionPenalty({ weight: -1.5, scope: "instruction", tags })],
  [uniform],
  [
    eosRamp({ slope: 0.06, tags }),
    repetitionPenalty({ weight: -1, scope: "response", tags }),
    uniform,
  ],
];

Deno.test("the rules on an exported base give the same tokens in transformers.js", async () => {
  const folder = await mkdtemp(join(tmpdir(), "rules-"));
  try {
    const model = await loadCheckpoint(base);
    await exportModel(model, folder);
    const js = await ifInstalled(transformersModel(folder));
    if (!js) return;
    const decoder = await createDecoder(model);
    const prompts = ["Who is the baker?", "Tell me about the hen!", "Name three animals."].map(
      (text) => js.tokenizer.encode(formatPrompt(templates.tulu, text)),
    );
    const plain = await decoder.generate(prompts, { maxTokens: 60 });
    for (const set of sets) {
      const { processor } = ruleAdapter(js.tokenizer, set);
      const options = { maxTokens: 60, processors: [processor] };
      const expected = await decoder.generate(prompts, options);
      assert.notDeepEqual(expected, plain, `expected ${JSON.stringify(set)} to change something`);
      assert.deepEqual(await js.generate(prompts, options), expected, JSON.stringify(set));
    }
    decoder.dispose();
    await js.dispose();
  } finally {
    await rm(folder, { recursive: true });
  }
});
