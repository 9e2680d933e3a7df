/**
 * Finds a checkpoint: a local folder as it is, or a model of the hub, of which only the files that
 * are needed are fetched (config, safetensors, tokenizer; an adapter's own).
 *
 * Does NOT read weights: that is loadModel.
 */
import { readdir, readFile, stat } from "node:fs/promises";
import { join } from "node:path";
import { adapterFiles } from "./peft.ts";
import { type HubOptions, openRepository, type Repository } from "./repository.ts";

const INDEX = "model.safetensors.index.json";
const SMALL = [
  "config.json",
  "generation_config.json",
  "tokenizer.json",
  "tokenizer_config.json",
  "special_tokens_map.json",
];

/**
 * The folder of a checkpoint: config.json, safetensors (one file, or shards with their index) and
 * tokenizer.json; or of an adapter that PEFT has saved, which goes before. A model of the hub is downloaded once into the cache that all Hugging Face tools
 * share and found there the next time, without asking the hub again; `refresh: true` asks.
 *
 * @param nameOrFolder "owner/name" on the hub, or a folder, which is returned as it is
 * @throws Error that says what to do: gated, missing, offline, disk full, wrong hash, no checkpoint.
 */
export async function resolveModel(nameOrFolder: string, options: HubOptions = {}) {
  const found = await stat(nameOrFolder).catch(() => null);
  if (found?.isFile()) {
    throw new Error(
      `Expected a checkpoint folder but found the file ${nameOrFolder}. Give the folder it lies in.`,
    );
  }
  const { folder, paths, get }: Pick<Repository, "folder" | "paths" | "get"> = found
    ? {
      folder: nameOrFolder,
      paths: (await readdir(nameOrFolder)).sort(),
      get: (paths) => Promise.resolve(paths.map((path) => join(nameOrFolder, path))),
    }
    : await openRepository("model", nameOrFolder, options);
  const files = neededFiles(paths, nameOrFolder);
  if (files.includes(INDEX)) files.push(...await shardsOf((await get([INDEX]))[0]!, paths));
  await get(files);
  return folder;
}

/** Which of a checkpoint's files are needed; the shards come from the index. */
function neededFiles(paths: readonly string[], where: string): string[] {
  const isAdapter = paths.includes(adapterFiles[0]); // its base has the rest
  const required = isAdapter ? adapterFiles : ["config.json", "tokenizer.json"];
  const missing = required.find((name) => !paths.includes(name));
  const weights = isAdapter
    ? adapterFiles
    : ["model.safetensors", INDEX].filter((name) => paths.includes(name)).slice(0, 1);
  if (!missing && weights.length > 0) {
    return [...SMALL.filter((name) => paths.includes(name)), ...weights];
  }
  const pickled = paths.find((path) => /\.(bin|pth|pt|gguf)$/.test(path));
  throw new Error(
    `Expected a checkpoint with ${
      missing ?? `model.safetensors or ${INDEX}`
    } in ${where} but found ` +
      `${paths.slice(0, 8).join(", ") || "nothing"}. ` +
      ((!missing || isAdapter) && pickled
        ? `Save it again from Hugging Face transformers (save_pretrained), which writes safetensors.`
        : `Give a model in Hugging Face's layout; a tokenizer.model alone must be converted first.`),
  );
}

/** The shard files an index names. */
async function shardsOf(indexPath: string, paths: readonly string[]): Promise<string[]> {
  const index = await readFile(indexPath, "utf8").then(JSON.parse).catch(() => null);
  const shards = [...new Set(Object.values<unknown>(index?.weight_map ?? {}))];
  if (shards.length === 0 || !shards.every((shard) => typeof shard === "string")) {
    throw new Error(
      `Expected JSON whose "weight_map" names files in ${indexPath} but found ` +
        `${shards.length === 0 ? "none" : "something else"}. Download it again.`,
    );
  }
  const absent = shards.find((shard) => !paths.includes(shard));
  if (absent !== undefined) {
    throw new Error(
      `Expected ${JSON.stringify(absent)}, which ${indexPath} names, beside it but found no such ` +
        `file. The checkpoint is incomplete: copy or download it again.`,
    );
  }
  return shards;
}
