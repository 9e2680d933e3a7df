/**
 * The two ways of running a tfjs function: eagerly, on whichever tfjs backend is registered, and
 * compiled, as one ONNX graph run by ONNX Runtime. Both take and give plain typed arrays.
 *
 * It knows nothing of language models: a function of named tensors goes in, a program comes out.
 *
 * @module
 */
import { availableParallelism } from "node:os";
import * as tf from "@tensorflow/tfjs-core";
import { chooseBackend } from "./backends.ts";
import { compile } from "./compiled.ts";
import { compileEager } from "./eager.ts";
import { type Elementwise, type ElementwiseProgram, inChunks } from "./elementwise.ts";
import { quietenTfjs } from "./foreign.ts";
import { registerGradients } from "./gradients.ts";
import { inPlace } from "./in_place.ts";
import { ortVersion } from "./ort_api.ts";
import type { Compile } from "./program.ts";

/** What an engine runs on. */
export interface EngineInfo {
  readonly kind: "compiled" | "eager";
  readonly backend: string;
  readonly device: string;
  readonly threads: number;
  readonly versions: Record<string, string>;
}

/** Makes programs of tensor functions. */
export interface Engine {
  describe(): EngineInfo;
  readonly compile: Compile;
  /** A program of a function that is elementwise, for arrays of any length. */
  elementwise(what: Elementwise): ElementwiseProgram;
}

/** Which engine {@link createEngine} makes. */
export interface EngineOptions {
  /** Compiled (default) or eager. */
  kind?: "compiled" | "eager";
  /** Threads of the compiled engine; as many as there are cores by default. */
  threads?: number;
}

/**
 * Makes an engine. The compiled one is the default; the eager one runs on the fastest tfjs backend that
 * is installed (tfjs-node-gpu, tfjs-node, wasm, or else plain JavaScript), or on another one that
 * `tf.setBackend` has made active.
 *
 * @example
 * const engine = await createEngine({ kind: "eager" });
 * const square = await engine.compile(({ x }) => ({ y: tf.square(x) }), { x: { shape: [2], dtype: "float32" } });
 * const { y } = await square.run({ x: Float32Array.of(1, 2) }); // 1, 4
 */
export async function createEngine(options: EngineOptions = {}): Promise<Engine> {
  registerGradients();
  quietenTfjs();
  await tf.ready();
  if (options.kind !== "eager") return compiledEngine(options.threads ?? availableParallelism());
  await chooseBackend();
  return eagerEngine();
}

function compiledEngine(threads: number): Engine {
  return {
    describe: () => ({
      kind: "compiled",
      backend: "onnxruntime",
      device: "cpu",
      threads,
      versions: { onnxruntime: ortVersion(), "tfjs-core": tf.version_core },
    }),
    compile: (fn, inputs, options) => compile(fn, inputs, { threads, ...options }),
    elementwise: (what) => inPlace(threads, what, inChunks(compile, threads, what)),
  };
}

function eagerEngine(): Engine {
  const backend = tf.getBackend();
  // tfjs-node's backend, which alone says where it computes, and alone has threads.
  const { isUsingGpuDevice } = tf.backend() as { isUsingGpuDevice?: boolean };
  return {
    describe: () => ({
      kind: "eager",
      backend,
      device: isUsingGpuDevice || /gpu|webgl/.test(backend) ? "gpu" : "cpu",
      threads: backend === "tensorflow" ? availableParallelism() : 1,
      versions: { "tfjs-core": tf.version_core },
    }),
    compile: compileEager,
    elementwise: (what) => inChunks(compileEager, 1, what),
  };
}
