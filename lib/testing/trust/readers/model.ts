/** Trials of what reads checkpoints: weights, their index, config, tokenizer, and ONNX read back. */
import { Buffer } from "node:buffer";
import assert from "node:assert/strict";
import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import {
  createOnnxDecoder,
  decoderGraph,
  float32Format,
  hashParameters,
  loadCheckpoint,
  loadConfig,
  loadTokenizer,
  parameterShapes,
  readHeader,
  readTensor,
  saveCheckpoint,
  tokenTexts,
  writeSafetensors,
} from "@implicit/decoder";
import { randomModel, tinySizes } from "@implicit/decoder/testing";
import { encodeModel } from "@implicit/engine";
import { trainBpe } from "@implicit/world";
import { mutateBytes, mutateJson, partsOf, pick, type Random } from "../mutate.ts";
import type { Reader } from "../trial.ts";

const bytesOf = (text: string) => new TextEncoder().encode(text);

/** JSON damaged as a value, or as bytes. */
export const damaged = (random: Random, value: unknown): string | Uint8Array =>
  random(4) > 0 ? mutateJson(random, value) : mutateBytes(random, bytesOf(JSON.stringify(value)));

/** A safetensors file: each tensor where the header says, none beside another, no name twice. */
export const safetensors: Reader = async (folder) => {
  const path = join(folder, "some.safetensors");
  const tensor = (...shape: number[]) => {
    const size = shape.reduce((product, length) => product * length, 1);
    return { shape, data: Float32Array.from({ length: size }, (_, i) => i / 7) };
  };
  const tensors = { a: tensor(2, 3), "b.weight": tensor(4), none: tensor(0), one: tensor() };
  await writeSafetensors(path, new Map(Object.entries(tensors)));
  const whole = Uint8Array.from(readFileSync(path));
  const start = 8 + Number(new DataView(whole.buffer).getBigUint64(0, true));
  const header = JSON.parse(new TextDecoder().decode(whole.subarray(8, start)));
  return async (random) => {
    let bytes = mutateBytes(random, whole);
    if (random(2) > 0) {
      const json = bytesOf(mutateJson(random, header));
      bytes = new Uint8Array(8 + json.length + whole.length - start);
      new DataView(bytes.buffer).setBigUint64(0, BigInt(json.length), true);
      bytes.set(json, 8);
      bytes.set(whole.subarray(start), 8 + json.length);
    }
    writeFileSync(path, bytes);
    const found = await readHeader(path);
    const floats = [...found.tensors].filter(([, { dtype }]) => dtype === "F32");
    const values = await Promise.all(floats.map(([name]) => readTensor(found, name)));
    return () => {
      const end = 8 + Number(new DataView(bytes.buffer).getBigUint64(0, true));
      const text = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true })
        .decode(bytes.subarray(8, end));
      const fields = (json: string) => partsOf(json).filter((part) => part.start < part.value);
      assert.equal(
        fields(text).length,
        fields(JSON.stringify(JSON.parse(text))).length,
        "a name twice",
      );
      const covered = [...found.tensors.values()].reduce((sum, { length }) => sum + length, end);
      assert.equal(covered, bytes.length, "bytes of no tensor, or of two");
      floats.forEach(([name, { shape, offset, length }], i) => {
        const size = shape.reduce((product, length) => product * length, 1);
        assert.ok(values[i]!.length === size, name); // a size of -0 is 0
        assert.deepEqual(
          Buffer.from(values[i]!.buffer),
          Buffer.from(bytes.slice(offset, offset + length)),
        );
      });
    };
  };
};

/** A model is read for every input: it has what a model must have. */
const leastSizes = { vocab_size: 12, intermediate_size: 8, num_hidden_layers: 1 };

/** The index of shards: whatever it says, the weights are the model's or refused. */
export const shards: Reader = async (folder) => {
  const model = randomModel({ model_type: "llama", ...tinySizes, ...leastSizes, hidden_size: 8 });
  await saveCheckpoint(model, folder);
  const names = [...model.parameters.keys()];
  const files = ["a.safetensors", "b.safetensors"];
  const fileOf = (i: number) => files[i % 2]!;
  for (const file of files) {
    const own = [...model.parameters].filter((_, i) => fileOf(i) === file);
    await writeSafetensors(join(folder, file), new Map(own));
  }
  mkdirSync(join(folder, "beside"));
  await writeSafetensors(join(folder, "beside", "a.safetensors"), model.parameters);
  rmSync(join(folder, "model.safetensors"));
  const index = {
    metadata: { total_size: 1 },
    weight_map: Object.fromEntries(names.map((name, i) => [name, fileOf(i)])),
  };
  const elsewhere = [
    "beside/a.safetensors",
    "../a.safetensors",
    "/etc/passwd",
    "",
    ".",
    "config.json",
  ]
    .concat(["a.safetensors/", "b.safetensors", "A.safetensors", "beside/../a.safetensors"]);
  return async (random) => {
    const moved = { ...index.weight_map, [pick(random, names)]: pick(random, elsewhere) };
    const value = random(2) > 0 ? index : { ...index, weight_map: moved };
    writeFileSync(
      join(folder, "model.safetensors.index.json"),
      random(2) > 0 ? damaged(random, value) : JSON.stringify(value),
    );
    const { parameters } = await loadCheckpoint(folder);
    return () => assert.equal(hashParameters(parameters), model.hash, "other weights");
  };
};

/** Configs of every kind of option that there is. */
const configs = [
  {
    model_type: "llama",
    ...tinySizes,
    num_key_value_heads: 1,
    rms_norm_eps: 1e-5,
    rope_theta: 10000,
    tie_word_embeddings: true,
    rope_scaling: {
      rope_type: "llama3",
      factor: 8,
      low_freq_factor: 1,
      high_freq_factor: 4,
      original_max_position_embeddings: 32,
    },
  },
  {
    model_type: "gpt_neox",
    ...tinySizes,
    rotary_pct: 0.25,
    rotary_emb_base: 10000,
    layer_norm_eps: 1e-5,
    hidden_act: "gelu",
    use_parallel_residual: true,
    tie_word_embeddings: false,
  },
  { model_type: "olmo", ...tinySizes, clip_qkv: 8, hidden_act: "silu", pad_token_id: 1 },
  {
    model_type: "mistral",
    ...tinySizes,
    sliding_window: 4096,
    hidden_act: "silu",
    eos_token_id: [2, 3],
  },
  {
    model_type: "qwen3",
    ...tinySizes,
    num_key_value_heads: 2,
    head_dim: 16,
    layer_types: ["full_attention", "full_attention"],
    use_sliding_window: false,
    sliding_window: null,
    attention_bias: false,
  },
];

/** config.json and generation_config.json: every size one, every id one of the vocabulary. */
export const config: Reader = (folder) =>
  Promise.resolve(async (random) => {
    const value = pick(random, configs);
    const generation = { eos_token_id: [2, 3], bos_token_id: 1, temperature: 0.7 };
    const which = random(4);
    writeFileSync(
      join(folder, "config.json"),
      which > 0 ? damaged(random, value) : JSON.stringify(value),
    );
    writeFileSync(
      join(folder, "generation_config.json"),
      which === 0 ? damaged(random, generation) : "{}",
    );
    const read = await loadConfig(folder);
    return () => {
      const { vocabSize, hiddenSize, intermediateSize, layers, heads, kvHeads, headDim } = read;
      const sizes = { vocabSize, hiddenSize, intermediateSize, layers, heads, kvHeads, headDim };
      for (const [name, size] of Object.entries({ ...sizes, context: read.contextLength })) {
        assert.ok(Number.isSafeInteger(size) && size > 0, `${name} is ${size}`);
      }
      for (const [name, real] of [["normEps", read.normEps], ["theta", read.rope.theta]] as const) {
        assert.ok(typeof real === "number" && real > 0 && real < Infinity, `${name} is ${real}`);
      }
      for (const id of [read.bosId, read.padId, ...read.eosIds]) {
        assert.ok(id === null || Number.isSafeInteger(id) && id >= 0 && id < vocabSize, `id ${id}`);
      }
      const numbers = ["rms_norm_eps", "layer_norm_eps", "rope_theta", "rotary_pct", "clip_qkv"];
      for (
        const name of numbers.concat(Object.keys(tinySizes).filter((name) => !/_id$/.test(name)))
      ) {
        const given = read.json[name] ?? 1;
        assert.equal(typeof given, "number", `${name}: ${JSON.stringify(given)}`);
      }
      for (const [name, shape] of parameterShapes(read)) {
        assert.ok(shape.every((size) => Number.isSafeInteger(size) && size > 0), name);
      }
    };
  });

const texts = ["lower the fox", "", "  a\n\n", "\ud800x", "😀 ok ٣", "x".repeat(300)];

/** A tokenizer's three files: every text becomes ids of the vocabulary, and these become text. */
export const tokenizer: Reader = (folder) => {
  const files = trainBpe(["low lower lowest newer wider the quick brown fox"], 270);
  const base = files["tokenizer.json"], settings = files["tokenizer_config.json"];
  const split = { type: "Split", pattern: { Regex: "\\s+" }, behavior: "Isolated", invert: false };
  const other = {
    ...base,
    normalizer: {
      type: "Sequence",
      normalizers: [{ type: "NFKC" }, { type: "Replace", pattern: { String: "  " }, content: " " }],
    },
    pre_tokenizer: {
      type: "Sequence",
      pretokenizers: [split, { type: "Digits", individual_digits: true }, base.pre_tokenizer],
    },
  };
  const few = {
    ...{ normalizer: null, pre_tokenizer: { type: "Metaspace", replacement: "▁", split: true } },
    added_tokens: ["<unk>", "<s>", "</s>"].map((content, id) => ({ id, content, special: true })),
    post_processor: null,
    decoder: {
      type: "Sequence",
      decoders: [
        { type: "Replace", pattern: { String: "▁" }, content: " " },
        { type: "ByteFallback" },
        { type: "Fuse" },
      ],
    },
    model: {
      ...{ type: "BPE", unk_token: "<unk>", byte_fallback: true, fuse_unk: true },
      vocab: Object.fromEntries(
        ["<unk>", "<s>", "</s>", "<0x0A>", "▁", "l", "o", "w", "lo", "low", "▁low"]
          .map((token, id) => [token, id]),
      ),
      merges: [["l", "o"], ["lo", "w"], ["▁", "low"]],
    },
  };
  const fewSteps = {
    ...few,
    normalizer: other.normalizer,
    pre_tokenizer: {
      type: "Sequence",
      pretokenizers: [split, { type: "Digits", individual_digits: true }, few.pre_tokenizer],
    },
  };
  // Mostly the small ones: of the large one nearly every damage is one to a word of its vocabulary.
  const kinds = [few, few, few, few, fewSteps, fewSteps, base, other];
  const map = { eos_token: "</s>", bos_token: { content: "<s>", lstrip: false } };
  return Promise.resolve(async (random) => {
    const which = random(4);
    const write = (name: string, value: unknown, harm: boolean) =>
      writeFileSync(join(folder, name), harm ? damaged(random, value) : JSON.stringify(value));
    write("tokenizer.json", pick(random, kinds), which > 1);
    write("tokenizer_config.json", settings, which === 0);
    write("special_tokens_map.json", map, which === 1);
    const read = await loadTokenizer(folder);
    const encoded = texts.map((text) => read.encode(text));
    const decoded = encoded.map((ids) => [read.decode(ids), tokenTexts(ids, read).join("")]);
    return () => {
      const isId = (id: number) => Number.isSafeInteger(id) && id >= 0 && id < read.vocabSize;
      assert.ok(Number.isSafeInteger(read.vocabSize), `vocabSize ${read.vocabSize}`);
      for (const id of [read.bosId, read.eosId, read.padId]) {
        assert.ok(id === null || isId(id), `${id}`);
      }
      for (const ids of encoded) assert.ok(ids.every(isId), `ids ${ids.slice(0, 20)}`);
      for (const text of decoded.flat()) assert.equal(typeof text, "string");
    };
  });
};

/** An exported graph that is read back: it generates tokens of the vocabulary, or is refused. */
export const onnx: Reader = (folder) => {
  const model = randomModel({ model_type: "llama", ...tinySizes, ...leastSizes });
  const graph = decoderGraph(model.config, model.parameters, "export", { weights: float32Format });
  const whole = encodeModel(graph), path = join(folder, "model.onnx");
  return Promise.resolve(async (random) => {
    writeFileSync(path, mutateBytes(random, whole));
    const decoder = await createOnnxDecoder(path, model.config, { threads: 1 });
    try {
      const [ids] = await decoder.generate([[1, 5, 7]], { maxTokens: 3 });
      return () => {
        assert.ok(ids!.length <= 3, `${ids!.length} tokens`);
        assert.ok(ids!.every((id) => Number.isInteger(id) && id >= 0 && id < 12), `ids ${ids}`);
      };
    } finally {
      decoder.dispose();
    }
  });
};
