import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";
import {
  createDecoder,
  createOnnxDecoder,
  type Decoder,
  loadCheckpoint,
  loadTokenizer,
  type Model,
} from "@implicit/decoder";
import { rounded, spread, tinyModel } from "@implicit/decoder/testing";
import { encodeModel } from "@implicit/engine";
import { exportModel, type ExportType } from "./export.ts";
import { ifInstalled, peer } from "./testing/peers.ts";
import { transformersModel } from "./transformers.ts";

const shared = fileURLToPath(new URL("../../../shared", import.meta.url));
const stories = join(shared, "testdata/models/stories260K");
const hasShared = existsSync(stories);
if (!hasShared) console.log("skipped: no ../shared/testdata");

/** The logits of each prompt's first token, one after another. */
async function firstLogits(
  decoder: Pick<Decoder, "generate">,
  prompts: readonly (readonly number[])[],
): Promise<number[]> {
  const all: number[] = [];
  for (const prompt of prompts) {
    const processors = [(logits: Float32Array) => void all.push(...logits)];
    await decoder.generate([prompt], { maxTokens: 1, processors });
  }
  return all;
}

async function inFolder(fn: (folder: string) => Promise<void>): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), "export-"));
  try {
    await fn(folder);
  } finally {
    await rm(folder, { recursive: true });
  }
}

const python = `
import json, sys
from transformers import AutoModelForCausalLM, AutoTokenizer
import torch
responses = []
for request in json.loads(sys.argv[1]):
    AutoTokenizer.from_pretrained(request["folder"])
    model = AutoModelForCausalLM.from_pretrained(request["folder"], dtype=torch.float32)
    responses.append([])
    for prompt in request["prompts"]:
        ids = model.generate(torch.tensor([prompt]), attention_mask=torch.ones(1, len(prompt), dtype=torch.long),
            max_new_tokens=request["maxTokens"], do_sample=False, pad_token_id=0)[0, len(prompt):].tolist()
        responses[-1].append(ids[:ids.index(2)] if 2 in ids else ids)
print(json.dumps(responses))
`;
const huggingFace = (request: unknown) =>
  peer(
    "python3",
    ["-c", python, JSON.stringify(request)],
    /No module named '(torch|transformers)'/,
  );

Deno.test({
  name: "exportModel() gives our tokens in every type (needs ../shared/testdata)",
  ignore: !hasShared,
  fn: () =>
    inFolder(async (folder) => {
      const model = await loadCheckpoint(stories);
      const tokenizer = await loadTokenizer(stories);
      const prompts = ["Once upon a time", "Tom and Lily went", "The"].map((text) =>
        tokenizer.encode(text)
      );
      // What multiplies weights of few bits is rounded too: near what the rounded weights give.
      const types: [ExportType, string, Model, near: number][] = [
        ["fp32", "model.onnx", model, 0],
        ["fp16", "model_fp16.onnx", model, 0],
        ["q8", "model_quantized.onnx", rounded(model, 8), 0.03],
        ["q4", "model_q4.onnx", rounded(model, 4), 0.03],
      ];
      for (const [dtype, name, same, near] of types) {
        const out = join(folder, dtype);
        const { onnx } = await exportModel(model, out, { dtype });
        assert.equal(onnx, join(out, "onnx", name));
        const ours = await createDecoder(same);
        const theirs = await createOnnxDecoder(onnx, model.config);
        const expected = await firstLogits(ours, prompts),
          found = await firstLogits(theirs, prompts);
        const largest = Math.max(...expected.map(Math.abs));
        const error = Math.max(...found.map((x, i) => Math.abs(x - expected[i]!)));
        assert.ok(error <= (near || 1e-3) * largest, `${dtype}: ${error} of ${largest}`);
        if (!near) {
          assert.deepEqual(
            await theirs.generate(prompts, { maxTokens: 40 }),
            await ours.generate(prompts, { maxTokens: 40 }),
            dtype,
          );
        }
        ours.dispose();
        theirs.dispose();
        const again = await loadCheckpoint(out); // and what was written is a checkpoint
        const f32 = dtype !== "fp16";
        assert.equal(again.hash === model.hash, f32);
        assert.equal((await loadTokenizer(out)).hash, tokenizer.hash);
        assert.equal((await readdir(out)).filter((file) => file.endsWith(".tmp")).length, 0);
      }
    }),
});

Deno.test({
  name: "exportModel() serves transformers.js and transformers alike (needs ../shared/testdata)",
  ignore: !hasShared,
  fn: () =>
    inFolder(async (folder) => {
      const names = ["llama-gqa-tied-rope3", "olmo-clip", "olmo2", "qwen3", "gpt-neox"];
      const models = ["testdata/models/stories260K", ...names.map((name) => `golden/${name}`)];
      const prompts = [[5, 9, 12, 40], [7], [3, 4, 5, 6, 8, 30, 31]];
      const requests: unknown[] = [], expected: unknown[] = [];
      for (const name of models) {
        const model = await loadCheckpoint(join(shared, name));
        const out = join(folder, name.split("/").at(-1)!);
        // One of them with its weights beside the ONNX file.
        const inlineBytes = name.endsWith("olmo2") ? 0 : undefined;
        const { data } = await exportModel(model, out, { tokenizer: stories, inlineBytes });
        assert.equal(data !== null, inlineBytes === 0);
        const options = { maxTokens: 24, eosId: 2 };
        requests.push({ folder: out, prompts, ...options });
        const ours = await createDecoder(model);
        expected.push(await ours.generate(prompts, options));
        ours.dispose();
        const inJs = await ifInstalled(transformersModel(out));
        if (inJs) assert.deepEqual(await inJs.generate(prompts, options), expected.at(-1), name);
        await inJs?.dispose();
      }
      const inPython = await huggingFace(requests);
      if (inPython) assert.deepEqual(inPython, expected);
    }),
});

Deno.test("exportModel() and createOnnxDecoder() say what is missing", () =>
  inFolder(async (folder) => {
    const model: Model = { ...tinyModel(), name: "m", folder };
    const { config } = model;
    await assert.rejects(exportModel(model, folder), /new folder to export to/);
    await assert.rejects(
      exportModel(model, join(folder, "out")),
      /tokenizer.json beside the model m/,
    );
    const path = join(folder, "model.onnx");
    await writeFile(
      path,
      encodeModel({
        name: "no cache",
        inputs: [{ name: "input_ids", dtype: "int64", shape: ["b", "s"] }],
        outputs: [{ name: "logits", dtype: "int64", shape: ["b", "s"] }],
        initializers: [],
        nodes: [{ op: "Identity", inputs: ["input_ids"], outputs: ["logits"] }],
      }),
    );
    await assert.rejects(
      createOnnxDecoder(path, config),
      (error: Error) =>
        error.message.includes(path) &&
        /key\/value cache.*found the inputs input_ids/.test(error.message),
    );
  }));

/** The id of a process that has ended. */
async function endedProcess(): Promise<number> {
  const child = spawn(process.execPath, ["--version"], { stdio: "ignore" });
  await once(child, "exit");
  return child.pid!;
}

Deno.test("exportModel() leaves the old model, the new one or none, wherever it ends", () =>
  inFolder(async (folder) => {
    const source = join(folder, "source"), out = join(folder, "out");
    await mkdir(source);
    await writeFile(join(source, "tokenizer.json"), "{}");
    const tokenizer = source, old = tinyModel(), other = spread(tinyModel());
    await exportModel(old, out, { tokenizer, inlineBytes: 0 });
    await writeFile(join(out, "merges.txt"), "of the old tokenizer");
    await writeFile(join(out, "notes.txt"), "of the owner");
    const names = async () => (await readdir(out, { recursive: true })).sort();
    const before = await names();
    const [killed, running] = [await endedProcess(), process.ppid].map((id) => `.export.${id}.tmp`);
    await mkdir(join(out, running!));
    await assert.rejects(
      exportModel(other, out, { tokenizer }),
      /no other export writes to, but found one at work in .*\.export\.\d+\.tmp\. Wait for it/,
    );
    assert.deepEqual(await names(), [running, ...before]);
    await rm(join(out, running!), { recursive: true });
    await mkdir(join(out, killed!));
    const json = { ...other.config.json, description: 1n }; // fails when it is written, near the end
    const failing = { ...other, config: { ...other.config, json } };
    await assert.rejects(exportModel(failing, out, { tokenizer }), /BigInt/);
    assert.deepEqual(await names(), before, "a killed one's is taken away");
    assert.equal((await loadCheckpoint(out)).hash, old.hash);

    const both = [other, old].map((model) => exportModel(model, out, { tokenizer }));
    const ends = await Promise.allSettled(both); // either may be the first
    const [winner, refused] = ends[0]!.status === "fulfilled" ? [0, 1] : [1, 0];
    await assert.rejects(both[refused]!, /no other export/);
    const { data } = await both[winner]!;
    assert.equal((await loadCheckpoint(out)).hash, [other, old][winner]!.hash);
    assert.equal(data, null);
    const gone = ["merges.txt", join("onnx", "model.onnx_data")];
    assert.deepEqual(await names(), before.filter((name) => !gone.includes(name)));

    await rm(join(out, "tokenizer.json")); // what cannot be replaced ends an export at its last step
    await mkdir(join(out, "tokenizer.json"));
    await assert.rejects(exportModel(old, out, { tokenizer }));
    await assert.rejects(loadCheckpoint(out), /config\.json, but found none/);
  }));

Deno.test("exportModel() writes where texts end, no second type, and nothing that cannot run", () =>
  inFolder(async (folder) => {
    const source = join(folder, "source"), out = join(folder, "out");
    await mkdir(source);
    await writeFile(join(source, "tokenizer.json"), "{}");
    const model = tinyModel();
    const two = { ...model, config: { ...model.config, eosIds: [2, 5] } };
    await exportModel(two, out, { tokenizer: source });
    for (const name of ["config.json", "generation_config.json"]) {
      assert.deepEqual(JSON.parse(await readFile(join(out, name), "utf8")).eos_token_id, [2, 5]);
    }
    await assert.rejects(
      exportModel(model, out, { tokenizer: source, dtype: "q4" }),
      /another export, but found model\.onnx/,
    );
    assert.deepEqual(await readdir(join(out, "onnx")), ["model.onnx"]);
    await exportModel(model, out, { tokenizer: source }); // the same type again
    await writeFile(join(out, "adapter_config.json"), "{}");
    await assert.rejects(exportModel(model, out, { tokenizer: source }), /without an adapter/);

    const never = join(folder, "never");
    await assert.rejects(
      exportModel(tinyModel({ head_dim: 12 }), never, { tokenizer: source }),
      /head size .* found 12/,
    );
    const large = tinyModel();
    for (const [value, dtype] of [[65520, "fp16"], [NaN, "q8"], [-Infinity, "q4"]] as const) {
      large.parameters.get("model.norm.weight")!.data[3] = value;
      await assert.rejects(
        exportModel(large, never, { tokenizer: source, dtype }),
        (error: Error) =>
          error.message.includes(`${dtype} can hold in tiny, but found ${value} in`),
      );
    }
    assert.ok(!existsSync(never));
    large.parameters.get("model.norm.weight")!.data[3] = 65519;
    await exportModel(large, never, { tokenizer: source, dtype: "fp16" });
  }));
