/** What the forward pass of training computes of whole texts, without a cache. */
import type * as tf from "@tensorflow/tfjs-core";
import type { Engine } from "@implicit/engine";
import type { Model } from "../model/checkpoint.ts";
import { hidden, logits } from "../model/forward.ts";
import type { Parameters } from "../model/parameters.ts";

/**
 * Compiles the forward pass over so many texts of one length.
 *
 * @returns a function from ids [rows · length] to logits [rows · length · vocabulary], of the
 *   model's own parameters or of others in their shapes
 */
export async function wholeLogits(engine: Engine, model: Model, rows: number, length: number) {
  const specs = Object.fromEntries(
    [...model.parameters].map(([name, { shape }]) => [name, { shape, dtype: "float32" as const }]),
  );
  const program = await engine.compile(({ ids, ...params }) => ({
    logits: logits(model.config, params, hidden(model.config, params, ids as tf.Tensor2D)),
  }), { ...specs, ids: { shape: [rows, length], dtype: "int32" } });
  return async (ids: Int32Array, parameters: Parameters = model.parameters) => {
    const values = Object.fromEntries([...parameters].map(([name, { data }]) => [name, data]));
    return (await program.run({ ...values, ids })).logits as Float32Array;
  };
}
