import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { createDecoder, loadCheckpoint, loadTokenizer } from "@implicit/decoder";
import { exportModel } from "@implicit/hub";
import { transformersJs } from "@implicit/hub/testing";
import { formatPrompt, templates } from "../text/template.ts";
import type { Rule } from "./rules.ts";
import { naiveRule } from "./testing.ts";

const stories = fileURLToPath(
  new URL("../../../shared/testdata/models/stories260K", import.meta.url),
);
const hasShared = existsSync(stories);
if (!hasShared) console.log("skipped: no ../shared/testdata");

async function inFolder(fn: (folder: string) => Promise<void>): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), "export-"));
  try {
    await fn(folder);
  } finally {
    await rm(folder, { recursive: true });
  }
}

Deno.test({
  name: "transformersProcessor() gives the naive rules' tokens in transformers.js " +
    "(needs ../shared/testdata)",
  ignore: !hasShared,
  fn: () =>
    inFolder(async (folder) => {
      const model = await loadCheckpoint(stories);
      const loaded = await loadTokenizer(stories);
      const tokenizer = { ...loaded, eosId: loaded.bosId! }; // this model's stories end with BOS
      await exportModel(model, join(folder, "stories"));
      const prompts = ["Tell me about a cat!", "What did Tom do?"].map((text) =>
        tokenizer.encode(formatPrompt(templates.tulu, text))
      );
      const instruction = tokenizer.encode("<|user|>\n").length;
      const rules: ["paper" | "code", Rule][] = [
        ["code", "eos"],
        ["code", "repetition"],
        ["paper", "repetition"],
        ["code", "uniform"],
      ];
      const options = { maxTokens: 200, eosId: tokenizer.eosId };
      const module = new URL("./testing.ts", import.meta.url).href;
      const processors = { module, cases: rules };
      const request = { folder: join(folder, "stories"), prompts, ...options, processors };
      const found = await transformersJs([request]);
      if (!found) return;
      const decoder = await createDecoder(model);
      const expected = [await decoder.generate(prompts, options)];
      for (const [variant, rule] of rules) {
        const bias = naiveRule(rule, variant, tokenizer, instruction);
        const processor = (
          logits: Float32Array,
          context: { ids: readonly number[]; promptLength: number },
        ) => {
          for (const [id, weight] of bias(context.ids, context.promptLength)) logits[id]! += weight;
        };
        expected.push(await decoder.generate(prompts, { ...options, processors: [processor] }));
        assert.notDeepEqual(expected.at(-1), expected[0], `expected ${rule} to change something`);
      }
      decoder.dispose();
      assert.deepEqual(found, [expected]);
    }),
});
