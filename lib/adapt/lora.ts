/**
 * Low-rank adapters (LoRA, Hu et al. 2021): for a projection W an update (alpha / rank) · B A, of
 * which only A [rank, in] and B [out, rank] are trained.
 *
 * The decoder applies them where its parameters hold `MODULE.lora_A.weight` and
 * `MODULE.lora_B.weight` (the names PEFT gives them). It knows nothing of training.
 *
 * @module
 */
import {
  fillNormal,
  type ModelConfig,
  normalGenerator,
  type Parameters,
  parameterShapes,
} from "@implicit/decoder";

/** Which projections get an adapter, and how strong it is. */
export interface LoraOptions {
  readonly rank: number;
  /** The update is scaled by alpha / rank. */
  readonly alpha: number;
  /** Last parts of the modules' names, as `q_proj`; every projection of every layer by default. */
  readonly targets?: readonly string[];
}

/** The names of the projections that `options` chooses, without `.weight`. */
export function loraTargets(config: ModelConfig, options: LoraOptions): string[] {
  const inLayers = `${config.family.names.layers}.`;
  const projections = [...parameterShapes(config)]
    .filter(([name, shape]) => shape.length === 2 && name.startsWith(inLayers))
    .map(([name]) => name.slice(0, -".weight".length));
  const known = new Set(projections.map((name) => name.split(".").at(-1)!));
  const targets = options.targets ?? [...known];
  for (const target of targets) {
    if (!known.has(target)) {
      throw new Error(
        `Expected LoRA targets among ${[...known].join(", ")}, but found "${target}".`,
      );
    }
  }
  return projections.filter((name) => targets.includes(name.split(".").at(-1)!));
}

/**
 * Fresh adapters: A random with variance 1 / in, B zero, so that at first nothing changes.
 *
 * @throws where a target is no projection of this family, or the rank is no positive whole number.
 * @example const adapters = initLora(config, { rank: 16, alpha: 32 }, 1);
 */
export function initLora(config: ModelConfig, options: LoraOptions, seed: number): Parameters {
  const { rank } = options;
  if (!Number.isSafeInteger(rank) || rank < 1) {
    throw new Error(`Expected a LoRA rank of at least 1, but found ${rank}.`);
  }
  const normal = normalGenerator(seed);
  const shapes = parameterShapes(config);
  const adapters: Parameters = new Map();
  for (const module of loraTargets(config, options)) {
    const [out, into] = shapes.get(`${module}.weight`) as [number, number];
    const a = new Float32Array(rank * into);
    fillNormal(a, normal, 1 / Math.sqrt(into));
    adapters.set(`${module}.lora_A.weight`, { shape: [rank, into], data: a });
    adapters.set(`${module}.lora_B.weight`, {
      shape: [out, rank],
      data: new Float32Array(out * rank),
    });
  }
  return adapters;
}

/** The factor of the update, for the decoder's `loraScale`. */
export function loraScale({ rank, alpha }: LoraOptions): number {
  return alpha / rank;
}

/**
 * The base with its adapters added in: W + (alpha / rank) · B A. New arrays where there is an
 * adapter, the base's own elsewhere.
 */
export function mergeLora(
  base: Parameters,
  adapters: Parameters,
  options: LoraOptions,
): Parameters {
  const scale = loraScale(options);
  const merged: Parameters = new Map();
  for (const [name, { shape, data }] of base) {
    const module = name.replace(/\.weight$/, "");
    const a = adapters.get(`${module}.lora_A.weight`);
    const b = adapters.get(`${module}.lora_B.weight`);
    if (!a || !b) {
      merged.set(name, { shape, data });
      continue;
    }
    const [rank, into] = a.shape as [number, number];
    const sum = data.slice();
    for (let row = 0; row < shape[0]!; row++) {
      for (let r = 0; r < rank; r++) {
        const factor = scale * b.data[row * rank + r]!;
        if (factor === 0) continue;
        for (let column = 0; column < into; column++) {
          sum[row * into + column]! += factor * a.data[r * into + column]!;
        }
      }
    }
    merged.set(name, { shape, data: sum });
  }
  return merged;
}
