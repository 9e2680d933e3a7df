export { byteLetters, inByteLetters } from "./byte_level.ts";
export { blockFormat } from "./decode/block_format.ts";
export {
  createDecoder,
  type Decoder,
  type DecoderOptions,
  type Scored,
  type WeightType,
} from "./decode/decoder.ts";
export { embed } from "./decode/embed.ts";
export { decoderGraph, type KeyValues } from "./decode/graph.ts";
export { float32Format, type GraphBuilder, type WeightFormat } from "./decode/graph_builder.ts";
export type { GenerateOptions } from "./decode/generation.ts";
export { createOnnxDecoder } from "./decode/onnx_decoder.ts";
export type { LogitsProcessor, StepContext } from "./decode/processor.ts";
export { argmax, logprob } from "./decode/sample.ts";
export { transformersProcessor } from "./decode/transformers_processor.ts";
export { readObject } from "./json.ts";
export {
  alignStops,
  eosOption,
  hashParameters,
  loadCheckpoint,
  loadConfig,
  type Model,
  saveCheckpoint,
} from "./model/checkpoint.ts";
export { checkHeadSize } from "./decode/graph_attention.ts";
export { type ModelConfig, parseConfig } from "./model/config.ts";
export type { ConfigJson } from "./model/options.ts";
export { hidden, type HiddenOptions, type Hooks, logits } from "./model/forward.ts";
export { toFloat16 } from "./model/half.ts";
export { fillNormal, initParameters, normalGenerator } from "./model/init.ts";
export { withGradient } from "./model/ops.ts";
export { addLowRank } from "./model/low_rank.ts";
export { headName, type Parameter, type Parameters, parameterShapes } from "./model/parameters.ts";
export {
  readHeader,
  readInto,
  readSafetensors,
  readTensor,
  writeSafetensors,
} from "./model/safetensors.ts";
export {
  createTokenizer,
  loadTokenizer,
  textStream,
  type Tokenizer,
  type TokenizerConfig,
  tokenTexts,
} from "./tokenizer.ts";
