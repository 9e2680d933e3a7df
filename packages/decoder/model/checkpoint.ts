/**
 * Loads and saves a decoder in the form Hugging Face gives it: a folder with config.json and
 * model.safetensors, in one file or in shards with an index.
 *
 * It knows nothing of tokenizers, which lie in the same folder, nor of training.
 *
 * @module
 */
import { createHash } from "node:crypto";
import { existsSync } from "node:fs";
import { mkdir, readFile, rename, rm } from "node:fs/promises";
import { basename, join, resolve } from "node:path";
import process from "node:process";
import writeFileAtomic from "write-file-atomic";
import { parseObject, readObject } from "../json.ts";
import { type ModelConfig, parseConfig } from "./config.ts";
import type { ConfigJson } from "./options.ts";
import { headName, type Parameters, parameterShapes } from "./parameters.ts";
import {
  type FloatType,
  readHeader,
  readTensor,
  type SafetensorsHeader,
  tensorInFile,
  writeSafetensors,
} from "./safetensors.ts";

/** A decoder: what it computes, and its weights. */
export interface Model {
  readonly name: string;
  readonly config: ModelConfig;
  readonly parameters: Parameters;
  /** sha256 of the weights, as {@link hashParameters} gives it, and of what was overridden. */
  readonly hash: string;
  /** The folder it was loaded from, if any. */
  readonly folder: string | null;
}

/** Where a parameter lies: a file, and its name there. */
interface Stored {
  readonly header: SafetensorsHeader;
  readonly name: string;
}

/** Values that some checkpoints store although they follow from the config. */
const derived = /\.(rotary_emb\.inv_freq|attention\.(bias|masked_bias))$/;

/**
 * Loads a checkpoint folder. F16 and BF16 weights become float32. A decoder that was saved without
 * its head (transformers' `AutoModel`), whose names lack the first part, is the same where the head
 * is the embedding.
 *
 * @param options.inFile leave the weights where they are, as a base that is only to be tuned with
 *   adapters may: training reads them from there, everything else when it asks for them
 * @param options.override options in place of those of config.json, see {@link parseConfig}
 * @throws where the config is refused, a file is damaged, or a parameter is missing, unknown or of
 *   the wrong shape.
 * @example const model = await loadCheckpoint("data/world/base");
 */
export async function loadCheckpoint(
  folder: string,
  options: { inFile?: boolean; override?: ConfigJson } = {},
): Promise<Model> {
  const { override = {} } = options;
  const config = await loadConfig(folder, override);
  const shapes = parameterShapes(config);
  const stored = underFullNames(await locate(folder), config, shapes);
  const parameters: Parameters = new Map();
  for (const [name, shape] of shapes) {
    const place = stored.get(name);
    if (!place) throw new Error(`Expected a parameter "${name}" in ${folder}, but found none.`);
    const { header } = place;
    const found = header.tensors.get(place.name)!.shape;
    if (found.join() !== shape.join()) {
      throw new Error(
        `Expected shape [${shape}] for the parameter "${name}" in ${header.path}, but found ` +
          `[${found}].`,
      );
    }
    const parameter = options.inFile
      ? tensorInFile(header, place.name)
      : { shape, data: await readTensor(header, place.name) };
    parameters.set(name, parameter);
  }
  for (const [name, { header }] of stored) {
    if (shapes.has(name) || derived.test(name)) continue;
    const isTiedHead = config.tied && name === `${config.family.names.head}.weight`;
    const same = isTiedHead &&
      equal(await readTensor(header, name), parameters.get(headName(config))!.data);
    if (!same) {
      throw new Error(
        `Expected only parameters of a ${config.family.name} model in ${folder}, but found ` +
          (isTiedHead
            ? `"${name}", which differs from the embedding it is tied to.`
            : `"${name}".`),
      );
    }
  }
  const name = basename(resolve(folder));
  return { name, config, parameters, hash: hashOf(parameters, override), folder };
}

/** Another config is another model, though the weights are the same: results are kept by this. */
function hashOf(parameters: Parameters, override: ConfigJson): string {
  const weights = hashParameters(parameters);
  const changes = Object.entries(override).sort();
  if (changes.length === 0) return weights;
  return createHash("sha256").update(weights).update(JSON.stringify(changes)).digest("hex");
}

/** Files that say something of the weights and would go before what is saved. */
const ofAnother = ["config.json", "generation_config.json", "model.safetensors.index.json"];

/**
 * Saves a model as config.json and model.safetensors, in place of the model that the folder holds if
 * it holds one. Loads in Hugging Face transformers. The folder is made if need be. Wherever this
 * ends, the folder holds the old model, the new one, or no config.json, and so none.
 *
 * @param options.dtype F32 by default; BF16 and F16 round.
 */
export async function saveCheckpoint(
  model: Model,
  folder: string,
  options: { dtype?: FloatType } = {},
): Promise<void> {
  const { dtype = "F32" } = options;
  await mkdir(folder, { recursive: true });
  const { torch_dtype: _older, ...json } = model.config.json;
  // One file says it all: what else the folder may have said is in eosIds.
  if ("eos_token_id" in json || model.config.eosIds.length > 0) {
    Object.assign(json, { eos_token_id: eosOption(model.config) });
  }
  const type = { F32: "float32", BF16: "bfloat16", F16: "float16" }[dtype];
  // Both spellings: transformers before version 5 knows only the older one.
  const text = JSON.stringify({ ...json, dtype: type, torch_dtype: type }, null, 2);
  const aside = join(folder, `model.safetensors.${process.pid}.new`);
  try {
    await writeSafetensors(aside, model.parameters, { dtype });
    for (const name of ofAnother) await rm(join(folder, name), { force: true });
    await rename(aside, join(folder, "model.safetensors"));
  } finally {
    await rm(aside, { force: true });
  }
  await writeFileAtomic(join(folder, "config.json"), `${text}\n`);
}

/** sha256, in hexadecimal, of every parameter's name, shape and float32 values, by sorted names. */
export function hashParameters(parameters: Parameters): string {
  const hash = createHash("sha256");
  for (const name of [...parameters.keys()].sort()) {
    const { shape, data } = parameters.get(name)!;
    hash.update(`${name} [${shape}]\n`);
    hash.update(new Uint8Array(data.buffer, data.byteOffset, data.byteLength));
  }
  return hash.digest("hex");
}

/** Which file of the folder holds each tensor. */
async function locate(folder: string): Promise<Map<string, SafetensorsHeader>> {
  const single = join(folder, "model.safetensors");
  if (existsSync(single)) {
    const header = await readHeader(single);
    return new Map([...header.tensors.keys()].map((name) => [name, header]));
  }
  const path = join(folder, "model.safetensors.index.json");
  if (!existsSync(path)) {
    throw new Error(
      `Expected model.safetensors or model.safetensors.index.json in ${folder}, but found neither.`,
    );
  }
  const { weight_map: map } = await readJson(path);
  if (typeof map !== "object" || map === null) {
    throw new Error(`Expected a weight_map in ${path}, but found ${JSON.stringify(map)}.`);
  }
  const headers = new Map<string, SafetensorsHeader>();
  const located = new Map<string, SafetensorsHeader>();
  for (const [name, file] of Object.entries(map)) {
    if (typeof file !== "string" || file !== basename(file)) {
      const found = typeof file === "string" ? file : typeof file; // which may be nested deeply
      throw new Error(`Expected a file name for "${name}" in ${path}, but found ${found}.`);
    }
    const header = headers.get(file) ?? await readHeader(join(folder, file));
    headers.set(file, header);
    if (!header.tensors.has(name)) {
      throw new Error(`Expected the tensor "${name}" in ${header.path}, but found none.`);
    }
    located.set(name, header);
  }
  return located;
}

/** The tensors of a folder under the names that they have in the whole model. */
function underFullNames(
  located: ReadonlyMap<string, SafetensorsHeader>,
  { family }: ModelConfig,
  shapes: ReadonlyMap<string, unknown>,
): Map<string, Stored> {
  const [first] = family.names.embedding.split(".");
  const stored = new Map<string, Stored>();
  for (const [name, header] of located) {
    const full = !shapes.has(name) && shapes.has(`${first}.${name}`) ? `${first}.${name}` : name;
    const other = stored.get(full);
    if (other) {
      throw new Error(
        `Expected the parameter "${full}" once, but found both "${other.name}" in ` +
          `${other.header.path} and "${name}" in ${header.path}. Take one of them out.`,
      );
    }
    stored.set(full, { header, name });
  }
  return stored;
}

/**
 * The config of a folder. A text ends where generation_config.json says, as in Hugging Face, and
 * where config.json says if there is none or it names no id.
 *
 * @param override options in place of those of config.json, see {@link parseConfig}
 * @throws where one of the files is damaged or refused; the error names it.
 * @example (await loadConfig("data/world/base-1")).eosIds // [0]
 */
export async function loadConfig(folder: string, override: ConfigJson = {}): Promise<ModelConfig> {
  const parse = (path: string, json: ConfigJson, instead: ConfigJson) => {
    try {
      return parseConfig(json, instead);
    } catch (cause) { // which does not know where the config lay
      throw new Error(`${path}: ${(cause as Error).message}`, { cause });
    }
  };
  const path = join(folder, "config.json");
  const json = await readJson(path);
  const generation = join(folder, "generation_config.json");
  const ends = (await readObject(generation))?.eos_token_id ?? null;
  const config = parse(path, json, override);
  if (ends === null || "eos_token_id" in override) return config;
  const { eosIds } = parse(generation, json, { ...override, eos_token_id: ends });
  return { ...config, eosIds };
}

/**
 * The config whose texts also end where its tokenizer says: labels end with that token, so a tuned
 * model does. As Hugging Face's Trainer aligns the two before training.
 */
export function alignStops(
  config: ModelConfig,
  tokenizer: { readonly eosId: number },
): ModelConfig {
  return { ...config, eosIds: [...new Set([tokenizer.eosId, ...config.eosIds])] };
}

/** The ids that end a text as config files spell them: one, several or null. */
export function eosOption({ eosIds }: ModelConfig): number | readonly number[] | null {
  return eosIds.length > 1 ? eosIds : eosIds[0] ?? null;
}

async function readJson(path: string): Promise<Record<string, unknown>> {
  const text = await readFile(path, "utf8").catch((cause: Error & { code?: string }) => {
    const found = cause.code === "ENOENT" ? "none" : cause.message;
    throw new Error(
      `Expected a checkpoint with ${path}, but found ${found}. Give the folder that holds it.`,
      { cause },
    );
  });
  return parseObject(text, path);
}

function equal(a: Float32Array, b: Float32Array): boolean {
  return a.length === b.length && a.every((value, i) => value === b[i]);
}
