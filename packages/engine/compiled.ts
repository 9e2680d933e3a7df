/**
 * The compiled engine: a tfjs function recorded, lowered to one ONNX graph, run by ONNX Runtime.
 * It knows nothing of kernels.
 *
 * @module
 */
import { realpath } from "node:fs/promises";
import { basename, dirname } from "node:path";
import { inputName, lower, outputName } from "./lower.ts";
import { dataTypes, encodeModel, sizeOf } from "./onnx.ts";
import { type OrtTensor, Session } from "./ort.ts";
import { checkInputs, type Compile, type FileValues, type TensorData } from "./program.ts";
import { trace } from "./trace.ts";

/** Makes a program; ONNX Runtime is loaded with the first one. */
export const compile: Compile = async (fn, specs, { files = {}, ...options } = {}) => {
  const recorded = trace(fn, specs);
  const { located, folder } = await locate(files);
  const session = await Session.create(encodeModel(lower(recorded, located)), {
    ...options,
    optimize: false,
    memoryPattern: false,
    externalFolder: folder,
    prepack: !folder, // a packed copy is what was to be spared
  });
  const given = Object.entries(specs).filter(([name]) => !files[name]);
  const needed = given.filter(([name]) => session.inputNames.includes(inputName(name)));
  return {
    async run(inputs, into = {}) {
      checkInputs(Object.fromEntries(given), inputs);
      const read: Record<string, OrtTensor> = {};
      for (const [name, spec] of needed) read[inputName(name)] = { ...spec, data: inputs[name]! };
      const results: Record<string, TensorData> = {};
      const written: Record<string, OrtTensor> = {};
      for (const [name, { shape, dtype }] of Object.entries(recorded.outputs)) {
        const { array } = dataTypes[dtype === "int32" ? "int32" : "float32"];
        const data = results[name] = into[name] ?? new array(sizeOf(shape));
        written[outputName(name)] = { shape, dtype, data };
      }
      await session.run(read, written);
      return results;
    },
    dispose: () => session.dispose(),
  };
};

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
