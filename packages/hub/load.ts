/** A base ready to use, from the hub or a folder: its weights and the tokenizer that goes with them. */
import { basename, resolve } from "node:path";
import {
  alignStops,
  checkHeadSize,
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
  checkHeadSize(loaded.config); // before hours of tuning: no answer could be decoded
  const { vocabSize } = loaded.config;
  for (let id = vocabSize; id < tokenizer.vocabSize; id++) { // fewer is common: embeddings are padded
    // A special token that was added without a row of the embedding, often for padding, does no harm.
    if (id !== tokenizer.eosId && tokenizer.decode([id]) === "") continue;
    throw new Error(
      `Expected a tokenizer of at most ${vocabSize} entries, the rows of the embedding, in ` +
        `${folder} but found ${tokenizer.vocabSize}. Take tokenizer.json and the weights from the ` +
        `same checkpoint, or resize the embedding and save it again.`,
    );
  }
  const config = alignStops(loaded.config, tokenizer);
  // A snapshot's folder is named after its commit, which says nothing to a reader.
  const name = folder === nameOrFolder ? basename(resolve(folder)) : nameOrFolder;
  return { name, model: { ...loaded, name, config }, tokenizer: within(tokenizer, vocabSize) };
}

/** The tokenizer, which refuses a text that names a token for which the model has no embedding. */
function within(tokenizer: Tokenizer, vocabSize: number): Tokenizer {
  if (tokenizer.vocabSize <= vocabSize) return tokenizer;
  return {
    ...tokenizer,
    encode(text, options) {
      const ids = tokenizer.encode(text, options);
      const beyond = ids.find((id) => id >= vocabSize);
      if (beyond === undefined) return ids;
      throw new Error(
        `Expected text of the ${vocabSize} tokens that the model has embeddings for, but found ` +
          `${JSON.stringify(tokenizer.token(beyond))} (${beyond}). Leave it out of the text.`,
      );
    },
  };
}
