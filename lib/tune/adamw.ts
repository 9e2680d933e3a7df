/**
 * AdamW with decoupled weight decay (Loshchilov & Hutter 2019) and clipping by the global norm, as
 * one elementwise program run in place over the chunks of flat arrays. Knows nothing of models.
 */
import * as tf from "@tensorflow/tfjs-core";
import type { Engine, TensorFunction, TensorSpec } from "../engine/engine.ts";
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
 * The update of one chunk. Mean and variance are kept as the plain sums m = Σ β₁^(t−i) gᵢ and
 * v = Σ β₂^(t−i) gᵢ²: their usual factors (1 − β) and the bias corrections are scalars, and go into
 * `rate` and `epsilon`, which spares two passes over memory. To clip and to decay take one more each;
 * without `clip`, the sum of the squared gradients comes along.
 */
function adamw(betas: readonly [number, number]): TensorFunction {
  return ({ p, g, m, v, clip, keep, rate, epsilon }) => {
    const gradient = clip ? tf.mul(g!, clip) : g!;
    const square = tf.square(gradient);
    const mean = tf.add(tf.mul(m!, betas[0]), gradient);
    const variance = tf.add(tf.mul(v!, betas[1]), square);
    const direction = tf.div(mean, tf.add(tf.sqrt(variance), epsilon!));
    const value = tf.sub(keep ? tf.mul(p!, keep) : p!, tf.mul(direction, rate!));
    const updated: Record<string, tf.Tensor> = { value, mean, variance };
    return clip ? updated : { ...updated, sum: tf.sum(square) };
  };
}

/**
 * Prepares the optimiser for the given arrays.
 *
 * @example
 * const adamw = await createAdamW(engine, state, { weightDecay: 0.1 });
 * const gradientNorm = await adamw.update(1, 1e-3);
 */
export async function createAdamW(
  engine: Engine,
  state: AdamWState,
  options: AdamWOptions = {},
): Promise<AdamW> {
  const { betas = [0.9, 0.999], epsilon = 1e-8, weightDecay = 0, clip = 1 } = options;
  const { layout, values, gradients, mean, variance } = state;
  const chunk = { shape: [layout.chunk], dtype: "float32" } as const;
  const scalar = { shape: [], dtype: "float32" } as const;
  const arrays = { p: chunk, g: chunk, m: chunk, v: chunk };
  const scalars: Record<string, TensorSpec> = {
    rate: scalar,
    epsilon: scalar,
    ...clip === null ? {} : { clip: scalar },
    ...weightDecay === 0 ? {} : { keep: scalar },
  };
  const [update, norm] = await Promise.all([
    engine.compile(adamw(betas), { ...arrays, ...scalars }, { threads: 1 }),
    engine.compile(squares, { g: chunk }, { threads: 1 }),
  ]);
  const sums = new Float32Array(layout.length / layout.chunk);
  const root = () => Math.sqrt(sums.reduce((total, sum) => total + sum, 0));
  /** Calls `run` for every chunk with the cut that chunk is of any array, and its place in `sums`. */
  const everyChunk = (
    run: (cut: (array: Float32Array) => Float32Array, sum: Float32Array, start: number) => unknown,
  ) =>
    overChunks(layout, engine.describe().threads, async (start) => {
      const index = start / layout.chunk;
      const cut = (array: Float32Array) => array.subarray(start, start + layout.chunk);
      await run(cut, sums.subarray(index, index + 1), start);
    });

  return {
    async update(count, learningRate) {
      // Without clipping, the update's own pass over the gradients gives their norm.
      if (clip !== null) await everyChunk((cut, sum) => norm.run({ g: cut(gradients) }, { sum }));
      const before = root();
      const factor = clip === null ? 1 : Math.min(1, clip / (before + 1e-6));
      const corrected = Math.sqrt((1 - betas[1]) / (1 - betas[1] ** count));
      const of = (value: number) => Float32Array.of(value);
      const constants = {
        clip: of(factor),
        rate: of((learningRate * (1 - betas[0])) / ((1 - betas[0] ** count) * corrected)),
        epsilon: of(epsilon / corrected),
      };
      const [decay, none] = [of(1 - learningRate * weightDecay), of(1)];
      await everyChunk((cut, sum, start) => {
        const [p, g, m, v] = [cut(values), cut(gradients), cut(mean), cut(variance)];
        const keep = start < layout.decayed ? decay : none;
        const into = { value: p, mean: m, variance: v, ...clip === null ? { sum } : {} };
        return update.run({ p, g, m, v, keep, ...constants }, into);
      });
      return clip === null ? root() : before;
    },
    dispose() {
      update.dispose();
      norm.dispose();
    },
  };
}
