/**
 * Choosing a token from logits: greedy, or drawn with temperature and nucleus (top-p) sampling
 * (Holtzman et al. 2020, arXiv 1904.09751).
 *
 * Knows numbers only; does not know what the tokens are.
 */
import { uniformFloat64 } from "pure-rand/distribution/uniformFloat64";
import { xoroshiro128plus } from "pure-rand/generator/xoroshiro128plus";
import type { RandomGenerator } from "pure-rand/types/RandomGenerator";

/** Chooses one of `logits` for a row; each row draws from a stream of its own. */
export type Sampler = (logits: Float32Array, row: number) => number;

/** The first of the largest values. */
export function argmax(values: Float32Array): number {
  let best = 0, most = values[0]!;
  for (let i = 1; i < values.length; i++) {
    const value = values[i]!;
    if (value > most) {
      most = value;
      best = i;
    }
  }
  return best;
}

/** The natural logarithm of a token's probability. */
export function logprob(logits: Float32Array, id: number): number {
  const most = logits[argmax(logits)]!;
  let sum = 0;
  for (const logit of logits) sum += Math.exp(logit - most);
  return logits[id]! - most - Math.log(sum);
}

/**
 * A sampler for these options; the same seed gives the same draws.
 *
 * @throws if `temperature` is negative or `topP` is not in (0, 1].
 * @example createSampler({ temperature: 0 })(Float32Array.of(0, 2, 1), 0) // 1
 */
export function createSampler(
  options: { temperature?: number; topP?: number; seed?: number } = {},
): Sampler {
  const { temperature = 0, topP = 1, seed = 0 } = options;
  if (!(temperature >= 0)) {
    throw new Error(`Expected a temperature of 0 or more but found ${temperature}.`);
  }
  if (!(topP > 0 && topP <= 1)) {
    throw new Error(`Expected topP above 0 and at most 1 but found ${topP}.`);
  }
  if (temperature === 0) return argmax;
  const streams = new Map<number, RandomGenerator>();
  let weights = new Float64Array(0);
  return (logits, row) => {
    let stream = streams.get(row);
    if (!stream) streams.set(row, stream = xoroshiro128plus(seed + Math.imul(row, 0x9e3779b1)));
    if (weights.length < logits.length) weights = new Float64Array(logits.length);
    const most = logits[argmax(logits)]!;
    let sum = 0;
    for (let i = 0; i < logits.length; i++) {
      sum += weights[i] = Math.exp((logits[i]! - most) / temperature);
    }
    let target = uniformFloat64(stream);
    if (topP === 1) {
      target *= sum;
      for (let i = 0; i < logits.length; i++) if ((target -= weights[i]!) < 0) return i;
      return argmax(logits); // rounding left a crumb
    }
    // All tokens below this weight together have less than 1 − topP: only the others need sorting.
    const least = (1 - topP) * sum / logits.length;
    const kept: number[] = [];
    for (let i = 0; i < logits.length; i++) if (weights[i]! >= least) kept.push(i);
    kept.sort((a, b) => weights[b]! - weights[a]! || a - b);
    let mass = 0, count = 0;
    while (count < kept.length && mass < topP * sum) mass += weights[kept[count++]!]!;
    target *= mass;
    for (let i = 0; i < count; i++) if ((target -= weights[kept[i]!]!) < 0) return kept[i]!;
    return kept[0]!;
  };
}
