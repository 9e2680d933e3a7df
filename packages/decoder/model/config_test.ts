import assert from "node:assert/strict";
import { parseConfig } from "./config.ts";
import { parameterShapes } from "./parameters.ts";

const llama = {
  model_type: "llama",
  vocab_size: 96,
  hidden_size: 32,
  intermediate_size: 64,
  num_hidden_layers: 2,
  num_attention_heads: 4,
};

Deno.test("parseConfig() fills in what Hugging Face assumes", () => {
  const config = parseConfig(llama);
  assert.equal(config.kvHeads, 4);
  assert.equal(config.headDim, 8);
  assert.equal(config.contextLength, 2048);
  assert.deepEqual(config.rope, { theta: 10000, dims: 8, scaling: null });
  assert.equal(config.tied, false);
  assert.deepEqual(config.eosIds, [2]);
  assert.deepEqual(parseConfig({ ...llama, vocab_size: 2 }).eosIds, []); // of another vocabulary
  assert.equal(parseConfig({ ...llama, model_type: "qwen3", num_key_value_heads: 4 }).headDim, 128);
});

Deno.test("parseConfig() reads both spellings of the rotary options", () => {
  const scaling = { factor: 8, low_freq_factor: 1, high_freq_factor: 4 };
  const older = parseConfig({
    ...llama,
    rope_theta: 500000,
    rope_scaling: { ...scaling, rope_type: "llama3", original_max_position_embeddings: 32 },
  });
  const newer = parseConfig({
    ...llama,
    rope_parameters: {
      ...scaling,
      rope_theta: 500000,
      rope_type: "llama3",
      original_max_position_embeddings: 32,
    },
  });
  assert.equal(newer.rope.theta, 500000);
  assert.equal(newer.rope.scaling!.originalContext, 32);
  assert.deepEqual(older.rope, newer.rope);

  const neox = { ...llama, model_type: "gpt_neox", num_attention_heads: 2 };
  const parameters = { rope_theta: 20000, partial_rotary_factor: 0.5, rope_type: "default" };
  assert.deepEqual(
    parseConfig({ ...neox, rotary_pct: 0.5, rotary_emb_base: 20000 }).rope,
    parseConfig({ ...neox, rope_parameters: parameters }).rope,
  );
  assert.equal(parseConfig(neox).rope.dims, 4);
});

Deno.test("parseConfig() tolerates options that are inert or off", () => {
  parseConfig({
    ...llama,
    torch_dtype: "bfloat16",
    attention_dropout: 0.0,
    rope_interleaved: false,
    quantization_config: null,
    sliding_window: null,
    eos_token_id: [2, 3],
  });
});

const kv = { num_key_value_heads: 4 };
const qwen = { ...llama, ...kv, model_type: "qwen2", use_sliding_window: true, sliding_window: 64 };

Deno.test("parseConfig() reads an explicit null as Hugging Face does, not as absence", () => {
  const mistral = { ...llama, model_type: "mistral" };
  assert.equal(parseConfig({ ...mistral, sliding_window: null, ...kv }).contextLength, 131072);
  assert.equal(
    parseConfig({ ...mistral, sliding_window: null, num_key_value_heads: null }).kvHeads,
    4,
  );
  assert.equal(parseConfig({ ...llama, model_type: "qwen3", ...kv, head_dim: null }).headDim, 8);
  assert.deepEqual(parseConfig({ ...llama, eos_token_id: null }).eosIds, []);
  const neox = { ...llama, model_type: "gpt_neox" };
  assert.deepEqual(
    [neox, { ...neox, attention_bias: null }].map((json) => parseConfig(json).qkvBias),
    [true, false],
  );
  for (const name of ["rms_norm_eps", "hidden_act", "max_position_embeddings"]) {
    assert.throws(() => parseConfig({ ...llama, [name]: null }), new RegExp(`${name}.*null`));
  }
});

Deno.test("parseConfig() minds a window only where a layer uses it", () => {
  parseConfig({ ...qwen, layer_types: ["full_attention", "full_attention"] });
  parseConfig({ ...qwen, max_window_layers: 2 });
  parseConfig(qwen); // 28 layers without a window come first
  parseConfig({ ...llama, sliding_window: 8, use_sliding_window: true, max_window_layers: 0 });
  assert.throws(() => parseConfig({ ...qwen, max_window_layers: 1 }), /sliding_window.*found 64/);
});

Deno.test("parseConfig() takes rope_scaling where rope_parameters say nothing else", () => {
  const both = (scaling: unknown, parameters: unknown, more = {}) =>
    parseConfig({ ...llama, ...more, rope_scaling: scaling, rope_parameters: parameters }).rope;
  const scaling = { rope_type: "llama3", factor: 8, low_freq_factor: 1, high_freq_factor: 4 };
  const plain = { rope_theta: 10000, rope_type: "default" };
  assert.equal(both(scaling, plain).scaling?.factor, 8);
  assert.equal(both(null, { ...scaling, ...plain, rope_type: "llama3" }).scaling?.factor, 8);
  assert.equal(both(scaling, { ...scaling, rope_theta: 500 }).theta, 500);
  assert.throws(() => both({ type: "yarn", factor: 4 }, plain), /rope_type.*found "yarn"/);
  assert.throws(() => both(scaling, { ...scaling, factor: 4 }), /what rope_parameters says/);
  assert.throws(
    () => both(null, plain, { rope_theta: 500 }),
    /the same base as in rope_parameters/,
  );
  assert.throws(
    () => both({ ...scaling, type: "yarn" }, null),
    /"llama3" for rope_scaling\.type.*"yarn"/,
  );
  assert.throws(
    () =>
      parseConfig({ ...llama, model_type: "gpt_neox", rotary_pct: 1, partial_rotary_factor: 0.5 }),
    /the same part of the head as in partial_rotary_factor/,
  );
});

Deno.test("parseConfig() lets bookkeeping, settings of generation and zero dropouts pass", () => {
  parseConfig({
    ...llama,
    internal_version: "3b",
    custom_pipelines: { "text-generation": { impl: "a.B" } },
    attn_pdrop: 0,
    hidden_dropout_prob: 0,
    num_beams: 1,
    repetition_penalty: 1.1,
    pruned_heads: {},
    tags: ["en"],
    _commit_hash: "0f",
    max_sequence_length: 2048,
    pad_token_id: -1,
  });
});

Deno.test("parseConfig() takes an override in place of what is refused", () => {
  const refused = { ...llama, attention_dropout: 0.1, alibi: true, model_type: "mistral", ...kv };
  assert.throws(() => parseConfig(refused), /override: \{"max_position_embeddings":4096\}/);
  const override = { attention_dropout: null, alibi: null, max_position_embeddings: 4096 };
  const config = parseConfig(refused, override);
  assert.equal(config.contextLength, 4096);
  assert.equal(config.json.max_position_embeddings, 4096); // so that an export says it too
});

const refusals: [Record<string, unknown>, RegExp][] = [
  [{ model_type: "gpt2" }, /a model_type among llama, .*found "gpt2"/],
  [{ model_type: "constructor" }, /found "constructor"/],
  [{ model_type: undefined }, /a model_type among/],
  [{ hidden_act: "mish" }, /hidden_act.*found "mish"/],
  [{ hidden_act: "toString" }, /hidden_act.*found "toString"/],
  [{ rope_scaling: { type: "yarn", factor: 4 } }, /rope_type.*found "yarn"/],
  [{ rope_scaling: { type: "llama3" } }, /rope_parameters\.factor/],
  [{ rope_parameters: { rope_theta: 1, attention_factor: 2 } }, /attention_factor/],
  [{ partial_rotary_factor: 0.5 }, /partial_rotary_factor/],
  [{ attention_dropout: 0.1 }, /no attention_dropout .*0\.1: dropout is not implemented/],
  [{ rope_interleaved: true }, /interleaved pairs is not implemented/],
  [{ quantization_config: { bits: 4 } }, /no quantization_config .*quantized weights/],
  [{ num_experts: 8 }, /no option "num_experts"/],
  [{ clip_qkv: 8 }, /no option "clip_qkv"/],
  [{ hidden_size: 0 }, /hidden_size/],
  [{ hidden_size: "32" }, /hidden_size/],
  [{ num_key_value_heads: 3 }, /num_key_value_heads/],
  [{ num_attention_heads: 5 }, /head_dim/],
  [{ tie_word_embeddings: 1 }, /tie_word_embeddings/],
  [{ model_type: "mistral", num_key_value_heads: 4 }, /sliding_window.*found 4096/],
  [{ model_type: "mistral", num_key_value_heads: 4, sliding_window: 512 }, /sliding_window/],
  [
    { ...qwen, max_window_layers: 0 },
    /sliding_window/,
  ],
  [{ layer_types: ["full_attention", "sliding_attention"] }, /layer_types/],
  [{ layer_types: ["full_attention"] }, /layer_types/],
  [{ max_sequence_length: 256 }, /max_position_embeddings of 2048 for max_sequence_length/],
  [{ model_type: ["llama"] }, /a model_type among/],
  [{ hidden_act: ["silu"] }, /hidden_act/],
  [{ rms_norm_eps: true }, /rms_norm_eps.*found true/],
  [{ rms_norm_eps: [0.5] }, /rms_norm_eps/],
  [{ rms_norm_eps: 1e-320 }, /rms_norm_eps/],
  [JSON.parse('{ "rms_norm_eps": 1e999 }'), /rms_norm_eps.*found Infinity/],
  [{ rope_theta: "10000" }, /rope_theta/],
  [{ rope_theta: true }, /rope_theta/],
  [{ rope_theta: null, rope_parameters: { rope_theta: [1] } }, /rope_theta/],
  [{ rope_scaling: { type: "llama3", factor: "8" } }, /factor/],
  [
    { rope_scaling: { type: "llama3", factor: 8, low_freq_factor: 4, high_freq_factor: 4 } },
    /high_freq_factor/,
  ],
  [{ model_type: "olmo", clip_qkv: true }, /clip_qkv/],
  [{ num_hidden_layers: 1e9 }, /1 to 4096 for num_hidden_layers/],
  [{ vocab_size: 1e9 }, /vocab_size/],
  [{ eos_token_id: 96 }, /eos_token_id.*found 96/],
  [{ eos_token_id: [2, true] }, /eos_token_id/],
  [{ pad_token_id: -5 }, /pad_token_id/],
  [{ attn_pdrop: 0.1 }, /dropout is not implemented/],
];

for (const [options, message] of refusals) {
  Deno.test(`parseConfig() refuses ${JSON.stringify(options)}`, () => {
    assert.throws(() => parseConfig({ ...llama, ...options }), message);
  });
}

Deno.test("parameterShapes() follows biases, tying and the family", () => {
  const names = (options: Record<string, unknown>) => [
    ...parameterShapes(parseConfig({ ...llama, ...options })).keys(),
  ];
  assert.ok(names({}).includes("lm_head.weight"));
  assert.ok(!names({ tie_word_embeddings: true }).includes("lm_head.weight"));
  const biased = names({ attention_bias: true, mlp_bias: true });
  assert.ok(biased.includes("model.layers.1.self_attn.o_proj.bias"));
  assert.ok(biased.includes("model.layers.1.mlp.down_proj.bias"));
  assert.equal(names({ model_type: "olmo" }).filter((name) => name.includes("norm")).length, 0);
});
