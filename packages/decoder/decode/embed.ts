/**
 * Texts as vectors: the mean of a model's final states over a text's tokens, of length one. What a
 * sentence-embedding model does at larger scales, the base itself does in the miniature.
 * Knows nothing of what is compared.
 */
import * as tf from "@tensorflow/tfjs-core";
import type { Engine, Program, TensorData } from "@implicit/engine";
import type { Model } from "../model/checkpoint.ts";
import { hidden } from "../model/forward.ts";

/** Rows of a batch, and what their length is a multiple of: few shapes are compiled. */
const [ROWS, MULTIPLE] = [16, 32];

/**
 * Embeds texts given as token ids; an empty text becomes the zero vector.
 *
 * @returns for each text a vector [D] of length one; a dot product of two is their cosine.
 * @throws where a text is longer than the model's context.
 * @example
 * ```ts
 * const [a, b] = await embed(engine, model, [tokenizer.encode("a hen"), tokenizer.encode("an owl")]);
 * ```
 */
export async function embed(
  engine: Engine,
  model: Model,
  texts: readonly (readonly number[])[],
): Promise<Float32Array[]> {
  const { config, parameters } = model;
  const width = config.hiddenSize;
  const weights = [...parameters].map(([name, { shape, data }]) => ({ name, shape, data }));
  const programs = new Map<number, Program>();
  const result = texts.map(() => new Float32Array(width));
  // Texts of like length together: little padding, few shapes to compile.
  const order = texts.map((_, i) => i).filter((i) => texts[i]!.length > 0)
    .sort((a, b) => texts[a]!.length - texts[b]!.length);
  try {
    for (let start = 0; start < order.length; start += ROWS) {
      const places = order.slice(start, start + ROWS);
      const longest = texts[places.at(-1)!]!.length;
      if (longest > config.contextLength) {
        throw new Error(
          `Expected texts of at most ${config.contextLength} tokens, the model's context, but ` +
            `found one of ${longest}: cut it.`,
        );
      }
      const length = Math.min(Math.ceil(longest / MULTIPLE) * MULTIPLE, config.contextLength);
      const shape = [ROWS, length];
      let program = programs.get(length);
      if (!program) {
        const specs = Object.fromEntries(
          weights.map(({ name, shape }) => [name, { shape, dtype: "float32" as const }]),
        );
        program = await engine.compile(
          ({ ids, share, ...params }) => {
            const states = hidden(config, params, ids as tf.Tensor2D);
            const rows = tf.reshape(states, [...ids!.shape, config.hiddenSize]);
            return { vectors: tf.sum(tf.mul(rows, tf.expandDims(share!, 2)), 1) };
          },
          { ids: { shape, dtype: "int32" }, share: { shape, dtype: "float32" }, ...specs },
        );
        programs.set(length, program);
      }
      const ids = new Int32Array(ROWS * length);
      const share = new Float32Array(ROWS * length);
      places.forEach((i, row) => {
        const text = texts[i]!;
        ids.set(text, row * length);
        share.fill(1 / text.length, row * length, row * length + text.length);
      });
      const inputs: Record<string, TensorData> = { ids, share };
      for (const { name, data } of weights) inputs[name] = data;
      const { vectors } = await program.run(inputs);
      places.forEach((i, row) => {
        const vector = vectors!.subarray(row * width, (row + 1) * width) as Float32Array;
        const norm = Math.hypot(...vector) || 1;
        result[i]!.set(vector.map((x) => x / norm));
      });
    }
  } finally {
    for (const program of programs.values()) program.dispose();
  }
  return result;
}
