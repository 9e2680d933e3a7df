/**
 * Reads a Hugging Face config.json into the sizes and options of a decoder, as Hugging Face reads it,
 * and refuses by name whatever is not implemented: an option that changes what a model computes is
 * never ignored, and of two spellings that disagree none is dropped in silence.
 *
 * It knows nothing of weights.
 *
 * @module
 */
import { families, type Family } from "./family.ts";
import {
  among,
  type ConfigJson,
  type Options,
  overriding,
  positive,
  readOptions,
  wrong,
} from "./options.ts";

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
  /** config.json as it was read (and overridden), and as it is written again. */
  readonly json: ConfigJson;
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

/** The largest sizes: far beyond every decoder there is, so that what is no size is refused at once. */
const MOST = {
  layers: 4096,
  heads: 2 ** 14,
  width: 2 ** 20,
  vocabulary: 2 ** 24,
  context: 2 ** 30,
} as const;

/**
 * Reads the contents of a config.json. An option that is left out is what Hugging Face assumes; an
 * explicit null is null.
 *
 * @param override values that stand in place of the file's, as keyword arguments of
 *   `from_pretrained` do: for a file that is refused and that one would rather not edit. null takes
 *   an option away.
 * @throws where the family, the activation, the rotary scaling or any other option is unknown or
 *   not implemented, or a size is missing or impossible.
 * @example
 * const json = JSON.parse(await readFile("config.json", "utf8"));
 * parseConfig(json, { attention_dropout: null }).layers
 */
export function parseConfig(file: ConfigJson, override: ConfigJson = {}): ModelConfig {
  const json = Object.keys(override).length === 0 ? file : { ...file, ...override };
  const type = json.model_type;
  const family = typeof type === "string" ? families.get(type) : undefined;
  if (!family) {
    throw new Error(
      `Expected a model_type among ${[...families.keys()].join(", ")}, but found ` +
        `${JSON.stringify(type)} in config.json. Choose a checkpoint of one of these.`,
    );
  }
  const options = readOptions(json, family.defaults);
  options.value("model_type");
  const flag = (which: boolean | string) =>
    typeof which === "boolean" ? which : options.flag(which);

  const vocabSize = options.size("vocab_size", MOST.vocabulary);
  const hiddenSize = options.size("hidden_size", MOST.width);
  const layers = options.size("num_hidden_layers", MOST.layers);
  const heads = options.size("num_attention_heads", MOST.heads);
  const kvHeads = family.names.qkv.length === 1
    ? heads
    : options.size("num_key_value_heads", MOST.heads, heads);
  if (heads % kvHeads !== 0) {
    throw wrong("num_key_value_heads", `a divisor of the ${heads} attention heads`, kvHeads);
  }
  const headDim = options.size("head_dim", MOST.width, hiddenSize / heads);
  const contextLength = options.size("max_position_embeddings", MOST.context);
  agree(json, contextLength);
  refuseWindow(family, options, layers, contextLength);

  const clip = family.mayClip ? options.value("clip_qkv") : null;
  const config: ModelConfig = {
    family,
    vocabSize,
    hiddenSize,
    intermediateSize: options.size("intermediate_size", MOST.width * 4),
    layers,
    heads,
    kvHeads,
    headDim,
    contextLength,
    activation: parseActivation(options),
    normEps: normEps(family, options),
    qkvBias: flag(family.qkvBias),
    outputBias: flag(family.outputBias),
    mlpBias: flag(family.mlpBias),
    parallel: family.mayBeParallel && flag("use_parallel_residual"),
    clipQkv: clip === null ? null : positive("clip_qkv", clip),
    rope: parseRope(family, options, headDim, contextLength),
    tied: flag("tie_word_embeddings"),
    bosId: options.tokenIds("bos_token_id", vocabSize)[0] ?? null,
    eosIds: options.tokenIds("eos_token_id", vocabSize),
    padId: options.tokenIds("pad_token_id", vocabSize)[0] ?? null,
    json,
  };
  for (const name of contextNames) options.value(name);
  options.refuseRest();
  return config;
}

/** Other names of the context, which Hugging Face does not read. */
const contextNames = ["max_sequence_length", "max_seq_len", "max_seq_length", "n_ctx"];

/** @throws where another name of the context says otherwise. */
function agree(json: ConfigJson, contextLength: number): void {
  for (const name of contextNames) {
    const found = json[name] ?? contextLength;
    if (found === contextLength) continue;
    throw wrong(
      name,
      `the max_position_embeddings of ${contextLength}`,
      found,
      `To read it as Hugging Face does, which ignores it, ${overriding(name, null)}.`,
    );
  }
}

function parseActivation(options: Options): Activation {
  const name = options.value("hidden_act");
  const known = typeof name === "string" && Object.hasOwn(activations, name);
  if (!known) throw wrong("hidden_act", among(Object.keys(activations)), name);
  return activations[name]!;
}

function normEps(family: Family, options: Options): number {
  if (family.norm === "layer-plain") return 1e-5; // OLMo's is written in its code, not its config
  return options.positive(family.norm === "rms" ? "rms_norm_eps" : "layer_norm_eps");
}

/** @throws where some layer attends to a window shorter than the context. */
function refuseWindow(
  family: Family,
  options: Options,
  layers: number,
  contextLength: number,
): void {
  const kinds = options.value("layer_types");
  const isKind = (kind: unknown) => kind === "full_attention" || kind === "sliding_attention";
  if (
    kinds !== null && !(Array.isArray(kinds) && kinds.length === layers && kinds.every(isKind))
  ) {
    throw wrong("layer_types", `"full_attention" or "sliding_attention" ${layers} times`, kinds);
  }
  const mayUse = options.flag("use_sliding_window");
  const given = options.value("sliding_window");
  const from = options.value("max_window_layers") ?? 0;
  if (!Number.isSafeInteger(from) || (from as number) < 0) {
    throw wrong("max_window_layers", "a number of layers", from);
  }
  const named = kinds?.includes("sliding_attention");
  if (named && family.window !== "all" && !(family.window === "some" && mayUse && given !== null)) {
    throw wrong("layer_types", 'nothing but "full_attention" without a sliding_window', kinds);
  }
  const slides = named ?? (from as number) < layers;
  const isUsed = family.window === "all" || family.window === "some" && mayUse && slides;
  const window = isUsed && given !== null ? options.size("sliding_window", MOST.context) : null;
  if (window !== null && window < contextLength) {
    throw wrong(
      "sliding_window",
      `null or at least the context (${contextLength})`,
      window,
      `Up to ${window} positions a window changes nothing: ` +
        `${overriding("max_position_embeddings", window)}.`,
    );
  }
}

/**
 * Reads `rope_scaling` or `rope_parameters`, and the older spelling in several options. Hugging Face
 * takes the first where both stand; whatever else stands twice has to agree.
 */
function parseRope(
  family: Family,
  options: Options,
  headDim: number,
  contextLength: number,
): ModelConfig["rope"] {
  const scalingOption = ropeObject("rope_scaling", options);
  const parameters = ropeObject("rope_parameters", options);
  const own = Object.keys(scalingOption).length > 0 ? scalingOption : parameters;
  if (own !== parameters && typeOf(parameters) !== "default") {
    const differs = [...new Set([...Object.keys(own), ...Object.keys(parameters)])]
      .find((name) => name in parameters && name in own && own[name] !== parameters[name]);
    if (typeOf(own) !== typeOf(parameters) || differs) {
      throw wrong("rope_scaling", "what rope_parameters says", own);
    }
  }
  const rope = { ...own };
  /** The one value of several spellings; null where none is there. */
  const only = (name: string, ...spellings: [string, unknown][]): unknown => {
    const given = spellings.filter(([, value]) => value !== null && value !== undefined);
    const other = given.find(([, value]) => value !== given[0]![1]);
    if (other) {
      throw wrong(
        other[0],
        `the same ${name} as in ${given[0]![0]} (${JSON.stringify(given[0]![1])})`,
        other[1],
        `Say which is right: ${overriding(other[0], null)}, for instance.`,
      );
    }
    return given[0]?.[1] ?? null;
  };
  const theta = positive(
    "rope_theta",
    only(
      "base",
      ["rope_scaling", scalingOption.rope_theta],
      ["rope_parameters", parameters.rope_theta],
      ["rope_theta", options.value("rope_theta")],
      ["rotary_emb_base", options.value("rotary_emb_base")],
    ) ?? 10000,
  );
  const share = positive(
    "partial_rotary_factor",
    only(
      "part of the head",
      ["rope_scaling", scalingOption.partial_rotary_factor],
      ["rope_parameters", parameters.partial_rotary_factor],
      ["partial_rotary_factor", options.value("partial_rotary_factor")],
      ["rotary_pct", options.value("rotary_pct")],
    ) ?? family.turns,
  );
  const dims = Math.trunc(headDim * share);
  if (share !== 1 && family.turns === 1) {
    throw wrong("partial_rotary_factor", `1 for ${family.name}`, share);
  }
  if (dims < 2 || dims > headDim || dims % 2 !== 0) {
    throw wrong("partial_rotary_factor", `an even part of the ${headDim} head dimensions`, share);
  }
  const type = typeOf(rope);
  if (type !== "default" && type !== "llama3") {
    throw wrong("rope_type", among(["default", "llama3"]), type);
  }
  for (const name of ["rope_theta", "partial_rotary_factor", "rope_type", "type"]) {
    delete rope[name];
  }
  const take = (name: string, fallback?: number): number => {
    const value = rope[name] ?? fallback;
    delete rope[name];
    return positive(`rope_parameters.${name}`, value);
  };
  const scaling = type === "default" ? null : {
    factor: take("factor"),
    lowFrequencyFactor: take("low_freq_factor"),
    highFrequencyFactor: take("high_freq_factor"),
    originalContext: take("original_max_position_embeddings", contextLength),
  };
  if (scaling && scaling.highFrequencyFactor <= scaling.lowFrequencyFactor) {
    const { lowFrequencyFactor: low, highFrequencyFactor: high } = scaling;
    throw wrong("rope_parameters.high_freq_factor", `more than low_freq_factor (${low})`, high);
  }
  const [unknown] = Object.entries(rope).find(([, value]) => value !== null) ?? [];
  if (unknown) {
    throw wrong(`rope_parameters.${unknown}`, `nothing for rope type ${type}`, rope[unknown]);
  }
  return { theta, dims, scaling };
}

/** An option that holds an object of rotary settings; {} where it is null. */
function ropeObject(name: string, options: Options): Record<string, unknown> {
  const value = options.value(name) ?? {};
  if (typeof value !== "object" || Array.isArray(value)) throw wrong(name, "an object", value);
  const rope = value as Record<string, unknown>;
  const [type, older] = [rope.rope_type ?? null, rope.type ?? null];
  if (type !== null && older !== null && type !== older) {
    throw wrong(`${name}.type`, `the rope_type ${JSON.stringify(type)}`, older);
  }
  return rope;
}

function typeOf(rope: Readonly<Record<string, unknown>>): unknown {
  return rope.rope_type ?? rope.type ?? "default";
}
