/**
 * backends.ts in a browser tab: tfjs wants a backend to be there when it starts, and the recorder
 * does the rest. The eager engine has none.
 *
 * @module
 */
import * as tf from "@tensorflow/tfjs-core";

tf.registerBackend("none", () => new tf.KernelBackend());

/** @throws always: a page computes with the compiled engine alone. */
export function chooseBackend(): Promise<void> {
  return Promise.reject(
    new Error('Expected the compiled engine in a browser tab, but found kind "eager" asked for.'),
  );
}
