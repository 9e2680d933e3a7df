/**
 * The parameters of a decoder: which there are for a given config, under which names and of which
 * shapes, as Hugging Face has them.
 *
 * It knows nothing of files, nor of how parameters are used.
 *
 * @module
 */
import type { ModelConfig } from "./config.ts";

/** A named array of weights, row-major. */
export interface Parameter {
  readonly shape: readonly number[];
  data: Float32Array;
  /** Where the values lie, if they have stayed in their file: `data` reads them anew each time. */
  readonly file?: TensorFile;
}

/** A tensor in a safetensors file, from byte `offset` on. */
export interface TensorFile {
  readonly path: string;
  readonly dtype: "F32" | "F16" | "BF16";
  readonly offset: number;
}

/** Parameters by their Hugging Face names. Tied weights stand under one name, the embedding's. */
export type Parameters = Map<string, Parameter>;

/**
 * The name and shape of every parameter that `config` calls for. Projections are [out, in].
 *
 * @example parameterShapes(config).get("model.norm.weight") // [576]
 */
export function parameterShapes(config: ModelConfig): Map<string, readonly number[]> {
  const { family, hiddenSize, intermediateSize, headDim } = config;
  const { names } = family;
  const shapes = new Map<string, readonly number[]>();
  const projection = (name: string, out: number, into: number, bias: boolean) => {
    shapes.set(`${name}.weight`, [out, into]);
    if (bias) shapes.set(`${name}.bias`, [out]);
  };
  const norm = (name: string, size: number) => {
    if (family.norm !== "layer-plain") shapes.set(`${name}.weight`, [size]);
    if (family.norm === "layer") shapes.set(`${name}.bias`, [size]);
  };

  shapes.set(`${names.embedding}.weight`, [config.vocabSize, hiddenSize]);
  for (let layer = 0; layer < config.layers; layer++) {
    const at = (name: string) => `${names.layers}.${layer}.${name}`;
    const queries = config.heads * headDim;
    const keys = config.kvHeads * headDim;
    norm(at(names.attentionNorm), hiddenSize);
    if (names.qkv.length === 1) {
      projection(at(names.qkv[0]), queries + 2 * keys, hiddenSize, config.qkvBias);
    } else {
      projection(at(names.qkv[0]), queries, hiddenSize, config.qkvBias);
      projection(at(names.qkv[1]), keys, hiddenSize, config.qkvBias);
      projection(at(names.qkv[2]), keys, hiddenSize, config.qkvBias);
    }
    if (family.qkNorm !== "none") {
      shapes.set(`${at(names.qNorm)}.weight`, [family.qkNorm === "head" ? headDim : queries]);
      shapes.set(`${at(names.kNorm)}.weight`, [family.qkNorm === "head" ? headDim : keys]);
    }
    projection(at(names.output), hiddenSize, queries, config.outputBias);
    norm(at(names.mlpNorm), hiddenSize);
    if (family.gated) projection(at(names.gate), intermediateSize, hiddenSize, config.mlpBias);
    projection(at(names.up), intermediateSize, hiddenSize, config.mlpBias);
    projection(at(names.down), hiddenSize, intermediateSize, config.mlpBias);
  }
  norm(names.finalNorm, hiddenSize);
  if (!config.tied) shapes.set(`${names.head}.weight`, [config.vocabSize, hiddenSize]);
  return shapes;
}

/** The parameter that the output head multiplies by: its own, or the embedding where tied. */
export function headName(config: ModelConfig): string {
  const { names } = config.family;
  return `${config.tied ? names.embedding : names.head}.weight`;
}

/**
 * The values of parameters one after another: a view where they lie so already. Otherwise they are
 * moved, and each parameter's `data` is a view of where it lies now: no value is held twice.
 *
 * @example const both = joined([parameters.get("a.gate.weight")!, parameters.get("a.up.weight")!]);
 */
export function joined(parameters: readonly Parameter[]): Float32Array {
  const arrays = parameters.map(({ data }) => data);
  const [{ buffer, byteOffset }] = arrays as [Float32Array];
  const length = arrays.reduce((sum, array) => sum + array.length, 0);
  let end = byteOffset;
  const together = arrays.every((array) => {
    const follows = array.buffer === buffer && array.byteOffset === end;
    end += array.byteLength;
    return follows;
  });
  if (together) return new Float32Array(buffer, byteOffset, length);
  const all = new Float32Array(length);
  let at = 0;
  parameters.forEach((parameter, i) => {
    all.set(arrays[i]!, at);
    const place = all.subarray(at, at += arrays[i]!.length);
    if (!parameter.file) parameter.data = place;
  });
  return all;
}
