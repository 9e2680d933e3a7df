/**
 * AdamW with decoupled weight decay (Loshchilov & Hutter 2019) and clipping by the global norm, as
 * one elementwise program run in place over the chunks of flat arrays. Knows nothing of models.
 */
import * as tf from "@tensorflow/tfjs-core";
import type { Engine, TensorFunction } from "../engine/engine.ts";
import { type FlatLayout, overChunks } from "./flat.ts";

/** Settings of {@link createAdamW}; `clip` null: no clipping. */
export interface AdamWOptions {
  readonly betas?: readonly [number, number];
  readonly epsilon?: number;
  readonly weightDecay?: number;
  readonly clip?: number | null;
}

/** Flat arrays, all laid out as `layout` says. */
export interface AdamWState {
  readonly layout: FlatLayout;
  readonly values: Float32Array;
  readonly gradients: Float32Array;
  readonly mean: Float32Array;
  readonly variance: Float32Array;
}

/** The optimiser of one set of arrays. */
export interface AdamW {
  /** L2 norm over all gradients, before clipping. */
  gradientNorm(): Promise<number>;
  /** Update number `count` (from 1) of values, mean and variance, in place. */
  update(count: number, learningRate: number, gradientNorm: number): Promise<void>;
  dispose(): void;
}

/**
 * The update of one chunk. Mean and variance are kept as the plain sums m = Σ β₁^(t−i) gᵢ and
 * v = Σ β₂^(t−i) gᵢ²: their usual factors (1 − β) and the bias corrections are scalars, and go into
 * `rate` and `epsilon`, which spares two passes over memory.
 */
export function adamwFunction(betas: readonly [number, number]): TensorFunction {
  return ({ p, g, m, v, clip, keep, rate, epsilon }) => {
    const clipped = tf.mul(g!, clip!);
    const mean = tf.add(tf.mul(m!, betas[0]), clipped);
    const variance = tf.add(tf.mul(v!, betas[1]), tf.mul(clipped, clipped));
    const direction = tf.div(mean, tf.add(tf.sqrt(variance), epsilon!));
    return { value: tf.sub(tf.mul(p!, keep!), tf.mul(direction, rate!)), mean, variance };
  };
}

/**
 * Prepares the optimiser for the given arrays.
 *
 * @example
 * const adamw = await createAdamW(engine, state, { weightDecay: 0.1 });
 * await adamw.update(1, 1e-3, await adamw.gradientNorm());
 */
export async function createAdamW(
  engine: Engine,
  state: AdamWState,
  options: AdamWOptions = {},
): Promise<AdamW> {
  const { betas = [0.9, 0.999], epsilon = 1e-8, weightDecay = 0, clip = 1 } = options;
  const { layout, values, gradients, mean, variance } = state;
  const size = layout.chunk;
  const chunk = { shape: [size], dtype: "float32" } as const;
  const scalar = { shape: [], dtype: "float32" } as const;
  const [update, squares] = await Promise.all([
    engine.compile(adamwFunction(betas), {
      p: chunk,
      g: chunk,
      m: chunk,
      v: chunk,
      clip: scalar,
      keep: scalar,
      rate: scalar,
      epsilon: scalar,
    }, { threads: 1 }),
    engine.compile(({ g }) => ({ sum: tf.sum(tf.mul(g!, g!)) }), { g: chunk }, { threads: 1 }),
  ]);
  const workers = engine.describe().threads;
  return {
    async gradientNorm() {
      const sums = new Float32Array(values.length / size);
      await overChunks(layout, workers, async (start) => {
        const index = start / size;
        await squares.run({ g: gradients.subarray(start, start + size) }, {
          sum: sums.subarray(index, index + 1),
        });
      });
      return Math.sqrt(sums.reduce((total, sum) => total + sum, 0));
    },
    async update(count, learningRate, gradientNorm) {
      const corrected = Math.sqrt((1 - betas[1]) / (1 - betas[1] ** count));
      const of = (value: number) => Float32Array.of(value);
      const scalars = {
        clip: of(clip === null ? 1 : Math.min(1, clip / (gradientNorm + 1e-6))),
        rate: of((learningRate * (1 - betas[0])) / ((1 - betas[0] ** count) * corrected)),
        epsilon: of(epsilon / corrected),
      };
      const decay = of(1 - learningRate * weightDecay);
      const none = of(1);
      await overChunks(layout, workers, async (start) => {
        const p = values.subarray(start, start + size);
        const m = mean.subarray(start, start + size);
        const v = variance.subarray(start, start + size);
        const g = gradients.subarray(start, start + size);
        const keep = start < layout.decayed ? decay : none;
        await update.run({ p, g, m, v, keep, ...scalars }, { value: p, mean: m, variance: v });
      });
    },
    dispose() {
      update.dispose();
      squares.dispose();
    },
  };
}
