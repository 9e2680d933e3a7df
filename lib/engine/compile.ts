/**
 * The compiled engine: a tfjs function recorded, lowered to one ONNX graph, run by ONNX Runtime.
 *
 * @module
 */
import { availableParallelism } from "node:os";
import {
  checkInputs,
  type CompileOptions,
  type Engine,
  type Program,
  type TensorData,
  type TensorFunction,
  type TensorSpec,
} from "./engine.ts";
import { Lowering } from "./lower.ts";
import { encodeModel, type ValueInfo } from "./onnx.ts";
import { ortVersion, Session } from "./ort.ts";
import { trace } from "./trace.ts";

/** Makes the engine; ONNX Runtime is loaded with the first program. */
export function createCompiledEngine(threads = availableParallelism()): Engine {
  return {
    describe: () => ({
      kind: "compiled",
      backend: "onnxruntime",
      device: "cpu",
      threads,
      versions: { onnxruntime: ortVersion() },
    }),
    compile: (fn, inputs, options) => compile(fn, inputs, { threads, ...options }),
  };
}

async function compile(
  fn: TensorFunction,
  specs: Record<string, TensorSpec>,
  options: CompileOptions,
): Promise<Program> {
  const graph = new Lowering(trace(fn, specs)).graph();
  const session = await Session.create(encodeModel(graph), {
    ...options,
    optimize: "none",
    memoryPattern: false,
  });
  return new CompiledProgram(session, specs, graph.inputs, graph.outputs);
}

class CompiledProgram implements Program {
  constructor(
    private readonly session: Session,
    private readonly specs: Record<string, TensorSpec>,
    private readonly inputs: readonly ValueInfo[],
    private readonly outputs: readonly ValueInfo[],
  ) {}

  async run(
    inputs: Record<string, TensorData>,
    into: Record<string, TensorData> = {},
  ): Promise<Record<string, TensorData>> {
    checkInputs(this.specs, inputs);
    const results: Record<string, TensorData> = {};
    for (const { name, dtype, shape } of this.outputs) {
      const length = (shape as number[]).reduce((product, size) => product * size, 1);
      results[name] = into[name] ??
        (dtype === "float32" ? new Float32Array(length) : new Int32Array(length));
    }
    const tensors = (infos: readonly ValueInfo[], values: Record<string, TensorData>) =>
      Object.fromEntries(infos.map(({ name, dtype, shape }) => {
        return [name, { dtype, shape: shape as number[], data: values[name]! }];
      }));
    await this.session.run(tensors(this.inputs, inputs), tensors(this.outputs, results));
    return results;
  }

  dispose(): void {
    this.session.dispose();
  }
}
