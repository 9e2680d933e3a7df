/**
 * A learned bias on some tokens: the uniform rule of the rule adapter (paper section 6) with its words
 * given and their weights found by gradient descent, with or without a learned slope of EOS. Kept
 * beside the base. Does not know how the tokens were chosen.
 */
import { libraryValue } from "@implicit/memo";
import * as tf from "@tensorflow/tfjs-core";
import type { LogitsProcessor, Parameters } from "@implicit/decoder";
import type { Adapter } from "./adapter.ts";

/** Settings of {@link tokenBias}. */
export interface TokenBiasOptions {
  /** The ids of the tokens whose weights are learned; may be empty where the slope is. */
  readonly tokens: readonly number[];
  /** Learn the slope of EOS too; default false. */
  readonly eosSlope?: boolean;
}

const BIAS = "token_bias.weight";
const SLOPE = "token_bias.eos_slope";

/**
 * The adapter: logits + one number for each of `tokens`, and slope · t on EOS after t tokens of the
 * response. All are 0 at first.
 *
 * @throws if there is nothing to learn, or a token stands twice; `init` throws at an id that is none
 *   of the vocabulary's.
 * @example
 * const adapter = tokenBias({ tokens: tokenIds(tokenizer, "I"), eosSlope: true });
 * await tune(engine, base, examples, { adapter, learningRate: 0.1, … });
 */
export function tokenBias(options: TokenBiasOptions): Adapter & TokenBiasOptions {
  const { tokens, eosSlope = false } = options;
  if (tokens.length === 0 && !eosSlope) {
    throw new Error("Expected a token or the slope of EOS to learn, but found neither.");
  }
  if (new Set(tokens).size < tokens.length) {
    throw new Error(`Expected every token once, but found ${tokens.join(", ")}.`);
  }
  return libraryValue<Adapter, TokenBiasOptions>("tokenBias", { tokens, eosSlope }, {
    name: "token-bias",
    init({ vocabSize }) {
      const unknown = tokens.find((id) => !(id >= 0 && id < vocabSize));
      if (unknown !== undefined) {
        throw new Error(`Expected ids below ${vocabSize}, the vocabulary, but found ${unknown}.`);
      }
      const arrays: Parameters = new Map();
      const zeros = (size: number) => ({ shape: [size], data: new Float32Array(size) });
      if (tokens.length > 0) arrays.set(BIAS, zeros(tokens.length));
      if (eosSlope) arrays.set(SLOPE, zeros(1));
      return arrays;
    },
    apply({ vocabSize, eosIds }) {
      const places = new Float32Array(tokens.length * vocabSize); // [k, V], a 1 in each row
      tokens.forEach((id, i) => (places[i * vocabSize + id] = 1));
      const isEos = new Float32Array(vocabSize);
      for (const id of eosIds) isEos[id] = 1;
      return {
        logits(logits, steps, params) {
          let scores = logits;
          if (tokens.length > 0) {
            const weights = tf.reshape(params[BIAS]!, [1, -1]) as tf.Tensor2D;
            const spread = tf.tensor2d(places, [tokens.length, vocabSize]);
            scores = tf.add(scores, tf.matMul(weights, spread));
          }
          if (!eosSlope) return scores;
          const ramp = tf.mul(tf.tensor1d(isEos), params[SLOPE]!); // [V], the slope at EOS
          return tf.add(scores, tf.mul(tf.reshape(steps, [-1, 1]), ramp));
        },
      };
    },
    merge(base, trained) {
      const bias = trained.get(BIAS)?.data;
      const slope = trained.get(SLOPE)?.data[0] ?? 0;
      const processor: LogitsProcessor = (logits, { ids, promptLength }) => {
        tokens.forEach((id, i) => (logits[id]! += bias![i]!));
        for (const id of base.config.eosIds) logits[id]! += slope * (ids.length - promptLength);
      };
      return { model: base, processors: [processor] };
    },
  });
}
