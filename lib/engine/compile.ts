/**
 * The compiled engine: a tfjs function recorded, lowered to one ONNX graph, run by ONNX Runtime.
 * It knows nothing of kernels.
 *
 * @module
 */
import { availableParallelism } from "node:os";
import * as tf from "@tensorflow/tfjs-core";
import {
  checkInputs,
  type CompileOptions,
  type Engine,
  type Program,
  type TensorData,
  type TensorFunction,
  type TensorSpec,
} from "./engine.ts";
import { inputName, Lowering, outputName, rowsName, type RowSum } from "./lower.ts";
import { encodeModel } from "./onnx.ts";
import { type OrtTensor, ortVersion, Session } from "./ort.ts";
import { trace, type Value } from "./trace.ts";

/** Makes the engine; ONNX Runtime is loaded with the first program. */
export function createCompiledEngine(threads = availableParallelism()): Engine {
  return {
    describe: () => ({
      kind: "compiled",
      backend: "onnxruntime",
      device: "cpu",
      threads,
      versions: { onnxruntime: ortVersion(), "tfjs-core": tf.version_core },
    }),
    compile: (fn, inputs, options) => compile(fn, inputs, { threads, ...options }),
  };
}

async function compile(
  fn: TensorFunction,
  specs: Record<string, TensorSpec>,
  options: CompileOptions,
): Promise<Program> {
  const recorded = trace(fn, specs);
  const lowering = new Lowering(recorded);
  const session = await Session.create(encodeModel(lowering.graph()), {
    ...options,
    optimize: "none",
    memoryPattern: false,
  });
  return new CompiledProgram(session, specs, recorded.outputs, lowering.rowSums);
}

class CompiledProgram implements Program {
  constructor(
    private readonly session: Session,
    private readonly specs: Record<string, TensorSpec>,
    private readonly outputs: Readonly<Record<string, Value>>,
    private readonly rowSums: readonly RowSum[],
  ) {}

  async run(
    inputs: Record<string, TensorData>,
    into: Record<string, TensorData> = {},
  ): Promise<Record<string, TensorData>> {
    checkInputs(this.specs, inputs);
    const read: Record<string, OrtTensor> = {};
    for (const [name, spec] of Object.entries(this.specs)) {
      if (!this.session.inputNames.includes(inputName(name))) continue; // nothing needs it
      read[inputName(name)] = { ...spec, data: inputs[name]! };
    }
    const results: Record<string, TensorData> = {};
    const written: Record<string, OrtTensor> = {};
    const write = (name: string, { shape, dtype }: Value, given?: TensorData): TensorData => {
      const length = shape.reduce((product, size) => product * size, 1);
      const data = given ?? new (dtype === "int32" ? Int32Array : Float32Array)(length);
      written[name] = { shape, dtype, data };
      return data;
    };
    for (const [name, value] of Object.entries(this.outputs)) {
      results[name] = write(outputName(name), value, into[name]);
    }
    const sums = this.rowSums.map(({ output, rows, indices }) => ({
      onto: results[output]!,
      rows: write(rowsName(output, "rows"), rows),
      indices: write(rowsName(output, "indices"), indices),
    }));
    await this.session.run(read, written);
    for (const { onto, rows, indices } of sums) addRows(onto, rows, indices);
    return results;
  }

  dispose(): void {
    this.session.dispose();
  }
}

/** Adds row i of `rows` onto row `indices[i]` of `onto`. */
function addRows(onto: TensorData, rows: TensorData, indices: TensorData): void {
  const width = rows.length / indices.length;
  for (let row = 0; row < indices.length; row++) {
    const [from, to] = [row * width, indices[row]! * width];
    for (let column = 0; column < width; column++) onto[to + column]! += rows[from + column]!;
  }
}
