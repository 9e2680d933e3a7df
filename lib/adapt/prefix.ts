/**
 * Prefix tuning (Li & Liang 2021): keys and values that stand before every sequence in each layer, as
 * if the model had read a text that no tokens spell. They are trained directly, without the network
 * that the paper computes them with in training, and kept beside the base.
 */
import { libraryValue } from "@implicit/memo";
import { fillNormal, type ModelConfig, normalGenerator, type Parameters } from "@implicit/decoder";
import type { Adapter } from "./adapter.ts";

/** Settings of {@link prefix}. */
export interface PrefixOptions {
  /** How many positions stand before the sequence. */
  readonly length: number;
}

const layersOf = ({ family, layers }: ModelConfig) =>
  Array.from({ length: layers }, (_, i) => `${family.names.layers}.${i}`);
const keysOf = (layer: string) => `${layer}.prefix.keys`;
const valuesOf = (layer: string) => `${layer}.prefix.values`;

/**
 * The adapter. Keys are drawn with variance 1, so that each position is seen by other heads; values
 * are 0, so that at first the prefix only takes some weight from the tokens.
 *
 * @throws where the length is no positive whole number.
 * @example await tune(engine, base, examples, { adapter: prefix({ length: 8 }), learningRate: 0.05, … });
 */
export function prefix({ length }: PrefixOptions): Adapter & PrefixOptions {
  if (!Number.isSafeInteger(length) || length < 1) {
    throw new Error(`Expected a prefix of at least 1 position, but found ${length}.`);
  }
  return libraryValue<Adapter, PrefixOptions>("prefix", { length }, {
    name: "prefix",
    init(config, seed) {
      const normal = normalGenerator(seed);
      const shape = [length, config.kvHeads, config.headDim];
      const size = length * config.kvHeads * config.headDim;
      const arrays: Parameters = new Map();
      for (const layer of layersOf(config)) {
        const keys = new Float32Array(size);
        fillNormal(keys, normal, 1);
        arrays.set(keysOf(layer), { shape, data: keys });
        arrays.set(valuesOf(layer), { shape, data: new Float32Array(size) });
      }
      return arrays;
    },
    apply: () => ({
      keyValues: (layer, params) => ({
        keys: params[keysOf(layer)]!,
        values: params[valuesOf(layer)]!,
      }),
    }),
    merge: (base, trained) => ({
      model: base,
      prefix: {
        length,
        layers: layersOf(base.config).map((layer) => ({
          keys: trained.get(keysOf(layer))!.data,
          values: trained.get(valuesOf(layer))!.data,
        })),
      },
    }),
  });
}
