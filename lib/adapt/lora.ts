/**
 * Low-rank adapters (LoRA, Hu et al. 2021): for a projection W an update (alpha / rank) · B A, of
 * which only A [rank, in] and B [out, rank] are trained, as `MODULE.lora_A.weight` and
 * `MODULE.lora_B.weight` (the names PEFT gives them). They are merged into the base's weights.
 */
import { libraryValue } from "@implicit/memo";
import * as tf from "@tensorflow/tfjs-core";
import {
  addLowRank,
  fillNormal,
  hashParameters,
  type ModelConfig,
  normalGenerator,
  type Parameters,
  parameterShapes,
} from "@implicit/decoder";
import type { Adapter } from "./adapter.ts";

/** Which projections get an adapter, and how strong it is. */
export interface LoraOptions {
  readonly rank: number;
  /** The update is scaled by alpha / rank; default twice the rank. */
  readonly alpha?: number;
  /** Last parts of the modules' names, as `q_proj`; every projection of every layer by default. */
  readonly targets?: readonly string[];
}

/**
 * The adapter. A is drawn with variance 1 / in, B is zero, so that at first nothing changes.
 *
 * @throws where the rank is no positive whole number; `init` throws where a target is no projection
 *   of the base's family.
 * @example await tune(engine, base, examples, { adapter: lora({ rank: 16, alpha: 32 }), … });
 */
export function lora(options: LoraOptions): Adapter & LoraOptions {
  const { rank, alpha = 2 * rank, targets } = options;
  if (!Number.isSafeInteger(rank) || rank < 1) {
    throw new Error(`Expected a LoRA rank of at least 1, but found ${rank}.`);
  }
  const scale = alpha / rank;
  return libraryValue<Adapter, LoraOptions>("lora", { rank, alpha, targets }, {
    name: "lora",
    init(config, seed) {
      const normal = normalGenerator(seed);
      const shapes = parameterShapes(config);
      const arrays: Parameters = new Map();
      for (const module of loraTargets(config, targets)) {
        const [out, into] = shapes.get(`${module}.weight`) as [number, number];
        const a = new Float32Array(rank * into);
        fillNormal(a, normal, 1 / Math.sqrt(into));
        arrays.set(`${module}.lora_A.weight`, { shape: [rank, into], data: a });
        const b = new Float32Array(out * rank);
        arrays.set(`${module}.lora_B.weight`, { shape: [out, rank], data: b });
      }
      return arrays;
    },
    apply: () => ({
      project(name, input, output, params) {
        const [a, b] = [params[`${name}.lora_A.weight`], params[`${name}.lora_B.weight`]];
        if (!a || !b) return output;
        const narrow = tf.mul(tf.matMul(input, a as tf.Tensor2D, false, true), scale);
        return tf.add(output, tf.matMul(narrow as tf.Tensor2D, b as tf.Tensor2D, false, true));
      },
    }),
    merge(base, trained) {
      const parameters = mergeUpdates(base.parameters, trained, scale);
      const hash = hashParameters(parameters);
      return { model: { ...base, parameters, hash, folder: null } };
    },
  });
}

/** The names of the projections with these last parts (default: all), without `.weight`. */
function loraTargets(config: ModelConfig, targets?: readonly string[]): string[] {
  const inLayers = `${config.family.names.layers}.`;
  const projections = [...parameterShapes(config)]
    .filter(([name, shape]) => shape.length === 2 && name.startsWith(inLayers))
    .map(([name]) => name.slice(0, -".weight".length));
  const last = (name: string) => name.split(".").at(-1)!;
  const known = new Set(projections.map(last));
  const unknown = targets?.find((target) => !known.has(target));
  if (unknown !== undefined) {
    throw new Error(
      `Expected LoRA targets among ${[...known].join(", ")}, but found "${unknown}".`,
    );
  }
  return projections.filter((name) => targets?.includes(last(name)) ?? true);
}

/** W + scale · B A: new arrays where there is an update, the base's own elsewhere. */
function mergeUpdates(base: Parameters, updates: Parameters, scale: number): Parameters {
  const merged: Parameters = new Map();
  for (const [name, { shape, data }] of base) {
    const module = name.replace(/\.weight$/, "");
    const a = updates.get(`${module}.lora_A.weight`);
    const b = updates.get(`${module}.lora_B.weight`);
    if (!a || !b) {
      merged.set(name, { shape, data });
      continue;
    }
    merged.set(name, { shape, data: addLowRank({ shape, data }, a, b, scale) });
  }
  return merged;
}
