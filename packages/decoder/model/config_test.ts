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
  assert.deepEqual(config.eosIds, []);
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
  [{ attention_dropout: 0.1 }, /attention_dropout 0 .*dropout is not implemented/],
  [{ rope_interleaved: true }, /interleaved pairs is not implemented/],
  [{ quantization_config: { bits: 4 } }, /no option "quantization_config"/],
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
    { model_type: "qwen2", num_key_value_heads: 4, use_sliding_window: true, sliding_window: 64 },
    /sliding_window/,
  ],
  [{ layer_types: ["full_attention", "sliding_attention"] }, /layer_types/],
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
