import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { createTokenizer, fillNormal, normalGenerator } from "@implicit/decoder";
import { python, pythonWith } from "@implicit/handover/testing";
import { uniformInt } from "pure-rand/distribution/uniformInt";
import { xoroshiro128plus } from "pure-rand/generator/xoroshiro128plus";
import { rules as published } from "../adapt/published_rules.ts";
import { eosRamp } from "../adapt/eos_ramp.ts";
import { repetitionPenalty } from "../adapt/repetition_penalty.ts";
import { ruleAdapter } from "../adapt/rules.ts";
import { uniformChanges } from "../adapt/uniform_changes.ts";
import { formatPrompt, templates } from "../text/template.ts";

const tokenizers = fileURLToPath(new URL("../../../shared/testdata/tokenizers", import.meta.url));
const missing = !existsSync(tokenizers)
  ? `${tokenizers} is not there`
  : await pythonWith("torch", "numpy");
if (missing) console.log(`skipping the rules for vLLM: ${missing}`);

const files = fileURLToPath(new URL("../../packages/handover", import.meta.url));
const uneven = [
  eosRamp({ slope: 0.07 }),
  repetitionPenalty({ weight: -1.3, scope: "response", exempt: [".", ","] }),
  uniformChanges([{ string: "I", weight: -0.7 }, { string: "!", weight: 0.1 }]),
];

for (
  const [name, rules] of Object.entries({
    code: published.llama2("code"),
    paper: published.llama2("paper"),
    uneven,
  })
) {
  Deno.test({
    name: `rules_vllm.py adds what the rule adapter adds (${name}), by request and by batch`,
    ignore: missing !== null,
    async fn() {
      const json = await readFile(join(tokenizers, "llama2.tokenizer.json"), "utf8");
      const tokenizer = createTokenizer(json, { bos_token: "<s>", eos_token: "</s>" });
      const adapter = ruleAdapter(tokenizer, rules);
      const random = xoroshiro128plus(5);
      const draw = (below: number) => uniformInt(random, 0, below - 1);
      const normal = normalGenerator(3);
      const logits = Array.from({ length: 4 }, () => {
        const row = new Float32Array(32000);
        fillNormal(row, normal, 4);
        return row;
      });
      const tag = tokenizer.encode("x\n<|assistant|>\n", { special: false });
      const user = tokenizer.encode("\n<|user|>\nWhat", { special: false });
      const contexts = Array.from({ length: 200 }, (_, i) => {
        const words = Array.from({ length: draw(30) }, () => tokenizer.token(300 + draw(9000)));
        const prompt = tokenizer.encode(formatPrompt(templates.tulu, words.join(" ")));
        const begun = i % 5 === 0 ? 1015 + draw(10) : i % 2 === 0 ? 240 + draw(10) : draw(5);
        const response = Array.from({ length: begun + 6 }, () => 3 + draw(600));
        if (i % 7 === 0) response.splice(begun + 2, tag.length, ...tag); // it writes a tag itself
        if (i % 11 === 0) response.splice(begun + 1, user.length, ...user);
        const ids = [...prompt, ...response], start = prompt.length + begun, row = i % 4;
        const changes = Array.from({ length: ids.length + 1 - start }, (_, more) => {
          const scores = logits[row]!.slice();
          const context = { row: 0, ids: ids.slice(0, start + more), promptLength: prompt.length };
          adapter.processor(scores, context);
          const changed: [number, number][] = [];
          scores.forEach((value, id) => {
            if (value !== logits[row]![id]) changed.push([id, value]);
          });
          return changed;
        });
        return { ids, prompt: prompt.length, start, row, changes };
      });
      assert.ok(contexts.some(({ changes }) => changes.at(-1)!.length > 20));
      const cases = await Deno.makeTempFile({ suffix: ".json" });
      try {
        const whole = { rules: adapter.plain(), logits: logits.map((row) => [...row]), contexts };
        await writeFile(cases, JSON.stringify(whole));
        const stub = join(files, "testing", "rules_stub.py");
        const { stdout } = await python([stub, join(files, "files"), cases]);
        assert.deepEqual(JSON.parse(stdout), { request: 0, batch: 0 });
      } finally {
        await Deno.remove(cases);
      }
    },
  });
}
