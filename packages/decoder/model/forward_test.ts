import assert from "node:assert/strict";
import * as tf from "@tensorflow/tfjs-core";
import { createEngine } from "@implicit/engine";
import { hidden } from "./forward.ts";
import { randomModel, tinySizes } from "../testing/mod.ts";

const sizes = { ...tinySizes, vocab_size: 11, intermediate_size: 12, tie_word_embeddings: true };
const ids = Int32Array.from({ length: 10 }, (_, i) => (i * 7) % 11);

/** The sum of the squared states of four positions, and its gradients, early or late taken. */
async function run(model_type: string, early: boolean, checkpointLayers: boolean) {
  const { config, ...model } = randomModel({ ...sizes, model_type });
  const parameters = [...model.parameters];
  const engine = await createEngine({ kind: "eager" });
  const program = await engine.compile(({ ids, ...params }) => {
    const names = Object.keys(params);
    const pick = (states: tf.Tensor2D): tf.Tensor2D =>
      tf.gather(states, tf.tensor1d([1, 3, 4, 9], "int32"));
    const { value, grads } = tf.valueAndGrads((...values) => {
      const given = Object.fromEntries(names.map((name, i) => [name, values[i]!]));
      const options = { checkpointLayers, take: early ? pick : undefined };
      const states = hidden(config, given, ids as tf.Tensor2D, options);
      return tf.sum(tf.square(early ? states : pick(states))) as tf.Scalar;
    })(Object.values(params));
    return { value, ...Object.fromEntries(names.map((name, i) => [name, grads[i]!])) };
  }, {
    ids: { shape: [2, 5], dtype: "int32" },
    ...Object.fromEntries(
      parameters.map(([name, { shape }]) => [name, { shape, dtype: "float32" }]),
    ),
  });
  return await program.run({
    ids,
    ...Object.fromEntries(parameters.map(([name, { data }]) => [name, data])),
  });
}

// Norm before, norm after, and both halves of a layer side by side.
for (const family of ["llama", "olmo2", "gpt_neox"]) {
  for (const checkpointLayers of [false, true]) {
    const how = checkpointLayers ? "recomputed" : "kept";
    Deno.test(`hidden() takes rows early, with their gradients: ${family}, layers ${how}`, async () => {
      const early = await run(family, true, checkpointLayers);
      for (const [name, late] of Object.entries(await run(family, false, checkpointLayers))) {
        const largest = Math.max(1e-3, ...Array.from(late, Math.abs));
        late.forEach((value, i) => {
          const error = Math.abs(early[name]![i]! - value);
          assert.ok(error < 1e-5 * largest, `${name}[${i}]: ${value}`);
        });
      }
    });
  }
}
