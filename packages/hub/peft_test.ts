import { deepEqual, equal, match, notEqual, ok, rejects } from "node:assert/strict";
import { copyFile, mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  loadCheckpoint,
  type Model,
  type Parameter,
  parameterShapes,
  saveCheckpoint,
  writeSafetensors,
} from "@implicit/decoder";
import { randomModel, tinySizes } from "@implicit/decoder/testing";
import { loadModel } from "./load.ts";
import { startHub } from "./testing/loopback.ts";
import { peer } from "./testing/peers.ts";
import { filesOf, tinyTokenizer } from "./testing/tiny.ts";

const letters = "abcdefghijklmno";
const config = {
  peft_type: "LORA",
  task_type: "CAUSAL_LM",
  peft_version: "0.18.0",
  inference_mode: true,
  r: 2,
  lora_alpha: 6,
  lora_dropout: 0.05,
  bias: "none",
  fan_in_fan_out: false,
  init_lora_weights: true,
  target_modules: ["q_proj", "down_proj"],
  modules_to_save: null,
  use_dora: false,
  use_rslora: false,
  rank_pattern: {},
  alpha_pattern: {},
  megatron_core: "megatron.core",
  qalora_group_size: 16,
};
type Config = Readonly<Record<string, unknown>>;

/** Values unlike each other, the same in every run. */
const values = (length: number, from: number) =>
  Float32Array.from({ length }, (_, i) => Math.sin(from + 3 * i) / 4);

/** A base with its tokenizer in `base`, an empty folder for an adapter, and what takes both away. */
async function withBase(
  work: (base: string, folder: string, model: Model) => Promise<void>,
  options: Config = {},
): Promise<void> {
  const place = await mkdtemp(join(tmpdir(), "peft-"));
  const [base, folder] = [join(place, "base"), join(place, "my-lora")];
  const json = { ...tinySizes, vocab_size: 16, num_key_value_heads: 1, eos_token_id: 0 };
  const model = randomModel({
    ...json,
    model_type: "llama",
    tie_word_embeddings: true,
    ...options,
  });
  await saveCheckpoint(model, base);
  await writeFile(join(base, "tokenizer.json"), tinyTokenizer(letters));
  await mkdir(folder);
  await work(base, folder, model).finally(() => rm(place, { recursive: true }));
}

/** The arrays of an adapter of these modules, by the names that PEFT gives them. */
function arraysFor(
  { config }: Model,
  modules: readonly string[],
  rank: number,
): Map<string, Parameter> {
  const shapes = parameterShapes(config);
  return new Map(modules.flatMap((module, i): [string, Parameter][] => {
    const [out, into] = shapes.get(`${module}.weight`) as [number, number];
    const array = (shape: number[], from: number) => (
      { shape, data: values(shape[0]! * shape[1]!, from) }
    );
    return [
      [`base_model.model.${module}.lora_A.weight`, array([rank, into], i)],
      [`base_model.model.${module}.lora_B.weight`, array([out, rank], -i)],
    ];
  }));
}

const modulesNamed = ({ config }: Model, ...ends: string[]) =>
  [...parameterShapes(config).keys()].map((name) => name.replace(/\.weight$/, ""))
    .filter((name) => ends.some((end) => name.endsWith(end)));

async function writeAdapter(
  folder: string,
  json: Config,
  arrays: ReadonlyMap<string, Parameter>,
): Promise<void> {
  await writeFile(join(folder, "adapter_config.json"), JSON.stringify(json));
  await writeSafetensors(join(folder, "adapter_model.safetensors"), arrays);
}

/** W + scale · B A, in double precision, and whether a model has it. */
function checkMerged(
  found: Model,
  base: Model,
  arrays: ReadonlyMap<string, Parameter>,
  scale: number,
) {
  for (const [name, { shape, data }] of base.parameters) {
    const of = (ab: string) => arrays.get(`base_model.model.${name.replace("weight", ab)}.weight`);
    const [a, b] = [of("lora_A"), of("lora_B")];
    const got = found.parameters.get(name)!.data;
    if (!a || !b) {
      deepEqual(got, data, name);
      continue;
    }
    const [into, rank] = [shape[1]!, a.shape[0]!];
    got.forEach((value, i) => {
      let sum = 0;
      for (let r = 0; r < rank; r++) {
        sum += b.data[Math.floor(i / into) * rank + r]! * a.data[r * into + i % into]!;
      }
      const expected = data[i]! + scale * sum;
      ok(Math.abs(value - expected) < 1e-6, `${name}[${i}]: ${value}, not ${expected}`);
    });
    notEqual(got.join(), data.join());
  }
}

Deno.test("loadModel() merges an adapter into its base, as by hand", () =>
  withBase(async (base, folder, model) => {
    const arrays = arraysFor(model, modulesNamed(model, "q_proj", "down_proj"), 2);
    await writeAdapter(folder, { ...config, base_model_name_or_path: base }, arrays);
    const loaded = await loadModel(folder);
    checkMerged(loaded.model, model, arrays, 3);
    deepEqual([loaded.name, loaded.model.folder], ["my-lora", base]);
    deepEqual(loaded.tokenizer.encode("ab"), [1, 2]);
    notEqual(loaded.model.hash, model.hash);
    const { model: again } = await loadModel(folder, { inFile: true, base });
    equal(again.hash, loaded.model.hash);
    const override = { rms_norm_eps: 0.001 };
    notEqual((await loadModel(folder, { override })).model.hash, loaded.model.hash);

    await copyFile(join(base, "tokenizer.json"), join(folder, "tokenizer.json"));
    const own = (await readFile(join(folder, "tokenizer.json"), "utf8")).replace('"a":1', '"z":1');
    await writeFile(join(folder, "tokenizer.json"), own);
    const { model: { folder: named }, tokenizer } = await loadModel(folder);
    deepEqual([named, tokenizer.token(1)], [folder, "z"]);
  }));

Deno.test("loadModel() reads patterns of rank and alpha, layers, and a decoder's own names", () =>
  withBase(async (base, folder, model) => {
    const [q0] = modulesNamed(model, "q_proj");
    const arrays = arraysFor(model, [q0!], 4);
    const json = {
      ...config,
      base_model_name_or_path: base,
      target_modules: ["q_proj"],
      layers_to_transform: [0],
      rank_pattern: { "layers.0.self_attn.q_proj": 4 },
      alpha_pattern: { q_proj: 2 },
    };
    await writeAdapter(folder, json, arrays);
    checkMerged((await loadModel(folder)).model, model, arrays, 0.5);
    const short = [...arrays].map(([name, array]) =>
      [name.replace(".model.model", ".model"), array] as const
    );
    await writeAdapter(folder, json, new Map(short));
    checkMerged((await loadModel(folder)).model, model, arrays, 0.5);
    const named = { ...json, target_modules: ".*0.*q_proj", layers_to_transform: null };
    await writeAdapter(folder, named, arrays); // a pattern: the file says which
    checkMerged((await loadModel(folder)).model, model, arrays, 0.5);
  }));

Deno.test("loadModel() fetches an adapter from the hub, and its base", () =>
  withBase(async (base, folder, model) => {
    const arrays = arraysFor(model, modulesNamed(model, "q_proj", "down_proj"), 2);
    await writeAdapter(folder, { ...config, base_model_name_or_path: "lab/base" }, arrays);
    const files = await filesOf(base, "config.json", "model.safetensors", "tokenizer.json");
    const adapter = await filesOf(folder, "adapter_config.json", "adapter_model.safetensors");
    const hub = await startHub({ "lab/base": { files }, "lab/lora": { files: adapter } });
    const cache = join(folder, "cache");
    const options = { endpoint: hub.endpoint, cache, token: "", offline: false };
    try {
      const { name, model: found } = await loadModel("lab/lora", options);
      equal(name, "lab/lora");
      checkMerged(found, model, arrays, 3);
    } finally {
      await hub.close();
    }
  }));

Deno.test("loadModel() refuses by name what is not merged as PEFT does", () =>
  withBase(async (base, folder, model) => {
    const modules = modulesNamed(model, "q_proj", "down_proj");
    const arrays = arraysFor(model, modules, 2);
    const json = { ...config, base_model_name_or_path: base };
    const refused: [Config, RegExp][] = [
      [{ use_dora: true }, /no use_dora .* true/],
      [{ use_rslora: true }, /no use_rslora .* true/],
      [{ modules_to_save: ["lm_head"] }, /no modules_to_save .* \[ 'lm_head' \]/],
      [{ an_option_of_tomorrow: 1 }, /no an_option_of_tomorrow/],
      [{ lora_bias: true }, /no lora_bias/],
      [{ bias: "all" }, /for bias .* 'all'/],
      [{ peft_type: "IA3" }, /"LORA" for peft_type .* 'IA3'/],
      [{ task_type: "SEQ_CLS" }, /for task_type/],
      [{ init_lora_weights: "pissa" }, /for init_lora_weights .* 'pissa'/],
      [{ target_modules: ["q_proj", "c_attn"] }, /llama model by target_modules .* "c_attn"/],
      [{ target_modules: ["q_proj"] }, /no arrays for .*down_proj" by target_modules/],
      [{ target_modules: ["q_proj", "down_proj", "k_proj"] }, /arrays for .*k_proj" by target_mod/],
      [{ target_modules: null }, /a list of names for target_modules/],
      [
        { target_modules: ["q_proj", "down_proj"], layers_to_transform: 1 },
        /no arrays for .*\.0\./,
      ],
      [{ layers_to_transform: ["0"] }, /for layers_to_transform/],
      [{ rank_pattern: { ".*q_proj": 2 } }, /no patterns for rank_pattern/],
      [{ r: 3 }, /shape \[3,16\] .*found \[2,16\]/],
      [{ r: 0 }, /for r .* 0/],
      [{ lora_alpha: "6" }, /a number above 0 for lora_alpha .* '6'/],
      [{ lora_alpha: true, alpha_pattern: { q_proj: 2, down_proj: 2 } }, /for lora_alpha .* true/],
      [{ alpha_pattern: { q_proj: -2 } }, /a number above 0 for q_proj .* -2/],
      [{ base_model_name_or_path: null }, /base_model_name_or_path .* found none/],
      [{ base_model_name_or_path: "/no/such/base" }, /The base of the adapter in .*no\/such\/base/],
      [{ base_model_name_or_path: 7 }, /a text for base_model_name_or_path/],
    ];
    for (const [change, message] of refused) {
      await writeAdapter(folder, { ...json, ...change }, arrays);
      await rejects(loadModel(folder), message, JSON.stringify(change));
    }

    const strange = "base_model.model.model.embed_tokens.weight";
    const more = new Map([...arrays, [strange, model.parameters.get(strange.slice(17))!]]);
    await writeAdapter(folder, json, more);
    await rejects(loadModel(folder), /nothing but lora_A and lora_B .*embed_tokens/);
    await writeAdapter(folder, json, new Map([...arrays].slice(1)));
    await rejects(loadModel(folder), /lora_A.* found no such array/);
    await writeAdapter(folder, json, arrays);
    await rm(join(folder, "adapter_model.safetensors"));
    await rejects(loadModel(folder), /with adapter_model\.safetensors in .* found adapter_config/);
    await rejects(loadModel(base, { base }), /since its base is named .* no adapter_config/);
  }));

const script = `
import json, sys, torch
from peft import LoraConfig, PeftModel, get_peft_model
from transformers import AutoModelForCausalLM
base, folder, out = sys.argv[1:]
torch.manual_seed(0)
load = lambda: AutoModelForCausalLM.from_pretrained(base, dtype=torch.float32)
lora = LoraConfig(r=4, lora_alpha=12, target_modules=["q_proj", "gate_proj"], task_type="CAUSAL_LM",
                  rank_pattern={"gate_proj": 2}, alpha_pattern={"layers.1.self_attn.q_proj": 5})
model = get_peft_model(load(), lora)
for name, parameter in model.named_parameters():
    if "lora_" in name: torch.nn.init.normal_(parameter, std=0.1)
model.save_pretrained(folder)
merged = PeftModel.from_pretrained(load(), folder).merge_and_unload()
merged.save_pretrained(out)
print(json.dumps(True))
`;

Deno.test("loadModel() gives the weights that PEFT merges (needs peft)", () =>
  withBase(async (base, folder) => {
    const out = join(folder, "merged");
    const missing = /No module named '(torch|transformers|peft)'/;
    if (!await peer("python3", ["-c", script, base, folder, out], missing)) return;
    const { model } = await loadModel(folder);
    const expected = await loadCheckpoint(out);
    match(await readFile(join(folder, "adapter_config.json"), "utf8"), /"use_dora": false/);
    for (const [name, { data }] of expected.parameters) {
      const found = model.parameters.get(name)!.data;
      ok(data.every((value, i) => Math.abs(value - found[i]!) < 1e-6), name);
    }
  }));
