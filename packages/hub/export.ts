/**
 * Models for other programs: a folder that Hugging Face transformers loads (safetensors, config.json,
 * tokenizer) and transformers.js too (onnx/, with a key/value cache). Knows the layout of such folders;
 * not how a graph is built, nor how weights are rounded (quantize.ts).
 */
import { existsSync } from "node:fs";
import { copyFile, mkdir, readdir, rename, writeFile } from "node:fs/promises";
import { basename, join, resolve } from "node:path";
import process from "node:process";
import { decoderGraph, eosOption, type Model, saveCheckpoint } from "@implicit/decoder";
import { encodeModel, type Initializer } from "@implicit/engine";
import { type ExportType, weightFormats } from "./quantize.ts";

export type { ExportType } from "./quantize.ts";

/** What is written, and where. */
export interface Exported {
  readonly folder: string;
  /** The ONNX file, and its external data if the weights do not fit into it. */
  readonly onnx: string;
  readonly data: string | null;
}

/** The names under which transformers.js looks for each type of weights. */
export const onnxNames: Readonly<Record<ExportType, string>> = {
  fp32: "model.onnx",
  fp16: "model_fp16.onnx",
  q8: "model_quantized.onnx",
  q4: "model_q4.onnx",
};

/** A tokenizer's files, as far as a checkpoint has them. */
const tokenizerFiles =
  /^(tokenizer.*\.(json|model)|special_tokens_map\.json|added_tokens\.json|vocab\.(json|txt)|merges\.txt|chat_template\.jinja)$/;

/** Where external tensors may begin, so that they can be mapped into memory. */
const ALIGNMENT = 4096;

/**
 * Writes `model` to `folder` as safetensors, config.json, tokenizer and ONNX. The folder is made if
 * need be; files of the same names are replaced.
 *
 * @param options.dtype weights of the ONNX file, default fp32; the safetensors are float16 with fp16
 *   and float32 otherwise. q8 and q4 round matrices and embedding in blocks of 32.
 * @param options.inlineBytes more weights than this (default 512 MiB) go into a file beside the ONNX
 *   file, whose format ends at 2 GiB
 * @param options.tokenizer the folder whose tokenizer is copied; default: the model's own
 * @throws where there is no tokenizer, `folder` is the one the model lies in or holds an export of
 *   another type, or the model has heads of a size that ONNX Runtime cannot run.
 * @example
 * await exportModel(model, "out/tuned", { dtype: "q8" });
 * // in transformers.js: AutoModelForCausalLM.from_pretrained("out/tuned")
 */
export async function exportModel(
  model: Model,
  folder: string,
  options: { dtype?: ExportType; tokenizer?: string; inlineBytes?: number } = {},
): Promise<Exported> {
  const { dtype = "fp32", tokenizer = model.folder, inlineBytes = 2 ** 29 } = options;
  for (const source of [model.folder, tokenizer]) {
    if (source !== null && resolve(source) === resolve(folder)) {
      throw new Error(`Expected a new folder to export to, but found the model's own, ${folder}.`);
    }
  }
  const files = (tokenizer === null ? [] : await readdir(tokenizer))
    .filter((name) => tokenizerFiles.test(name));
  if (!files.includes("tokenizer.json")) {
    throw new Error(
      `Expected a tokenizer.json beside the model ${model.name}, but found none` +
        `${tokenizer === null ? "" : ` in ${tokenizer}`}. Name the folder that has it (tokenizer).`,
    );
  }
  const graph = decoderGraph(model.config, model.parameters, "export", {
    weights: weightFormats[dtype],
  }); // first of all: what cannot run is not written
  await refuseOther(folder, dtype);
  await mkdir(join(folder, "onnx"), { recursive: true }).catch((cause: Error) => {
    throw new Error(
      `Expected to write into ${folder}, but found: ${cause.message}. Choose another folder.`,
      { cause },
    );
  });
  for (const name of files) {
    await whole(join(folder, name), (path) => copyFile(join(tokenizer!, name), path));
  }
  if (!files.includes("tokenizer_config.json")) { // transformers.js insists on one
    const text = `${JSON.stringify({ tokenizer_class: "PreTrainedTokenizerFast" }, null, 2)}\n`;
    await whole(join(folder, "tokenizer_config.json"), (path) => writeFile(path, text));
  }

  const onnx = join(folder, "onnx", onnxNames[dtype]);
  const bytes = graph.initializers.reduce((sum, { data }) => sum + (data?.byteLength ?? 0), 0);
  const data = bytes > inlineBytes ? `${onnx}_data` : null;
  const initializers = data ? await writeExternal(graph.initializers, data) : graph.initializers;
  const encoded = encodeModel({ ...graph, initializers });
  await whole(onnx, (path) => writeFile(path, encoded));

  const { config } = model;
  const json: Record<string, unknown> = {
    ...config.json,
    "transformers.js_config": {
      dtype,
      ...(data ? { use_external_data_format: { [onnxNames[dtype]]: 1 } } : {}),
    },
  };
  if (config.family.names.qkv.length > 1) { // transformers.js does not derive what is left out
    json.num_key_value_heads ??= config.kvHeads;
    json.head_dim ??= config.headDim;
  }
  const exported = { ...model, config: { ...config, json } };
  await saveCheckpoint(exported, folder, { dtype: dtype === "fp16" ? "F16" : "F32" });
  const eos = { eos_token_id: eosOption(config) };
  const generation = `${JSON.stringify(eos, null, 2)}\n`; // read before config.json by both
  await whole(join(folder, "generation_config.json"), (path) => writeFile(path, generation));
  return { folder, onnx, data };
}

/** @throws where another type lies in the folder: its config and weights would become those of this. */
async function refuseOther(folder: string, dtype: ExportType): Promise<void> {
  const onnx = join(folder, "onnx");
  const found = existsSync(onnx) ? await readdir(onnx) : [];
  const other = found.find((name) => name.endsWith(".onnx") && name !== onnxNames[dtype]);
  if (other === undefined) return;
  throw new Error(
    `Expected a folder without another export, but found ${other} in ${onnx}. Choose a folder for ` +
      `each type: config.json and model.safetensors go with one.`,
  );
}

/** Writes the constants one after another; returns where each lies. Small ones stay inline. */
async function writeExternal(
  initializers: readonly Initializer[],
  path: string,
): Promise<Initializer[]> {
  const location = basename(path);
  const placed: Initializer[] = [];
  function* contents() {
    let end = 0;
    for (const one of initializers) {
      const { name, dtype, shape, data } = one;
      if (!data || data.byteLength < ALIGNMENT) {
        placed.push(one);
        continue;
      }
      const offset = Math.ceil(end / ALIGNMENT) * ALIGNMENT;
      yield new Uint8Array(offset - end);
      yield new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
      end = offset + data.byteLength;
      placed.push({ name, dtype, shape, external: { location, offset, length: data.byteLength } });
    }
  }
  await whole(path, (temporary) => writeFile(temporary, contents()));
  return placed;
}

/** Writes a file under a temporary name, then gives it its own. */
async function whole(path: string, write: (path: string) => Promise<unknown>): Promise<void> {
  const temporary = `${path}.${process.pid}.tmp`;
  await write(temporary);
  await rename(temporary, path);
}
