/**
 * Texts as vectors: the mean of a model's final states over a text's tokens, of length one. What a
 * sentence-embedding model does at larger scales, the base itself does in the miniature.
 * Knows nothing of what is compared.
 */
import * as tf from "@tensorflow/tfjs-core";
import type { Engine, Program, TensorData } from "../engine/engine.ts";
import type { Model } from "../model/checkpoint.ts";
import { hidden } from "../model/decoder.ts";
import { padBatch } from "../text/batch.ts";

const ROWS = 16;

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
      const batch = padBatch(
        places.map((i) => ({ ids: texts[i]!, labels: texts[i]! })),
        { rows: ROWS, maxLength: config.contextLength },
      );
      const shape = [ROWS, batch.length];
      let program = programs.get(batch.length);
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
        programs.set(batch.length, program);
      }
      const share = new Float32Array(ROWS * batch.length);
      places.forEach((i, row) => {
        const length = texts[i]!.length;
        share.fill(1 / length, row * batch.length, row * batch.length + length);
      });
      const inputs: Record<string, TensorData> = { ids: batch.ids, share };
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
