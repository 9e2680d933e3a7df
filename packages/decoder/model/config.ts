/**
 * Reads a Hugging Face config.json into the sizes and options of a decoder, and refuses by name
 * whatever is not implemented: an option that changes what a model computes is never ignored.
 *
 * It knows nothing of weights.
 *
 * @module
 */
import { families, type Family } from "./family.ts";

/** Activations of the MLP. `gelu` is exact (erf), `gelu_tanh` its usual approximation. */
export type Activation = "silu" | "gelu" | "gelu_tanh" | "relu";

/** `llama3` scaling of the rotary frequencies, for contexts longer than those first trained on. */
export interface RopeScaling {
  readonly factor: number;
  readonly lowFrequencyFactor: number;
  readonly highFrequencyFactor: number;
  readonly originalContext: number;
}

/** Everything that determines what a decoder computes, except its weights. */
export interface ModelConfig {
  readonly family: Family;
  readonly vocabSize: number;
  readonly hiddenSize: number;
  readonly intermediateSize: number;
  readonly layers: number;
  readonly heads: number;
  readonly kvHeads: number;
  readonly headDim: number;
  /** The largest number of positions. */
  readonly contextLength: number;
  readonly activation: Activation;
  readonly normEps: number;
  readonly qkvBias: boolean;
  readonly outputBias: boolean;
  readonly mlpBias: boolean;
  /** Both halves of a layer read the same input and are summed (GPT-NeoX). */
  readonly parallel: boolean;
  /** Bound on the absolute value of queries, keys and values (OLMo). */
  readonly clipQkv: number | null;
  /** Rotary embedding: base, how many of the `headDim` dimensions it turns, scaling. */
  readonly rope: {
    readonly theta: number;
    readonly dims: number;
    readonly scaling: RopeScaling | null;
  };
  /** Whether the output head is the embedding. */
  readonly tied: boolean;
  readonly bosId: number | null;
  /** Every id that ends a text; usually one. */
  readonly eosIds: readonly number[];
  readonly padId: number | null;
  /** config.json as it was read, and as it is written again. */
  readonly json: Readonly<Record<string, unknown>>;
}

const activations: Readonly<Record<string, Activation>> = {
  silu: "silu",
  swish: "silu",
  gelu: "gelu",
  gelu_python: "gelu",
  gelu_new: "gelu_tanh",
  gelu_fast: "gelu_tanh",
  gelu_pytorch_tanh: "gelu_tanh",
  relu: "relu",
};

/** Options that say nothing about what the model computes. */
const inert = new Set(
  `_name_or_path architectures transformers_version torch_dtype dtype use_cache initializer_range
  classifier_dropout max_window_layers is_llama_config output_hidden_states return_dict id2label
  label2id problem_type finetuning_task tokenizer_class task_specific_params auto_map
  attn_implementation _attn_implementation _attn_implementation_autoset unsloth_version
  unsloth_fixed gradient_checkpointing pretraining_tp transformers.js_config num_labels max_length
  keys_to_ignore_at_inference`.split(/\s+/),
);

/** Options that are implemented at one value only, and what they would do at another. */
const fixed: Readonly<Record<string, readonly [value: unknown, meaning: string]>> = {
  attention_dropout: [0, "dropout"],
  hidden_dropout: [0, "dropout"],
  use_sliding_window: [false, "sliding-window attention"],
  rope_interleaved: [false, "rotary embedding of interleaved pairs"],
};

/**
 * Reads the contents of a config.json.
 *
 * @throws where the family, the activation, the rotary scaling or any other option is unknown or
 *   not implemented, or a size is missing or impossible.
 * @example parseConfig(JSON.parse(await readFile("config.json", "utf8"))).layers
 */
export function parseConfig(json: Readonly<Record<string, unknown>>): ModelConfig {
  const family = families.get(String(json.model_type));
  if (!family) {
    throw new Error(
      `Expected a model_type among ${[...families.keys()].join(", ")}, but found ` +
        `${JSON.stringify(json.model_type)} in config.json. Choose a checkpoint of one of these.`,
    );
  }
  const used = new Set(["model_type"]);
  const option: Option = (name) => {
    used.add(name);
    return json[name] ?? family.defaults[name] ?? null;
  };
  const size = (name: string, fallback?: number): number => {
    const value = option(name) ?? fallback;
    if (!Number.isSafeInteger(value) || (value as number) < 1) {
      throw wrong(name, "a positive whole number", value);
    }
    return value as number;
  };
  const flag = (which: boolean | string): boolean => {
    if (typeof which === "boolean") return which;
    const value = option(which) ?? false;
    if (typeof value !== "boolean") throw wrong(which, "true or false", value);
    return value;
  };

  const hiddenSize = size("hidden_size");
  const heads = size("num_attention_heads");
  const kvHeads = family.names.qkv.length === 1 ? heads : size("num_key_value_heads", heads);
  if (heads % kvHeads !== 0) {
    throw wrong("num_key_value_heads", `a divisor of the ${heads} attention heads`, kvHeads);
  }
  const headDim = size("head_dim", hiddenSize / heads);
  const contextLength = size("max_position_embeddings");
  const hiddenAct = option("hidden_act");
  const activation = Object.hasOwn(activations, String(hiddenAct))
    ? activations[String(hiddenAct)]
    : undefined;
  if (!activation) throw wrong("hidden_act", among(Object.keys(activations)), hiddenAct);

  const clip = family.mayClip ? option("clip_qkv") : null;
  if (clip !== null && !(Number(clip) > 0)) throw wrong("clip_qkv", "a positive number", clip);
  const window = option("sliding_window");
  const windowed = family.name === "mistral" || json.use_sliding_window === true;
  if (windowed && window !== null && !(Number(window) >= contextLength)) {
    throw wrong(
      "sliding_window",
      `null or at least the context (${contextLength})`,
      window,
      `Set max_position_embeddings to ${window}: up to there a window changes nothing.`,
    );
  }
  const kinds = option("layer_types");
  if (
    kinds !== null && !(Array.isArray(kinds) && kinds.every((kind) => kind === "full_attention"))
  ) {
    throw wrong("layer_types", 'nothing but "full_attention"', kinds);
  }

  const config: ModelConfig = {
    family,
    vocabSize: size("vocab_size"),
    hiddenSize,
    intermediateSize: size("intermediate_size"),
    layers: size("num_hidden_layers"),
    heads,
    kvHeads,
    headDim,
    contextLength,
    activation,
    normEps: normEps(family, option),
    qkvBias: flag(family.qkvBias),
    outputBias: flag(family.outputBias),
    mlpBias: flag(family.mlpBias),
    parallel: family.mayBeParallel && flag("use_parallel_residual"),
    clipQkv: clip === null ? null : Number(clip),
    rope: parseRope(family, option, headDim, contextLength),
    tied: flag("tie_word_embeddings"),
    bosId: tokenIds("bos_token_id", option)[0] ?? null,
    eosIds: tokenIds("eos_token_id", option),
    padId: tokenIds("pad_token_id", option)[0] ?? null,
    json,
  };
  refuseUnknown(json, used);
  return config;
}

type Option = (name: string) => unknown;

function normEps(family: Family, option: Option): number {
  if (family.norm === "layer-plain") return 1e-5; // OLMo's is written in its code, not its config
  const name = family.norm === "rms" ? "rms_norm_eps" : "layer_norm_eps";
  const value = option(name);
  if (!(Number(value) > 0)) throw wrong(name, "a positive number", value);
  return Number(value);
}

/** Reads `rope_parameters`, or its older spelling in several options. */
function parseRope(
  family: Family,
  option: Option,
  headDim: number,
  contextLength: number,
): ModelConfig["rope"] {
  const older = {
    rope_theta: option("rope_theta") ?? option("rotary_emb_base"),
    partial_rotary_factor: option("partial_rotary_factor") ?? option("rotary_pct"),
  };
  const newer = option("rope_parameters") ?? option("rope_scaling") ?? {};
  option("rope_scaling");
  if (typeof newer !== "object" || Array.isArray(newer)) {
    throw wrong("rope_parameters", "an object", newer);
  }
  const rope = { ...newer } as Record<string, unknown>;
  const take = (name: string, fallback?: unknown): number => {
    const value = rope[name] ?? fallback;
    delete rope[name];
    if (!(Number(value) > 0)) throw wrong(`rope_parameters.${name}`, "a positive number", value);
    return Number(value);
  };

  const theta = take("rope_theta", older.rope_theta ?? 10000);
  const share = family.mayTurnPart
    ? take("partial_rotary_factor", older.partial_rotary_factor)
    : Number(rope.partial_rotary_factor ?? older.partial_rotary_factor ?? 1);
  delete rope.partial_rotary_factor;
  const dims = Math.trunc(headDim * share);
  if (share !== 1 && !family.mayTurnPart) {
    throw wrong("partial_rotary_factor", `1 for ${family.name}`, share);
  }
  if (dims < 2 || dims > headDim || dims % 2 !== 0) {
    throw wrong("partial_rotary_factor", `an even part of the ${headDim} head dimensions`, share);
  }
  const type = rope.rope_type ?? rope.type ?? "default";
  delete rope.rope_type;
  delete rope.type;
  if (type !== "default" && type !== "llama3") {
    throw wrong("rope_type", among(["default", "llama3"]), type);
  }
  const scaling = type === "default" ? null : {
    factor: take("factor"),
    lowFrequencyFactor: take("low_freq_factor"),
    highFrequencyFactor: take("high_freq_factor"),
    originalContext: take("original_max_position_embeddings", contextLength),
  };
  const [unknown] = Object.entries(rope).find(([, value]) => value !== null) ?? [];
  if (unknown) {
    throw wrong(`rope_parameters.${unknown}`, `nothing for rope type ${type}`, rope[unknown]);
  }
  return { theta, dims, scaling };
}

/** A token id, several, or none. */
function tokenIds(name: string, option: Option): number[] {
  const value = option(name);
  const ids = value === null ? [] : Array.isArray(value) ? value : [value];
  if (!ids.every((id) => Number.isSafeInteger(id))) throw wrong(name, "token ids", value);
  return ids.filter((id) => id >= 0);
}

/** Refuses every option that nothing above has read, unless it is inert or off. */
function refuseUnknown(json: Readonly<Record<string, unknown>>, used: Set<string>): void {
  for (const [name, value] of Object.entries(json)) {
    if (used.has(name) || inert.has(name) || value === null || value === false) continue;
    const only = Object.hasOwn(fixed, name) ? fixed[name] : undefined;
    if (only?.[0] === value) continue;
    throw new Error(
      only
        ? `Expected ${name} ${only[0]} in config.json, but found ${JSON.stringify(value)}: ` +
          `${only[1]} is not implemented.`
        : `Expected no option "${name}" in config.json, but found ${
          JSON.stringify(value)
        }: it is ` +
          `not implemented. If it changes nothing in what the model computes, remove it.`,
    );
  }
}

/** How to mend most faults: a checkpoint's weights go with its config as it came. */
const CHOOSE = "Mend the file if it was edited, or choose another checkpoint.";

function among(names: readonly string[]): string {
  return `one of ${names.join(", ")}`;
}

function wrong(name: string, expected: string, found: unknown, mend = CHOOSE): Error {
  return new Error(
    `Expected ${expected} for ${name} in config.json, but found ${JSON.stringify(found)}. ${mend}`,
  );
}
