/** A base ready to use, from the hub or a folder: its weights and the tokenizer that goes with them. */
import { basename, resolve } from "node:path";
import {
  type ConfigJson,
  loadCheckpoint,
  loadTokenizer,
  type Model,
  type Tokenizer,
} from "@implicit/decoder";
import { resolveModel } from "./checkpoint.ts";
import type { HubOptions } from "./repository.ts";

/**
 * Loads a checkpoint and its tokenizer, downloading what the cache lacks.
 *
 * @param nameOrFolder "owner/name" on the hub, or a folder
 * @param options.inFile leave the weights in their files, see {@link loadCheckpoint}
 * @param options.override options in place of those of config.json, so that a checkpoint that is
 *   refused need not be edited in the cache
 * @throws Error that says what to do: see {@link resolveModel}; and where the tokenizer has ids
 *   for which the model has no embedding.
 * @example
 * const { model, tokenizer } = await loadModel("HuggingFaceTB/SmolLM2-135M", { revision: "main" });
 */
export async function loadModel(
  nameOrFolder: string,
  options: HubOptions & { inFile?: boolean; override?: ConfigJson } = {},
): Promise<{ name: string; model: Model; tokenizer: Tokenizer }> {
  const folder = await resolveModel(nameOrFolder, options);
  const tokenizer = await loadTokenizer(folder);
  const loaded = await loadCheckpoint(folder, options);
  const { vocabSize } = loaded.config;
  if (tokenizer.vocabSize > vocabSize) { // fewer is common: embeddings are padded
    throw new Error(
      `Expected a tokenizer of at most ${vocabSize} entries, the rows of the embedding, in ` +
        `${folder} but found ${tokenizer.vocabSize}. Take tokenizer.json and the weights from the ` +
        `same checkpoint, or resize the embedding and save it again.`,
    );
  }
  // A snapshot's folder is named after its commit, which says nothing to a reader.
  const name = folder === nameOrFolder ? basename(resolve(folder)) : nameOrFolder;
  return { name, model: { ...loaded, name }, tokenizer };
}
