/**
 * The compiled engine: a tfjs function recorded, lowered to one ONNX graph, run by ONNX Runtime.
 * It knows nothing of kernels.
 *
 * @module
 */
import { realpath } from "node:fs/promises";
import { availableParallelism } from "node:os";
import { basename, dirname } from "node:path";
import * as tf from "@tensorflow/tfjs-core";
import { inChunks, inPlace } from "./elementwise.ts";
import {
  checkInputs,
  type CompileOptions,
  type Engine,
  type FileValues,
  type Program,
  type TensorData,
  type TensorFunction,
  type TensorSpec,
} from "./engine.ts";
import { inputName, Lowering, outputName } from "./lower.ts";
import { encodeModel } from "./onnx.ts";
import { type OrtTensor, ortVersion, Session } from "./ort.ts";
import { trace, type Value } from "./trace.ts";

/** Makes the engine; ONNX Runtime is loaded with the first program. */
export function createCompiledEngine(threads = availableParallelism()): Engine {
  const engine: Engine = {
    describe: () => ({
      kind: "compiled",
      backend: "onnxruntime",
      device: "cpu",
      threads,
      versions: { onnxruntime: ortVersion(), "tfjs-core": tf.version_core },
    }),
    compile: (fn, inputs, options) => compile(fn, inputs, { threads, ...options }),
    elementwise: (what) => inPlace(threads, what, inChunks(engine, threads, what)),
  };
  return engine;
}

async function compile(
  fn: TensorFunction,
  specs: Record<string, TensorSpec>,
  options: CompileOptions,
): Promise<Program> {
  const recorded = trace(fn, specs);
  const { files = {}, ...settings } = options;
  const given = Object.entries(specs).filter(([name]) => !files[name]);
  const { located, folder } = await locate(files);
  const session = await Session.create(encodeModel(new Lowering(recorded, located).graph()), {
    ...settings,
    optimize: "none",
    memoryPattern: false,
    externalFolder: folder,
    prepack: !folder, // a packed copy is what was to be spared
  });
  return new CompiledProgram(session, Object.fromEntries(given), recorded.outputs);
}

/** The files without symbolic links, which ONNX Runtime refuses where they leave the folder. */
async function locate(files: Readonly<Record<string, FileValues>>) {
  const located: Record<string, FileValues> = {};
  let folder: string | undefined;
  for (const [name, file] of Object.entries(files)) {
    const path = await realpath(file.path);
    folder ??= dirname(path);
    if (dirname(path) !== folder) {
      throw new Error(
        `Expected the files of all inputs in ${folder}, but found ${path} for "${name}". Copy them ` +
          "into one folder.",
      );
    }
    located[name] = { ...file, path: basename(path) };
  }
  return { located, folder };
}

class CompiledProgram implements Program {
  constructor(
    private readonly session: Session,
    private readonly specs: Record<string, TensorSpec>,
    private readonly outputs: Readonly<Record<string, Value>>,
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
    for (const [name, { shape, dtype }] of Object.entries(this.outputs)) {
      const length = shape.reduce((product, size) => product * size, 1);
      const make = dtype === "int32" ? Int32Array : Float32Array;
      const data = results[name] = into[name] ?? new make(length);
      written[outputName(name)] = { shape, dtype, data };
    }
    await this.session.run(read, written);
    return results;
  }

  dispose(): void {
    this.session.dispose();
  }
}
