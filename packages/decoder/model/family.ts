/**
 * The decoder families, as data: where each keeps its parameters, and in which ways its layers
 * differ. A new family that combines what is there needs one entry here and no code.
 *
 * It knows nothing of sizes: those come from a checkpoint's config.json (config.ts).
 *
 * @module
 */

/** How a decoder family differs from the others. */
export interface Family {
  /** The `model_type` of config.json. */
  readonly name: string;
  /** RMSNorm has a weight. LayerNorm has a weight and a bias, or neither (OLMo). */
  readonly norm: "rms" | "layer" | "layer-plain";
  /** Where norms stand: before each half of a layer, or after it, before the residual sum (OLMo-2). */
  readonly normPlacement: "before" | "after";
  /** RMSNorm of queries and keys: none, over all heads at once (OLMo-2), or head by head (Qwen3). */
  readonly qkNorm: "none" | "all" | "head";
  /** Which biases are there: a literal, or the config.json option that decides. */
  readonly qkvBias: boolean | "attention_bias";
  readonly outputBias: boolean | "attention_bias";
  readonly mlpBias: boolean | "mlp_bias";
  /** A gated MLP: down(act(gate(x)) · up(x)). Otherwise down(act(up(x))). */
  readonly gated: boolean;
  /** Whether both halves of a layer may read the same input (`use_parallel_residual`). */
  readonly mayBeParallel: boolean;
  /** Which part of the head dimensions the rotary embedding turns, if the config does not say; 1: all, always. */
  readonly turns: number;
  /** Layers that attend to `sliding_window` positions only: none, all, or those of `layer_types`. */
  readonly window: "none" | "all" | "some";
  /** Whether `clip_qkv` may bound queries, keys and values (OLMo). */
  readonly mayClip: boolean;
  /** Values that Hugging Face assumes where config.json leaves an option out. */
  readonly defaults: Readonly<Record<string, number | boolean | string | null>>;
  readonly names: FamilyNames;
}

/** The modules of a family, as a checkpoint names them. Those of a layer follow `layers` and an index. */
export interface FamilyNames {
  readonly embedding: string;
  readonly finalNorm: string;
  readonly head: string;
  readonly layers: string;
  /** The norm of each half of a layer, before or after it. */
  readonly attentionNorm: string;
  readonly mlpNorm: string;
  /** Separate projections, or one whose rows are, head by head, query, key and value (GPT-NeoX). */
  readonly qkv: readonly [query: string, key: string, value: string] | readonly [fused: string];
  readonly qNorm: string;
  readonly kNorm: string;
  readonly output: string;
  readonly gate: string;
  readonly up: string;
  readonly down: string;
}

const llamaNames: FamilyNames = {
  embedding: "model.embed_tokens",
  finalNorm: "model.norm",
  head: "lm_head",
  layers: "model.layers",
  attentionNorm: "input_layernorm",
  mlpNorm: "post_attention_layernorm",
  qkv: ["self_attn.q_proj", "self_attn.k_proj", "self_attn.v_proj"],
  qNorm: "self_attn.q_norm",
  kNorm: "self_attn.k_norm",
  output: "self_attn.o_proj",
  gate: "mlp.gate_proj",
  up: "mlp.up_proj",
  down: "mlp.down_proj",
};

const llama: Family = {
  name: "llama",
  norm: "rms",
  normPlacement: "before",
  qkNorm: "none",
  qkvBias: "attention_bias",
  outputBias: "attention_bias",
  mlpBias: "mlp_bias",
  gated: true,
  mayBeParallel: false,
  turns: 1,
  window: "none",
  mayClip: false,
  defaults: {
    rms_norm_eps: 1e-6,
    max_position_embeddings: 2048,
    hidden_act: "silu",
    eos_token_id: 2,
  },
  names: llamaNames,
};

const qwen = {
  max_position_embeddings: 32768,
  num_key_value_heads: 32,
  sliding_window: 4096,
  max_window_layers: 28,
  eos_token_id: null,
};

const all: readonly Family[] = [
  llama,
  {
    ...llama,
    name: "mistral",
    window: "all",
    qkvBias: false,
    outputBias: false,
    mlpBias: false,
    defaults: {
      ...llama.defaults,
      max_position_embeddings: 131072,
      num_key_value_heads: 8,
      sliding_window: 4096,
    },
  },
  {
    ...llama,
    name: "olmo",
    norm: "layer-plain",
    mlpBias: false,
    mayClip: true,
    defaults: { ...llama.defaults, eos_token_id: 50279 },
  },
  {
    ...llama,
    name: "olmo2",
    normPlacement: "after",
    qkNorm: "all",
    mlpBias: false,
    defaults: { ...llama.defaults, rms_norm_eps: 1e-5, eos_token_id: 50279 },
    names: {
      ...llamaNames,
      attentionNorm: "post_attention_layernorm",
      mlpNorm: "post_feedforward_layernorm",
    },
  },
  {
    ...llama,
    name: "qwen2",
    window: "some",
    qkvBias: true,
    outputBias: false,
    mlpBias: false,
    defaults: { ...llama.defaults, ...qwen },
  },
  {
    ...llama,
    name: "qwen3",
    window: "some",
    qkNorm: "head",
    mlpBias: false,
    defaults: { ...llama.defaults, ...qwen, head_dim: 128 },
  },
  {
    name: "gpt_neox",
    norm: "layer",
    normPlacement: "before",
    qkNorm: "none",
    qkvBias: "attention_bias",
    outputBias: "attention_bias",
    mlpBias: true,
    gated: false,
    mayBeParallel: true,
    turns: 0.25,
    window: "none",
    mayClip: false,
    defaults: {
      layer_norm_eps: 1e-5,
      max_position_embeddings: 2048,
      hidden_act: "gelu",
      attention_bias: true,
      use_parallel_residual: true,
      eos_token_id: 2,
    },
    names: {
      embedding: "gpt_neox.embed_in",
      finalNorm: "gpt_neox.final_layer_norm",
      head: "embed_out",
      layers: "gpt_neox.layers",
      attentionNorm: "input_layernorm",
      mlpNorm: "post_attention_layernorm",
      qkv: ["attention.query_key_value"],
      qNorm: "",
      kNorm: "",
      output: "attention.dense",
      gate: "",
      up: "mlp.dense_h_to_4h",
      down: "mlp.dense_4h_to_h",
    },
  },
];

/** Every family that is implemented, by the `model_type` of its config.json. */
export const families: ReadonlyMap<string, Family> = new Map(all.map((one) => [one.name, one]));
