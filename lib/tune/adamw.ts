/**
 * AdamW with decoupled weight decay (Loshchilov & Hutter 2019) and clipping by the global norm, as
 * one elementwise program run in place over the chunks of flat arrays. Knows nothing of models.
 */
import * as tf from "@tensorflow/tfjs-core";
import type { Engine, TensorFunction } from "@implicit/engine";
import type { FlatState } from "./flat.ts";

/** Settings of {@link createAdamW}; `clip` null: no clipping. */
export interface AdamWOptions {
  readonly betas?: readonly [number, number];
  readonly epsilon?: number;
  readonly weightDecay?: number;
  readonly clip?: number | null;
}

/** The optimiser of one set of arrays. */
export interface AdamW {
  /**
   * Update number `count` (from 1) of values, mean and variance, in place. Where the gradients are
   * not finite, nothing is worth keeping afterwards.
   *
   * @returns the L2 norm over all gradients, before clipping
   */
  update(count: number, learningRate: number): Promise<number>;
  dispose(): void;
}

const squares: TensorFunction = ({ g }) => ({ sum: tf.sum(tf.square(g!)) });

/**
 * The update of all arrays. Mean and variance are kept as the plain sums m = Σ β₁^(t−i) gᵢ and
 * v = Σ β₂^(t−i) gᵢ²: their usual factors (1 − β) and the bias corrections are numbers, and go into
 * `rate` and `epsilon`. The sum of the squared gradients comes along.
 */
function adamw(betas: readonly [number, number]): TensorFunction {
  return ({ p, g, m, v, clip, keep, rate, epsilon }) => {
    const gradient = tf.mul(g!, clip!);
    const square = tf.square(gradient);
    const mean = tf.add(tf.mul(m!, betas[0]), gradient);
    const variance = tf.add(tf.mul(v!, betas[1]), square);
    const direction = tf.div(mean, tf.add(tf.sqrt(variance), epsilon!));
    const value = tf.sub(tf.mul(p!, keep!), tf.mul(direction, rate!));
    return { value, mean, variance, sum: tf.sum(square) };
  };
}

/**
 * Prepares the optimiser for the given arrays.
 *
 * @example
 * const adamw = createAdamW(engine, state, { weightDecay: 0.1 });
 * const gradientNorm = await adamw.update(1, 1e-3);
 */
export function createAdamW(engine: Engine, state: FlatState, options: AdamWOptions = {}): AdamW {
  const { betas = [0.9, 0.999], epsilon = 1e-8, weightDecay = 0, clip = 1 } = options;
  const { layout: { decayed, length }, values, gradients, mean, variance } = state;
  const norm = engine.elementwise({ fn: squares, arrays: ["g"], numbers: [] });
  const update = engine.elementwise({
    fn: adamw(betas),
    arrays: ["p", "g", "m", "v"],
    numbers: ["clip", "keep", "rate", "epsilon"],
  });

  return {
    async update(count, learningRate) {
      // Without clipping, the update's own pass over the gradients gives their norm.
      const before = clip === null ? null : (await norm.run({ g: gradients }, {}, {})).sum!;
      const corrected = Math.sqrt((1 - betas[1]) / (1 - betas[1] ** count));
      const numbers = {
        clip: before === null ? 1 : Math.min(1, clip! / (Math.sqrt(before) + 1e-6)),
        rate: (learningRate * (1 - betas[0])) / ((1 - betas[0] ** count) * corrected),
        epsilon: epsilon / corrected,
      };
      let after = 0;
      for (const [from, to] of [[0, decayed], [decayed, length]] as const) {
        if (from === to) continue;
        const keep = from < decayed ? 1 - learningRate * weightDecay : 1;
        const [p, g, m, v] = [values, gradients, mean, variance].map((array) =>
          array.subarray(from, to)
        ) as [Float32Array, Float32Array, Float32Array, Float32Array];
        const into = { value: p, mean: m, variance: v };
        after += (await update.run({ p, g, m, v }, { ...numbers, keep }, into)).sum!;
      }
      return Math.sqrt(before ?? after);
    },
    dispose() {
      norm.dispose();
      update.dispose();
    },
  };
}
