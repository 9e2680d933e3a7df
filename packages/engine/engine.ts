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
import { createCompiledEngine } from "./compile.ts";
import { type Elementwise, type ElementwiseProgram, inChunks } from "./elementwise.ts";
import { registerGradients } from "./gradients.ts";

/** A function of named tensors, written in tfjs core ops. It may take gradients of itself. */
export type TensorFunction = (inputs: Record<string, tf.Tensor>) => Record<string, tf.Tensor>;

/** The shape and type that an input of a program has. */
export interface TensorSpec {
  readonly shape: readonly number[];
  readonly dtype: "float32" | "int32";
}

/** The values of a tensor, row-major. */
export type TensorData = Float32Array | Int32Array;

/** Values that stay in a file: as many as the input's shape says, from byte `offset` on, row-major. */
export interface FileValues {
  readonly path: string;
  readonly dtype: "float32" | "float16" | "bfloat16";
  readonly offset: number;
}

/** A {@link TensorFunction} made ready for fixed input shapes. */
export interface Program {
  /**
   * Runs the function once.
   *
   * @param inputs the values of every input, by name.
   * @param into arrays that receive the outputs of these names, in place of new ones. One may be
   *   the array of an input only where the function is elementwise and no other output needs it.
   * @throws where an input is missing or its length is not that of its shape.
   */
  run(
    inputs: Record<string, TensorData>,
    into?: Record<string, TensorData>,
  ): Promise<Record<string, TensorData>>;
  /** Frees what the program holds. It cannot be run afterwards. */
  dispose(): void;
}

/** What an engine runs on. */
export interface EngineInfo {
  readonly kind: "compiled" | "eager";
  readonly backend: string;
  readonly device: string;
  readonly threads: number;
  readonly versions: Record<string, string>;
}

/** Settings of one program; the eager engine has no use for them. */
export interface CompileOptions {
  /** Threads of this program alone. One of a single thread may run several times at once. */
  readonly threads?: number;
  /**
   * Inputs of the compiled engine that are read from files, all in one folder, and not given to
   * `run()`. Values of fewer than 32 bits are widened where they are used, and only for as long.
   */
  readonly files?: Readonly<Record<string, FileValues>>;
  /** Name of the file that ONNX Runtime writes its timings to, when the program is disposed of. */
  readonly profile?: string;
}

/** Makes programs of tensor functions. */
export interface Engine {
  describe(): EngineInfo;
  compile(
    fn: TensorFunction,
    inputs: Record<string, TensorSpec>,
    options?: CompileOptions,
  ): Promise<Program>;
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
  // Without it the cpu backend prints an advertisement on its first operation.
  tf.env().set("PROD", true);
  await tf.ready();
  if (options.kind === "eager") {
    await chooseBackend();
    return createEagerEngine();
  }
  return createCompiledEngine(options.threads);
}

function createEagerEngine(): Engine {
  const backend = tf.getBackend();
  // tfjs-node's backend, which alone says where it computes, and alone has threads.
  const { isUsingGpuDevice } = tf.backend() as { isUsingGpuDevice?: boolean };
  const compile: Engine["compile"] = (fn, inputs) => Promise.resolve(new EagerProgram(fn, inputs));
  return {
    describe: () => ({
      kind: "eager",
      backend,
      device: isUsingGpuDevice || /gpu|webgl/.test(backend) ? "gpu" : "cpu",
      threads: backend === "tensorflow" ? availableParallelism() : 1,
      versions: { "tfjs-core": tf.version_core },
    }),
    compile,
    elementwise: (what) => inChunks({ compile }, 1, what),
  };
}

class EagerProgram implements Program {
  constructor(
    private readonly fn: TensorFunction,
    private readonly specs: Record<string, TensorSpec>,
  ) {}

  async run(
    inputs: Record<string, TensorData>,
    into: Record<string, TensorData> = {},
  ): Promise<Record<string, TensorData>> {
    checkInputs(this.specs, inputs);
    const outputs = tf.tidy(() => {
      const tensors = Object.entries(this.specs).map(([name, { shape, dtype }]) =>
        // Copied: tfjs's cpu backend would otherwise share the array with its caller.
        [name, tf.tensor(inputs[name]!.slice(), [...shape], dtype)] as const
      );
      return this.fn(Object.fromEntries(tensors));
    });
    const results: Record<string, TensorData> = {};
    for (const [name, tensor] of Object.entries(outputs)) {
      const values = await tensor.data() as TensorData;
      const target = into[name];
      if (target) target.set(values);
      results[name] = target ?? values;
    }
    tf.dispose(outputs);
    return results;
  }

  dispose(): void {}
}

/** Throws unless `inputs` has an array of the right type and length for every one of `specs`. */
export function checkInputs(
  specs: Record<string, TensorSpec>,
  inputs: Record<string, TensorData>,
): void {
  for (const [name, { shape, dtype }] of Object.entries(specs)) {
    const values = inputs[name];
    const length = tf.util.sizeFromShape([...shape]);
    const type = dtype === "float32" ? Float32Array : Int32Array;
    if (!(values instanceof type) || values.length !== length) {
      throw new Error(
        `Expected a ${type.name} of ${length} values for the input "${name}" of shape ` +
          `[${shape}], but found ${values?.constructor.name} of ${values?.length}.`,
      );
    }
  }
}
