/**
 * What goes into an engine and what comes out of it: functions of named tensors, and programs that run
 * them on plain typed arrays. It knows nothing of how they are run.
 *
 * @module
 */
import type { Tensor } from "@tensorflow/tfjs-core";
import { sizeOf } from "./onnx.ts";

/** A function of named tensors, written in tfjs core ops. It may take gradients of itself. */
export type TensorFunction = (inputs: Record<string, Tensor>) => Record<string, Tensor>;

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

/** Makes a program. */
export type Compile = (
  fn: TensorFunction,
  inputs: Record<string, TensorSpec>,
  options?: CompileOptions,
) => Promise<Program>;

/** Throws unless `inputs` has an array of the right type and length for every one of `specs`. */
export function checkInputs(
  specs: Record<string, TensorSpec>,
  inputs: Record<string, TensorData>,
): void {
  for (const [name, { shape, dtype }] of Object.entries(specs)) {
    const values = inputs[name];
    const length = sizeOf(shape);
    const type = dtype === "float32" ? Float32Array : Int32Array;
    if (!(values instanceof type) || values.length !== length) {
      throw new Error(
        `Expected a ${type.name} of ${length} values for the input "${name}" of shape ` +
          `[${shape}], but found ${values?.constructor.name} of ${values?.length}.`,
      );
    }
  }
}
