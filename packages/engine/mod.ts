export { settled } from "./elementwise.ts";
export { createEngine, type Engine, type EngineInfo } from "./engine.ts";
export {
  type Attribute,
  encodeModel,
  type Graph,
  type Initializer,
  type Node,
  type ValueInfo,
} from "./onnx.ts";
export { type Bound, type OrtTensor, Session } from "./ort.ts";
export { ortVersion } from "./ort_api.ts";
export type {
  CompileOptions,
  FileValues,
  Program,
  TensorData,
  TensorFunction,
  TensorSpec,
} from "./program.ts";
export { giveBack, sharedArrays } from "./shared_arrays.ts";
