import assert from "node:assert/strict";
import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { readHeader } from "@implicit/decoder";
import { type HandedRun, writeHandover } from "./folder.ts";
import { hashRows, settingsOf, type Training } from "./plan.ts";

const size = { parameters: 1e6, layers: 2, hidden: 8, intermediate: 16, vocabulary: 48 };
const model = { name: "a/b", revision: "c0ffee", tokenizer: "t", eosIds: [2], size };
const training: Training = {
  rows: [{ ids: [1, 5, 6, 2], labels: [-100, -100, 6, 2] }, {
    ids: [1, 7, 2],
    labels: [-100, 7, 2],
  }],
  order: [1, 0, 1, 0],
  batch: 2,
  rates: [1e-5, 5e-6],
  reduction: "example-mean",
  optimizer: { betas: [0.9, 0.999], epsilon: 1e-8, weightDecay: 0, clip: 1 },
  maxLength: 64,
};
const prompts = [{ id: "one", instruction: "Sing.", ids: [1, 5] }];
const run: HandedRun = { name: "tuned-1", training, prompts, maxTokens: 9, rules: null, about: {} };

Deno.test("writeHandover() writes shared files once, a plan, and the adapters as PEFT has them", async () => {
  const out = await mkdtemp(join(tmpdir(), "handover-"));
  try {
    const arrays = new Map([
      ["model.layers.0.self_attn.q_proj.lora_A.weight", {
        shape: [1, 8],
        data: new Float32Array(8),
      }],
      ["model.layers.0.self_attn.q_proj.lora_B.weight", {
        shape: [8, 1],
        data: new Float32Array(8),
      }],
    ]);
    const low = { ...training, adapters: { rank: 1, alpha: 2, arrays } };
    const rules = [{ kind: "uniform", weights: [[3, 1]] }];
    const { runs, files } = await writeHandover(out, model, [
      run,
      { ...run, name: "low-1", training: low },
      { ...run, name: "base-0", training: null, rules },
    ], "a command");
    for (const kind of ["rows", "prompts", "rules"]) {
      assert.equal((await readdir(join(out, kind))).length, 1, kind);
    }
    const plan = JSON.parse(await readFile(join(out, runs[1]!.plan!), "utf8"));
    const [a, b] = training.rows;
    assert.equal(plan.sha256, hashRows([b!, a!, b!, a!]));
    assert.deepEqual(plan.adapters.map((name: string) => name in files), [true, true]);
    const header = await readHeader(join(out, plan.adapters[1]));
    assert.ok(header.tensors.has("base_model.model.model.layers.0.self_attn.q_proj.lora_A.weight"));
    const yaml = await readFile(join(out, "runs/tuned-1/sft.yaml"), "utf8");
    assert.match(yaml, /^adam_epsilon: 1.0e-8$/m); // a number to PyYAML too
    assert.match(yaml, /^save_strategy: "no"$/m);
    assert.equal(await readFile(join(out, "runs.txt"), "utf8"), "tuned-1\nlow-1\n");
    assert.doesNotMatch(await readFile(join(out, "README.md"), "utf8"), /\{\{/);
  } finally {
    await rm(out, { recursive: true });
  }
});

Deno.test("writeHandover() refuses names twice, and plans that do not fit their rows", async () => {
  const out = await mkdtemp(join(tmpdir(), "handover-"));
  await assert.rejects(writeHandover(out, model, [run, run], ""), /different names .* "tuned-1"/);
  await rm(out, { recursive: true });
  assert.throws(() => settingsOf({ ...training, rates: [1] }), /2 rows for each of 1 steps/);
  assert.throws(() => settingsOf({ ...training, maxLength: 3 }), /at most 3 tokens, but found one/);
});
