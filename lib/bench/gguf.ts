/**
 * Writes a Llama's weights as llama.cpp reads them: a GGUF file, in float32 or in its 8-bit blocks
 * (https://github.com/ggml-org/ggml/blob/master/docs/gguf.md). Knows that format and the Llama family,
 * not tokenizers: the file's vocabulary is made up, since token ids go in and come out.
 */
import { Buffer } from "node:buffer";
import { writeFile } from "node:fs/promises";
import { type Model, toFloat16 } from "@implicit/decoder";

/** How matrices are stored; vectors are float32. */
export type GgufFormat = "f32" | "q8_0";

/** The format's number as a tensor's type, and as a file's. */
const codes = { f32: { tensor: 0, file: 0 }, q8_0: { tensor: 8, file: 7 } } as const;

/** Tensors and their data start at multiples of so many bytes. */
const ALIGNMENT = 32;

/** Numbers that share a scale, and the bytes they take with it. */
const BLOCK = 32, BLOCK_BYTES = 2 + BLOCK;

const UINT32 = 4, FLOAT32 = 6, STRING = 8, ARRAY = 9;

/**
 * Writes `model`, a Llama with tied embeddings and without biases, to `path`.
 *
 * @throws where a parameter has no name in llama.cpp.
 * @example await writeGguf(randomModel("T", shapes.T), "t.gguf", "q8_0");
 */
export async function writeGguf(model: Model, path: string, format: GgufFormat): Promise<void> {
  const { config, parameters } = model;
  const tensors = [...parameters].map(([name, { shape, data }]) => {
    const stored = shape.length > 1 ? format : "f32";
    const values = () =>
      /\.[qk]_proj\./.test(name) ? rotatedInPairs(data, shape[1]!, config.headDim) : data;
    return {
      name: nameOf(name),
      shape,
      code: codes[stored].tensor,
      size: stored === "f32" ? 4 * data.length : data.length / BLOCK * BLOCK_BYTES,
      bytes: () => stored === "f32" ? bytesOf(values()) : toQ8(values()),
    };
  });
  const about = [
    text("general.architecture", "llama"),
    uint32("general.file_type", codes[format].file),
    uint32("llama.vocab_size", config.vocabSize),
    uint32("llama.context_length", config.contextLength),
    uint32("llama.embedding_length", config.hiddenSize),
    uint32("llama.block_count", config.layers),
    uint32("llama.feed_forward_length", config.intermediateSize),
    uint32("llama.attention.head_count", config.heads),
    uint32("llama.attention.head_count_kv", config.kvHeads),
    float32("llama.attention.layer_norm_rms_epsilon", config.normEps),
    uint32("llama.rope.dimension_count", config.headDim),
    float32("llama.rope.freq_base", config.rope.theta),
    text("tokenizer.ggml.model", "gpt2"),
    text("tokenizer.ggml.pre", "smollm"),
    texts("tokenizer.ggml.tokens", Array.from({ length: config.vocabSize }, (_, id) => `t${id}`)),
    texts("tokenizer.ggml.merges", ["t 0"]),
    uint32("tokenizer.ggml.bos_token_id", 0),
    uint32("tokenizer.ggml.eos_token_id", 0),
  ];
  let offset = 0;
  const places = tensors.map(({ name, shape, code, size }) => {
    const at = offset;
    offset = aligned(at + size);
    const lengths = shape.toReversed().map(u64);
    return [string(name), u32(shape.length), ...lengths, u32(code), u64(at)];
  });
  const head = [latin("GGUF"), u32(3), u64(tensors.length), u64(about.length), about, places];
  await writeFile(
    path,
    function* () {
      yield padded(Buffer.concat(head.flat(2)));
      for (const { bytes } of tensors) yield padded(bytes());
    }(),
  );
}

/** llama.cpp's names of a Llama's parameters. */
const names: Readonly<Record<string, string>> = {
  "embed_tokens": "token_embd",
  "norm": "output_norm",
  "input_layernorm": "attn_norm",
  "self_attn.q_proj": "attn_q",
  "self_attn.k_proj": "attn_k",
  "self_attn.v_proj": "attn_v",
  "self_attn.o_proj": "attn_output",
  "post_attention_layernorm": "ffn_norm",
  "mlp.gate_proj": "ffn_gate",
  "mlp.up_proj": "ffn_up",
  "mlp.down_proj": "ffn_down",
};

function nameOf(name: string): string {
  const [, layer, module] = /^model\.(?:layers\.(\d+)\.)?(.*)\.weight$/.exec(name) ?? [];
  const known = names[module ?? ""];
  if (!known) throw new Error(`Expected a parameter of a Llama without biases, but found ${name}.`);
  return `${layer === undefined ? "" : `blk.${layer}.`}${known}.weight`;
}

/**
 * Rows of each head in llama.cpp's order: it rotates each row with its neighbour, where Hugging
 * Face's Llama rotates row i with row i + headDim / 2.
 */
function rotatedInPairs(matrix: Float32Array, width: number, headDim: number): Float32Array {
  const half = headDim / 2;
  const result = new Float32Array(matrix.length);
  for (let row = 0; row < matrix.length / width; row++) {
    const inHead = row % headDim;
    const from = row - inHead + (inHead % 2) * half + (inHead >> 1);
    result.set(matrix.subarray(from * width, (from + 1) * width), row * width);
  }
  return result;
}

/** Blocks of 32 numbers: a float16 scale and 32 signed bytes that it multiplies. */
function toQ8(values: Float32Array): Uint8Array {
  const scales = new Float32Array(values.length / BLOCK);
  for (let i = 0; i < values.length; i++) {
    const block = Math.floor(i / BLOCK);
    scales[block] = Math.max(scales[block]!, Math.abs(values[i]!) / 127);
  }
  const halves = toFloat16(scales);
  const bytes = new Uint8Array(scales.length * BLOCK_BYTES);
  const view = new DataView(bytes.buffer);
  scales.forEach((scale, block) => {
    const at = block * BLOCK_BYTES;
    view.setUint16(at, halves[block]!, true);
    for (let i = 0; i < BLOCK; i++) {
      view.setInt8(at + 2 + i, Math.round(values[block * BLOCK + i]! / (scale || 1)));
    }
  });
  return bytes;
}

const aligned = (size: number) => Math.ceil(size / ALIGNMENT) * ALIGNMENT;

function padded(bytes: Uint8Array): Uint8Array {
  const missing = aligned(bytes.length) - bytes.length;
  return missing === 0 ? bytes : Buffer.concat([bytes, new Uint8Array(missing)]);
}

const bytesOf = ({ buffer, byteOffset, byteLength }: ArrayBufferView) =>
  new Uint8Array(buffer, byteOffset, byteLength);
const u32 = (value: number) => bytesOf(Uint32Array.of(value));
const u64 = (value: number) => bytesOf(BigUint64Array.of(BigInt(value)));
const latin = (value: string) => Buffer.from(value, "latin1");
const string = (value: string) => Buffer.concat([u64(value.length), latin(value)]);

/** Entries of the file's head: key, type, value. */
const uint32 = (key: string, value: number) => [string(key), u32(UINT32), u32(value)];
const float32 = (
  key: string,
  value: number,
) => [string(key), u32(FLOAT32), bytesOf(Float32Array.of(value))];
const text = (key: string, value: string) => [string(key), u32(STRING), string(value)];
const texts = (
  key: string,
  values: readonly string[],
) => [string(key), u32(ARRAY), u32(STRING), u64(values.length), ...values.map(string)];
