/**
 * A learned bias: one number a token, added to its logit at every step, and a slope by which EOS grows
 * likelier with every token of the response. It is the uniform rule and the EOS ramp of the rule
 * adapter (paper section 6) with their weights found by gradient descent, and shows how far rules of
 * this form can go. Kept beside the base.
 */
import { libraryValue } from "@implicit/memo";
import * as tf from "@tensorflow/tfjs-core";
import type { LogitsProcessor, Parameters } from "@implicit/decoder";
import type { Adapter } from "./adapter.ts";

/** Settings of {@link learnedBias}. */
export interface LearnedBiasOptions {
  /** Learn the slope of EOS too; default true. */
  readonly eosSlope?: boolean;
}

const BIAS = "learned_bias.weight";
const SLOPE = "learned_bias.eos_slope";

/**
 * The adapter: logits + bias, and slope · t on EOS after t tokens of the response. All are 0 at first.
 *
 * @example await tune(engine, base, examples, { adapter: learnedBias(), learningRate: 0.1, … });
 */
export function learnedBias(options: LearnedBiasOptions = {}): Adapter & LearnedBiasOptions {
  const { eosSlope = true } = options;
  return libraryValue<Adapter, LearnedBiasOptions>("learnedBias", { eosSlope }, {
    name: "learned-bias",
    init({ vocabSize }) {
      const arrays: Parameters = new Map();
      arrays.set(BIAS, { shape: [vocabSize], data: new Float32Array(vocabSize) });
      if (eosSlope) arrays.set(SLOPE, { shape: [1], data: new Float32Array(1) });
      return arrays;
    },
    apply({ vocabSize, eosIds }) {
      const isEos = new Float32Array(vocabSize);
      for (const id of eosIds) isEos[id] = 1;
      return {
        logits(logits, steps, params) {
          const biased = tf.add(logits, params[BIAS]!) as tf.Tensor2D;
          if (!eosSlope) return biased;
          const ramp = tf.mul(tf.tensor1d(isEos), params[SLOPE]!); // [V], the slope at EOS
          return tf.add(biased, tf.mul(tf.reshape(steps, [-1, 1]), ramp));
        },
      };
    },
    merge(base, trained) {
      const bias = trained.get(BIAS)!.data;
      const slope = trained.get(SLOPE)?.data[0] ?? 0;
      const processor: LogitsProcessor = (logits, { ids, promptLength }) => {
        bias.forEach((weight, id) => (logits[id]! += weight));
        for (const id of base.config.eosIds) logits[id]! += slope * (ids.length - promptLength);
      };
      return { model: base, processors: [processor] };
    },
  });
}
