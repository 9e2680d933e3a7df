export { byteLetters, inByteLetters } from "./byte_level.ts";
export {
  createDecoder,
  type Decoder,
  type GenerateOptions,
  type LogitsProcessor,
  type Scored,
  type StepContext,
} from "./decode/decoder.ts";
export { embed } from "./decode/embed.ts";
export {
  decoderGraph,
  float32Format,
  type GraphBuilder,
  type WeightFormat,
} from "./decode/graph.ts";
export { createOnnxDecoder } from "./decode/onnx_decoder.ts";
export { argmax } from "./decode/sample.ts";
export {
  type TransformersProcessor,
  transformersProcessor,
} from "./decode/transformers_processor.ts";
export { hashParameters, loadCheckpoint, type Model, saveCheckpoint } from "./model/checkpoint.ts";
export { type ModelConfig, parseConfig } from "./model/config.ts";
export { hidden, type HiddenOptions, logits } from "./model/forward.ts";
export { toFloat16 } from "./model/half.ts";
export { fillNormal, initParameters, normalGenerator } from "./model/init.ts";
export { withGradient } from "./model/ops.ts";
export { headName, type Parameter, type Parameters, parameterShapes } from "./model/parameters.ts";
export {
  createTokenizer,
  loadTokenizer,
  type Tokenizer,
  type TokenizerConfig,
  tokenTexts,
} from "./tokenizer.ts";
