export { giveBack, settled, sharedArrays } from "./elementwise.ts";
export {
  type CompileOptions,
  createEngine,
  type Engine,
  type EngineInfo,
  type FileValues,
  type Program,
  type TensorData,
  type TensorFunction,
  type TensorSpec,
} from "./engine.ts";
export {
  type Attribute,
  encodeModel,
  type Graph,
  type Initializer,
  type Node,
  type ValueInfo,
} from "./onnx.ts";
export { type OrtTensor, ortVersion, Session } from "./ort.ts";
