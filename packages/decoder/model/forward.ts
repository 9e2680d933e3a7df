/**
 * A decoder-only transformer of any of the families, as functions of tensors: token ids to final
 * states, states to logits. Written in tfjs core ops, so that it runs wherever they do.
 *
 * It knows nothing of training, caches or files.
 *
 * @module
 */
import * as tf from "@tensorflow/tfjs-core";
import { causalAttention } from "./attention.ts";
import type { ModelConfig } from "./config.ts";
import { activate, gatedSilu, layerNorm, rmsNorm, rotary } from "./ops.ts";
import { headName } from "./parameters.ts";
import { rotaryTables } from "./rope.ts";

/** Parameters as tensors, by their Hugging Face names; an adapter's beside them, under names of its own. */
export type ParameterTensors = Record<string, tf.Tensor>;

/**
 * Where an adapter takes part in the forward pass, written in tfjs core ops. Each hook finds its own
 * arrays in `params`; what belongs to a layer has a name that begins with the layer's, so that layers
 * that are computed again (`checkpointLayers`) pass its gradient on.
 */
export interface Hooks {
  /**
   * The result of a projection, in place of `output` [N, out].
   *
   * @param name the module's, as `model.layers.0.self_attn.q_proj`
   * @param input [N, in]
   */
  project?(
    name: string,
    input: tf.Tensor2D,
    output: tf.Tensor2D,
    params: ParameterTensors,
  ): tf.Tensor2D;
  /**
   * Keys and values that stand before the sequence in a layer, each [prefix, kvHeads, headDim]. They
   * are taken as they are, without norm and rotation, and the tokens' positions still begin at 0.
   *
   * @param layer its name, as `model.layers.0`
   */
  keyValues?(
    layer: string,
    params: ParameterTensors,
  ): { readonly keys: tf.Tensor; readonly values: tf.Tensor };
  /**
   * The scores of every next token, in place of `logits` [N, V].
   *
   * @param steps [N] how many tokens of the response stand before each of these next tokens
   */
  logits?(logits: tf.Tensor2D, steps: tf.Tensor1D, params: ParameterTensors): tf.Tensor2D;
}

/** How {@link hidden} runs. */
export interface HiddenOptions {
  /** Of the adapter whose arrays `params` holds, if any. */
  hooks?: Hooks;
  /**
   * Forgets what happens inside a layer and computes it again in the backward pass: one third more
   * work, and memory for one layer's activations instead of all (Chen et al. 2016).
   */
  checkpointLayers?: boolean;
  /** The embedding's rows of `ids`, [B · T, D], where the caller has looked them up itself. */
  embedded?: tf.Tensor2D;
  /**
   * Takes those rows of [B · T, ·] whose final states are wanted, as [N, ·]. The others are left where
   * the last layer's attention has read them, which spares their part of that layer.
   */
  take?: (states: tf.Tensor2D) => tf.Tensor2D;
}

/**
 * The final states, after the last norm. Causal, so padding on the right needs no mask.
 *
 * @param ids [B, T] token ids, T at most the context length
 * @returns [B · T, D], or [N, D] with `take`
 * @throws where T is more than the model's context.
 * @example const next = logits(config, params, hidden(config, params, ids));
 */
export function hidden(
  config: ModelConfig,
  params: ParameterTensors,
  ids: tf.Tensor2D,
  options: HiddenOptions = {},
): tf.Tensor2D {
  const [batch, length] = ids.shape;
  if (length > config.contextLength) {
    throw new Error(
      `Expected at most ${config.contextLength} positions, the model's context, but found ${length}.`,
    );
  }
  const { names } = config.family;
  const place = { batch, length, ...rotaryTables(config.rope, length) };

  const embedding = params[`${names.embedding}.weight`]!;
  let states = options.embedded ?? tf.gather(embedding, tf.reshape(ids, [-1])) as tf.Tensor2D; // [B·T, D]
  for (let index = 0; index < config.layers; index++) {
    const prefix = `${names.layers}.${index}.`;
    const take = index === config.layers - 1 ? options.take : undefined;
    const run = (own: ParameterTensors, x: tf.Tensor2D) =>
      layer(config, new Modules(own, prefix, options.hooks), place, x, take);
    states = options.checkpointLayers
      ? recomputed(params, prefix, states, run)
      : run(params, states);
  }
  return norm(config, new Modules(params, ""), names.finalNorm, states);
}

/**
 * Scores of every next token.
 *
 * @param states [N, D], rows of {@link hidden}'s result: only those whose logits are needed
 * @param adapter its hooks, and the response tokens [N] before each next token, for `hooks.logits`
 * @returns [N, V]
 */
export function logits(
  config: ModelConfig,
  params: ParameterTensors,
  states: tf.Tensor2D,
  adapter: { readonly hooks?: Hooks; readonly steps?: tf.Tensor1D } = {},
): tf.Tensor2D {
  const head = params[headName(config)] as tf.Tensor2D;
  const scores: tf.Tensor2D = tf.matMul(states, head, false, true);
  const { hooks, steps } = adapter;
  return hooks?.logits ? hooks.logits(scores, steps!, params) : scores;
}

/** Where in a batch a layer works, and the rotary angles of its positions. */
interface Place {
  readonly batch: number;
  readonly length: number;
  readonly cos: Float32Array;
  readonly sin: Float32Array;
}

/** One layer: attention and MLP, each added to the states it reads. [B·T, D] → [B·T, D] or [N, D] */
function layer(
  config: ModelConfig,
  modules: Modules,
  place: Place,
  all: tf.Tensor2D,
  take = (states: tf.Tensor2D) => states,
): tf.Tensor2D {
  const { names, normPlacement } = config.family;
  const x = take(all);
  const attend = (states: tf.Tensor2D) =>
    modules.linear(names.output, take(attention(config, modules, place, states)));
  const feed = (states: tf.Tensor2D) => mlp(config, modules, states);
  const attentionNorm = (states: tf.Tensor2D) => norm(config, modules, names.attentionNorm, states);
  const mlpNorm = (states: tf.Tensor2D) => norm(config, modules, names.mlpNorm, states);

  if (normPlacement === "after") {
    const middle: tf.Tensor2D = tf.add(x, attentionNorm(attend(all)));
    return tf.add(middle, mlpNorm(feed(middle)));
  }
  const middle: tf.Tensor2D = tf.add(x, attend(attentionNorm(all)));
  if (config.parallel) return tf.add(middle, feed(mlpNorm(x)));
  return tf.add(middle, feed(mlpNorm(middle)));
}

/** What attention mixes, before its output projection. [B·T, D] → [B·T, H·E] */
function attention(
  config: ModelConfig,
  modules: Modules,
  { batch, length, ...tables }: Place,
  x: tf.Tensor2D,
): tf.Tensor2D {
  const { family: { names, qkNorm }, heads, kvHeads, headDim } = config;
  // Made here, not once for all layers: a layer that runs again must not read what is gone by then.
  const [cos, sin] = [tables.cos, tables.sin].map((values) =>
    tf.tensor2d(values, [length, config.rope.dims / 2])
  ) as [tf.Tensor2D, tf.Tensor2D];
  const clip = (states: tf.Tensor2D) =>
    config.clipQkv === null ? states : tf.clipByValue(states, -config.clipQkv, config.clipQkv);
  const split = (states: tf.Tensor, count: number): tf.Tensor4D =>
    tf.reshape(states, [batch, length, count, headDim]);
  // OLMo-2 norms all heads at once, Qwen3 each by itself.
  const normed = (states: tf.Tensor2D, name: string): tf.Tensor =>
    qkNorm === "none"
      ? states
      : qkNorm === "all"
      ? norm(config, modules, name, states)
      : norm(config, modules, name, tf.reshape(states, [-1, headDim]));

  const [query, key, value] = names.qkv.length === 1
    ? tf.split(
      tf.reshape(modules.linear(names.qkv[0], x), [batch, length, heads, 3 * headDim]),
      3,
      3,
    ) as tf.Tensor4D[]
    : names.qkv.map((name) => clip(modules.linear(name, x)));
  const q = rotary(split(normed(query as tf.Tensor2D, names.qNorm), heads), cos, sin);
  const k = rotary(split(normed(key as tf.Tensor2D, names.kNorm), kvHeads), cos, sin);
  const mixed = causalAttention(q, k, split(value!, kvHeads), modules.keyValues());
  return tf.reshape(mixed, [batch * length, heads * headDim]);
}

function mlp(config: ModelConfig, modules: Modules, x: tf.Tensor2D): tf.Tensor2D {
  const { names, gated } = config.family;
  const up = modules.linear(names.up, x);
  if (!gated) return modules.linear(names.down, activate(up, config.activation));
  const gate = modules.linear(names.gate, x);
  const product = config.activation === "silu"
    ? gatedSilu(gate, up)
    : tf.mul(activate(gate, config.activation), up);
  return modules.linear(names.down, product as tf.Tensor2D);
}

function norm(config: ModelConfig, modules: Modules, name: string, x: tf.Tensor2D): tf.Tensor2D {
  const [weight, bias] = [modules.get(`${name}.weight`), modules.get(`${name}.bias`)];
  return config.family.norm === "rms"
    ? rmsNorm(x, weight as tf.Tensor1D, config.normEps)
    : layerNorm(x, weight as tf.Tensor1D | null, bias as tf.Tensor1D | null, config.normEps);
}

/** The parameters whose names start with a prefix, by what follows it. */
class Modules {
  constructor(
    private readonly params: ParameterTensors,
    private readonly prefix: string,
    private readonly hooks: Hooks = {},
  ) {}

  get(name: string): tf.Tensor | null {
    return this.params[this.prefix + name] ?? null;
  }

  /** x Wᵀ + b, and what an adapter makes of it. [N, in] → [N, out] */
  linear(name: string, x: tf.Tensor2D): tf.Tensor2D {
    const bias = this.get(`${name}.bias`);
    let y: tf.Tensor2D = tf.matMul(x, this.get(`${name}.weight`) as tf.Tensor2D, false, true);
    if (bias) y = tf.add(y, bias);
    return this.hooks.project?.(this.prefix + name, x, y, this.params) ?? y;
  }

  /** What an adapter puts before the sequence in this layer, if anything. */
  keyValues() {
    return this.hooks.keyValues?.(this.prefix.slice(0, -1), this.params);
  }
}

/**
 * Runs a layer without keeping its activations; the backward pass runs it again. `run` gets the
 * parameters of the layer as its own argument, so that their gradients pass through.
 */
function recomputed(
  params: ParameterTensors,
  prefix: string,
  x: tf.Tensor2D,
  run: (own: ParameterTensors, x: tf.Tensor2D) => tf.Tensor2D,
): tf.Tensor2D {
  const names = Object.keys(params).filter((name) => name.startsWith(prefix));
  const f = (x: tf.Tensor, ...values: tf.Tensor[]) =>
    run(Object.fromEntries(names.map((name, i) => [name, values[i]!])), x as tf.Tensor2D);
  const inputs = [x, ...names.map((name) => params[name]!)];
  // tfjs declares the arguments of a customGrad function as tensors only; its last one is `save`.
  const checkpoint = tf.customGrad(
    ((...args: unknown[]) => {
      (args[inputs.length] as tf.GradSaveFunc)(inputs);
      return {
        value: f(...inputs as [tf.Tensor, ...tf.Tensor[]]),
        gradFunc: (dy: tf.Tensor, saved: tf.Tensor[]) => {
          // A gradient taken within a backward pass would drop the tape of the outer one.
          const { state } = tf.engine();
          const tape = state.activeTape;
          const grads = tf.grads(f)(saved, dy);
          state.activeTape = tape;
          return grads;
        },
      };
    }) as unknown as Parameters<typeof tf.customGrad>[0],
  );
  return checkpoint(...inputs) as tf.Tensor2D;
}
