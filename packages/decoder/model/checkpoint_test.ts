import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { cp, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { createEngine } from "@implicit/engine";
import { randomModel, spread, tinySizes, wholeLogits } from "../testing/mod.ts";
import { alignStops, loadCheckpoint, type Model, saveCheckpoint } from "./checkpoint.ts";
import { writeSafetensors } from "./safetensors.ts";

const golden = (name: string) => fileURLToPath(new URL(`testdata/${name}`, import.meta.url));

async function inFolder(work: (folder: string) => Promise<void>): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), "checkpoint-"));
  await work(folder);
  await rm(folder, { recursive: true });
}

/** A folder with the golden's config and other weights. */
async function writeChanged(folder: string, change: (model: Model) => void): Promise<void> {
  const model = await loadCheckpoint(golden("llama-gqa-tied-rope3"));
  change(model);
  await saveCheckpoint(model, folder);
}

Deno.test("saveCheckpoint() writes what loadCheckpoint() reads", () =>
  inFolder(async (folder) => {
    const model = await loadCheckpoint(golden("llama-gqa-tied-rope3"));
    assert.ok(!model.parameters.has("lm_head.weight"));
    await saveCheckpoint(model, folder);
    const again = await loadCheckpoint(folder);
    assert.equal(again.hash, model.hash);
    assert.deepEqual(again.parameters, model.parameters);
    assert.deepEqual({ ...again.config, json: null }, { ...model.config, json: null });
  }));

Deno.test("saveCheckpoint() leaves the old model, the new one or none, wherever it ends", () =>
  inFolder(async (folder) => {
    const old = await loadCheckpoint(golden("llama-mha")), other = spread(old);
    await saveCheckpoint(old, folder);
    const torn = new Map([...other.parameters, ["torn", { shape: [1], data: null! }]]);
    await assert.rejects(saveCheckpoint({ ...other, parameters: torn }, folder));
    assert.equal((await loadCheckpoint(folder)).hash, old.hash);
    assert.deepEqual((await readdir(folder)).sort(), ["config.json", "model.safetensors"]);

    await writeFile(join(folder, "generation_config.json"), '{"eos_token_id": 7}');
    await saveCheckpoint(other, folder);
    const saved = await loadCheckpoint(folder);
    assert.deepEqual([saved.hash, saved.config.eosIds], [other.hash, other.config.eosIds]);

    await rm(join(folder, "model.safetensors"));
    await mkdir(join(folder, "model.safetensors")); // the weights cannot be put in place
    await assert.rejects(saveCheckpoint(old, folder));
    await assert.rejects(loadCheckpoint(folder), /config\.json, but found none/);
  }));

Deno.test("saveCheckpoint() can round to BF16", () =>
  inFolder(async (folder) => {
    const model = await loadCheckpoint(golden("llama-mha"));
    await saveCheckpoint(model, folder, { dtype: "BF16" });
    const again = await loadCheckpoint(folder);
    assert.notEqual(again.hash, model.hash);
    for (const [name, { data }] of model.parameters) {
      again.parameters.get(name)!.data.forEach((value, i) => {
        assert.ok(Math.abs(value - data[i]!) <= Math.abs(data[i]!) * 2 ** -8);
      });
    }
    const json = JSON.parse(await readFile(join(folder, "config.json"), "utf8"));
    assert.equal(json.dtype, "bfloat16");
  }));

Deno.test("loadCheckpoint() reads shards", () =>
  inFolder(async (folder) => {
    const model = await loadCheckpoint(golden("llama-mha"));
    await cp(join(golden("llama-mha"), "config.json"), join(folder, "config.json"));
    const entries = [...model.parameters];
    const map: Record<string, string> = {};
    for (const [i, part] of [entries.slice(0, 5), entries.slice(5)].entries()) {
      await writeSafetensors(join(folder, `${i}.safetensors`), new Map(part));
      for (const [name] of part) map[name] = `${i}.safetensors`;
    }
    const index = join(folder, "model.safetensors.index.json");
    await writeFile(index, JSON.stringify({ weight_map: map }));
    assert.equal((await loadCheckpoint(folder)).hash, model.hash);

    await rm(join(folder, "1.safetensors"));
    await assert.rejects(loadCheckpoint(folder), /a file of tensors at .*1\.safetensors.* none/);
    await writeFile(index, JSON.stringify({ weight_map: { a: ".." } }));
    await assert.rejects(loadCheckpoint(folder), /found something else/);
    await writeFile(index, JSON.stringify({ weight_map: { a: "../x.safetensors" } }));
    await assert.rejects(loadCheckpoint(folder), /Expected a file name for "a"/);
    await writeFile(index, JSON.stringify({ weight_map: { a: "0.safetensors" } }));
    await assert.rejects(loadCheckpoint(folder), /Expected the tensor "a"/);
  }));

for (const [type, first] of [["llama", "model."], ["gpt_neox", "gpt_neox."]] as const) {
  Deno.test(`loadCheckpoint() reads a ${type} whose names lack ${first} as it reads it whole`, () =>
    inFolder(async (folder) => {
      const model = randomModel({ ...tinySizes, model_type: type, tie_word_embeddings: true });
      await saveCheckpoint(model, folder);
      const short = [...model.parameters].map(([full, parameter]) =>
        [full.replace(first, ""), parameter] as const
      );
      const path = join(folder, "model.safetensors");
      await writeSafetensors(path, new Map(short));
      for (const inFile of [false, true]) {
        const found = await loadCheckpoint(folder, { inFile });
        assert.equal(found.hash, model.hash);
        assert.deepEqual([...found.parameters.keys()], [...model.parameters.keys()]);
      }
      await writeSafetensors(path, new Map([...short, ...model.parameters]));
      await assert.rejects(loadCheckpoint(folder), /once, but found both/);
    }));
}

Deno.test("loadCheckpoint() misses the head that a decoder was saved without", () =>
  inFolder(async (folder) => {
    const { config, parameters } = await loadCheckpoint(golden("llama-mha"));
    assert.ok(!config.tied);
    await cp(join(golden("llama-mha"), "config.json"), join(folder, "config.json"));
    const short = [...parameters].filter(([name]) => name !== "lm_head.weight")
      .map(([name, parameter]) => [name.replace("model.", ""), parameter] as const);
    await writeSafetensors(join(folder, "model.safetensors"), new Map(short));
    await assert.rejects(loadCheckpoint(folder), /Expected a parameter "lm_head.weight"/);
  }));

Deno.test("loadCheckpoint() accepts a tied head that is stored, if it is the embedding", () =>
  inFolder(async (folder) => {
    const name = "lm_head.weight";
    const embedding = (model: Model) => model.parameters.get("model.embed_tokens.weight")!;
    await writeChanged(folder, (model) => model.parameters.set(name, embedding(model)));
    await loadCheckpoint(folder);
    await writeChanged(folder, (model) => {
      const { shape, data } = embedding(model);
      model.parameters.set(name, { shape, data: data.map((x) => x + 1) });
    });
    await assert.rejects(loadCheckpoint(folder), /differs from the embedding/);
  }));

Deno.test("loadCheckpoint() loads a checkpoint with an override of its config", () =>
  inFolder(async (folder) => {
    await writeChanged(folder, ({ config }) => Object.assign(config.json, { alibi: true }));
    await assert.rejects(loadCheckpoint(folder), /no option "alibi".*override: \{"alibi":null\}/);
    const { config, hash } = await loadCheckpoint(folder, { override: { alibi: null } });
    assert.equal(config.json.alibi, null);
    await writeChanged(folder, () => {});
    const plain = await loadCheckpoint(folder);
    assert.equal((await loadCheckpoint(folder, { override: {} })).hash, plain.hash);
    assert.notEqual(hash, plain.hash, "what is kept of one is not taken for the other");
    const eps = (value: number) => loadCheckpoint(folder, { override: { rms_norm_eps: value } });
    assert.notEqual((await eps(1e-4)).hash, (await eps(1e-3)).hash);
  }));

Deno.test("a text ends where generation_config.json and the tokenizer say, and stays so when saved", () =>
  inFolder(async (folder) => {
    await writeChanged(folder, () => {});
    const generation = join(folder, "generation_config.json");
    const ends = async (options = {}) => (await loadCheckpoint(folder, options)).config.eosIds;
    const own = await ends();
    await writeFile(generation, "{}");
    assert.deepEqual(await ends(), own);
    await writeFile(generation, JSON.stringify({ eos_token_id: [7, 8] }));
    assert.deepEqual(await ends(), [7, 8]);
    assert.deepEqual(await ends({ override: { eos_token_id: 9 } }), [9]);
    const model = await loadCheckpoint(folder);
    const config = alignStops(model.config, { eosId: 5 });
    assert.deepEqual(config.eosIds, [5, 7, 8]);
    assert.deepEqual(alignStops(config, { eosId: 7 }).eosIds, [7, 5, 8]);
    await rm(generation);
    await saveCheckpoint({ ...model, config }, folder);
    assert.deepEqual(await ends(), [5, 7, 8]);
    await writeFile(generation, JSON.stringify({ eos_token_id: 1e6 }));
    await assert.rejects(ends(), /generation_config\.json: .*eos_token_id/);
  }));

Deno.test("loadCheckpoint() refuses what does not fit the config", () =>
  inFolder(async (folder) => {
    await assert.rejects(loadCheckpoint(folder), /config.json/);
    const name = "model.layers.0.mlp.up_proj.weight";
    await writeChanged(folder, (model) => model.parameters.delete(name));
    await assert.rejects(
      loadCheckpoint(folder),
      /Expected a parameter "model.layers.0.mlp.up_proj/,
    );
    await writeChanged(
      folder,
      ({ parameters }) =>
        parameters.set(name, { shape: [32, 64], data: parameters.get(name)!.data }),
    );
    await assert.rejects(loadCheckpoint(folder), /Expected shape \[64,32\] .* found \[32,64\]/);
    await writeChanged(
      folder,
      ({ parameters }) =>
        parameters.set("model.layers.0.extra", { shape: [1], data: new Float32Array(1) }),
    );
    await assert.rejects(loadCheckpoint(folder), /found "model.layers.0.extra"/);
    await rm(join(folder, "model.safetensors"));
    await assert.rejects(loadCheckpoint(folder), /found neither/);
    await writeFile(join(folder, "config.json"), "{");
    await assert.rejects(loadCheckpoint(folder), /Expected JSON in/);
  }));

const python = spawnSync("python3", ["-c", "import torch, transformers"]);
const missing = python.status === 0 ? null : "python3 has no torch and transformers";
if (missing) console.log(`Round trips to transformers are not tested: ${missing}.`);

const script = `
import json, sys, torch
from transformers import AutoModelForCausalLM
model = AutoModelForCausalLM.from_pretrained(sys.argv[1], dtype=torch.float32)
ids = torch.tensor([[5, 17, 80, 3, 44, 9, 61]])
print(json.dumps(model(input_ids=ids).logits[0].tolist()))
`;

const base = { ...tinySizes, vocab_size: 96, hidden_size: 32, num_attention_heads: 4 };
const unlikeTheGoldens: Record<string, Record<string, unknown>> = {
  "llama with biases": {
    ...base,
    model_type: "llama",
    attention_bias: true,
    mlp_bias: true,
    head_dim: 12,
    hidden_act: "gelu_pytorch_tanh",
  },
  "gpt_neox in sequence": {
    ...base,
    model_type: "gpt_neox",
    use_parallel_residual: false,
    rotary_pct: 0.5,
    rotary_emb_base: 20000,
    hidden_act: "gelu_fast",
    attention_bias: false,
    tie_word_embeddings: true,
  },
  "olmo2 with shared heads": { ...base, model_type: "olmo2", num_key_value_heads: 2 },
  "qwen3 with biases": {
    ...base,
    model_type: "qwen3",
    num_key_value_heads: 1,
    head_dim: 16,
    attention_bias: true,
    rope_theta: 1000000,
  },
};

for (const [name, json] of Object.entries(unlikeTheGoldens)) {
  Deno.test({
    name: `transformers computes the same logits of a saved ${name} (needs transformers)`,
    ignore: missing !== null,
    fn: () =>
      inFolder(async (folder) => {
        const model = spread(randomModel(json));
        await saveCheckpoint(model, folder);
        const ids = Int32Array.of(5, 17, 80, 3, 44, 9, 61);
        const found = await (await wholeLogits(await createEngine(), model, 1, 7))(ids);
        const { stdout, stderr } = spawnSync("python3", ["-c", script, folder]);
        assert.ok(String(stdout).startsWith("[["), String(stderr));
        const expected: number[] = JSON.parse(String(stdout)).flat();
        const largest = Math.max(...expected.map(Math.abs));
        expected.forEach((value, i) => assert.ok(Math.abs(value - found[i]!) < 2e-5 * largest));
      }),
  });
}
