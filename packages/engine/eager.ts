/**
 * The eager engine: a tfjs function run call by call on the active tfjs backend.
 *
 * @module
 */
import * as tf from "@tensorflow/tfjs-core";
import { checkInputs, type Compile, type TensorData } from "./program.ts";

/** Makes a program of the active backend, which must still be active when it runs. */
export const compileEager: Compile = (fn, specs) => {
  const call = (inputs: Record<string, TensorData>) => {
    const tensors = Object.entries(specs).map(([name, { shape, dtype }]) =>
      // Copied: tfjs's cpu backend would otherwise share the array with its caller.
      [name, tf.tensor(inputs[name]!.slice(), [...shape], dtype)] as const
    );
    return fn(Object.fromEntries(tensors));
  };
  return Promise.resolve({
    async run(inputs, into = {}) {
      checkInputs(specs, inputs);
      const outputs = tf.tidy(() => call(inputs));
      const results: Record<string, TensorData> = {};
      for (const [name, tensor] of Object.entries(outputs)) {
        const values = await tensor.data() as TensorData;
        into[name]?.set(values);
        results[name] = into[name] ?? values;
      }
      tf.dispose(outputs);
      return results;
    },
    dispose() {},
  });
};
