/**
 * Models for other programs: a folder that Hugging Face transformers loads (safetensors, config.json,
 * tokenizer) and transformers.js too (onnx/, with a key/value cache). Knows the layout of such folders;
 * not how a graph is built, nor how weights are rounded (quantize.ts).
 */
import { existsSync } from "node:fs";
import { copyFile, mkdir, readdir, rename, rm, writeFile } from "node:fs/promises";
import { basename, join, resolve } from "node:path";
import process from "node:process";
import { decoderGraph, eosOption, type Model, saveCheckpoint } from "@implicit/decoder";
import { encodeModel, type Initializer } from "@implicit/engine";
import { adapterFiles } from "./peft.ts";
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
 * need be; an export of the same type is replaced once the new one is written. Whatever happens on
 * the way, the folder holds the old model, the new one, or no config.json, and so none.
 *
 * @param options.dtype weights of the ONNX file, default fp32; the safetensors are float16 with fp16
 *   and float32 otherwise. q8 and q4 round matrices and embedding, block by block.
 * @param options.inlineBytes more weights than this (default 512 MiB) go into a file beside the ONNX
 *   file, whose format ends at 2 GiB
 * @param options.tokenizer the folder whose tokenizer is copied; default: the model's own
 * @throws where there is no tokenizer, `folder` is the one the model lies in, is being exported to or
 *   holds an export of another type or an adapter, or the model has heads of a size that ONNX Runtime cannot run or
 *   weights that the type cannot hold.
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
    weights: weightFormats[dtype](),
  }); // first of all: what cannot run is not written
  if (dtype !== "fp32") checkRange(model, dtype);
  await refuseOther(folder, dtype);
  await mkdir(join(folder, "onnx"), { recursive: true }).catch((cause: Error) => {
    throw new Error(
      `Expected to write into ${folder}, but found: ${cause.message}. Choose another folder.`,
      { cause },
    );
  });
  const aside = await holdFolder(folder);
  try {
    for (const name of files) await copyFile(join(tokenizer!, name), join(aside, name));
    if (!files.includes("tokenizer_config.json")) { // transformers.js insists on one
      const json = { tokenizer_class: "PreTrainedTokenizerFast" };
      await writeJson(join(aside, "tokenizer_config.json"), json);
    }
    await writeModel(model, aside, dtype, graph, inlineBytes);
    await replace(folder, aside);
  } finally {
    await giveBack(aside);
  }
  const onnx = join(folder, "onnx", onnxNames[dtype]);
  return { folder, onnx, data: existsSync(`${onnx}_data`) ? `${onnx}_data` : null };
}

/** The least number that float16 rounds to infinity. */
const BEYOND_HALF = 65520;

/** @throws where a weight, rounded, would be infinite or no number. */
function checkRange({ name, parameters }: Model, dtype: ExportType): void {
  const most = dtype === "fp16" ? BEYOND_HALF : Infinity;
  for (const [parameter, { data }] of parameters) {
    const beyond = data.find((value) => !(Math.abs(value) < most));
    if (beyond === undefined) continue;
    throw new Error(
      `Expected weights that ${dtype} can hold in ${name}, but found ${beyond} in "${parameter}". ` +
        `Choose fp32.`,
    );
  }
}

/** Writes a model as ONNX and as safetensors, with the configs of both. */
async function writeModel(
  model: Model,
  folder: string,
  dtype: ExportType,
  graph: ReturnType<typeof decoderGraph>,
  inlineBytes: number,
): Promise<void> {
  const onnx = join(folder, "onnx", onnxNames[dtype]);
  const bytes = graph.initializers.reduce((sum, { data }) => sum + (data?.byteLength ?? 0), 0);
  const data = bytes > inlineBytes ? `${onnx}_data` : null;
  const initializers = data ? await writeExternal(graph.initializers, data) : graph.initializers;
  const encoded = encodeModel({ ...graph, initializers });
  await writeFile(onnx, encoded);

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
  await writeJson(join(folder, "generation_config.json"), eos); // read before config.json by both
}

const writeJson = (path: string, json: unknown) =>
  writeFile(path, `${JSON.stringify(json, null, 2)}\n`);

/**
 * Makes the folder in which an export is written before it is moved into place, and removes what
 * exports that were killed have left.
 *
 * @throws where another export is at work: of two that begin at once, one at most goes on
 */
async function holdFolder(folder: string): Promise<string> {
  const own = `.export.${process.pid}.tmp`, aside = resolve(folder, own);
  if (atWork.has(aside)) throw heldBy(aside);
  atWork.add(aside);
  try {
    await rm(aside, { recursive: true, force: true }); // of a killed one that had the same number
    await mkdir(join(aside, "onnx"), { recursive: true });
    for (const name of await readdir(folder)) {
      const [, id] = name.match(/^\.export\.(\d+)\.tmp$/) ?? [];
      if (!id || name === own) continue;
      if (isRunning(Number(id))) throw heldBy(join(folder, name));
      await rm(join(folder, name), { recursive: true, force: true });
    }
  } catch (error) {
    await giveBack(aside);
    throw error;
  }
  return aside;
}

/** What exports of this process hold. */
const atWork = new Set<string>();

async function giveBack(aside: string): Promise<void> {
  await rm(aside, { recursive: true, force: true });
  atWork.delete(aside);
}

const heldBy = (aside: string) =>
  new Error(
    `Expected a folder that no other export writes to, but found one at work in ${aside}. Wait for ` +
      `it, or choose another folder.`,
  );

function isRunning(id: number): boolean {
  try {
    return process.kill(id, 0);
  } catch (error) {
    return (error as { code?: string }).code !== "ESRCH"; // another user's, perhaps
  }
}

/** Moves what lies aside into the folder, in place of the model that is there. */
async function replace(folder: string, aside: string): Promise<void> {
  // Gone first and moved last: in between nobody reads one model's config with another's weights.
  await rm(join(folder, "config.json"), { force: true });
  const old = [...await readdir(folder), ...await inOnnx(folder)];
  const ofModel = old.filter((name) => tokenizerFiles.test(name) || /\.onnx(_data)?$/.test(name));
  for (const name of ofModel) await rm(join(folder, name));
  const made = [...await readdir(aside), ...await inOnnx(aside)];
  const files = made.filter((name) => name !== "onnx" && name !== "config.json");
  for (const name of [...files, "config.json"]) {
    await rename(join(aside, name), join(folder, name));
  }
}

const inOnnx = async (folder: string) =>
  (await readdir(join(folder, "onnx"))).map((name) => join("onnx", name));

/**
 * @throws where another type lies in the folder, whose config and weights would become those of
 *   this, or an adapter, which would go before the model.
 */
async function refuseOther(folder: string, dtype: ExportType): Promise<void> {
  if (existsSync(join(folder, adapterFiles[0]))) {
    throw new Error(
      `Expected a folder without an adapter, but found ${adapterFiles[0]} in ${folder}. Choose ` +
        `another folder.`,
    );
  }
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
  await writeFile(path, contents());
  return placed;
}
