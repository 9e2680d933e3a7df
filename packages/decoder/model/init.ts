/**
 * Weights to start pretraining from.
 *
 * It knows nothing of training; the same seed gives the same bits.
 *
 * @module
 */
import { xoroshiro128plus } from "pure-rand/generator/xoroshiro128plus";
import { uniformFloat64 } from "pure-rand/distribution/uniformFloat64";
import type { ModelConfig } from "./config.ts";
import { type Parameters, parameterShapes } from "./parameters.ts";

/** Standard deviation of embeddings. */
const EMBEDDING = 0.02;
/** Standard deviation of a projection times the root of its fan-in. */
const PROJECTION = 0.7;

/**
 * Random weights: embeddings N(0, 0.02²), projections N(0, 0.7² / fan-in), those that write into the
 * residual stream smaller by √(2 · layers) (Radford et al. 2019), norms 1, biases 0.
 *
 * @param seed any whole number
 * @example const parameters = initParameters(config, 1);
 */
export function initParameters(config: ModelConfig, seed: number): Parameters {
  const normal = normalGenerator(seed);
  const { names } = config.family;
  const residual = [names.output, names.down];
  const tables = [`${names.embedding}.weight`, `${names.head}.weight`];
  const parameters: Parameters = new Map();
  for (const [name, shape] of parameterShapes(config)) {
    const data = new Float32Array(shape.reduce((product, size) => product * size, 1));
    if (shape.length === 1) data.fill(name.endsWith(".bias") ? 0 : 1);
    else {
      const scale = tables.includes(name) ? EMBEDDING : PROJECTION / Math.sqrt(shape[1]!);
      const writesResidual = residual.some((module) => name.endsWith(`.${module}.weight`));
      fillNormal(data, normal, writesResidual ? scale / Math.sqrt(2 * config.layers) : scale);
    }
    parameters.set(name, { shape, data });
  }
  return parameters;
}

/** Fills an array with N(0, scale²). */
export function fillNormal(data: Float32Array, normal: () => number, scale: number): void {
  for (let i = 0; i < data.length; i++) data[i] = scale * normal();
}

/** Draws from N(0, 1), by Box and Muller's transformation. */
export function normalGenerator(seed: number): () => number {
  const generator = xoroshiro128plus(seed);
  let spare: number | undefined;
  return () => {
    if (spare !== undefined) {
      const value = spare;
      spare = undefined;
      return value;
    }
    const radius = Math.sqrt(-2 * Math.log(1 - uniformFloat64(generator)));
    const angle = 2 * Math.PI * uniformFloat64(generator);
    spare = radius * Math.sin(angle);
    return radius * Math.cos(angle);
  };
}
