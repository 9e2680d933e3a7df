/**
 * A base ready to use, from the hub or a folder: its weights, with an adapter merged into them where
 * there is one, and the tokenizer that goes with them.
 */
import { existsSync } from "node:fs";
import { basename, join, resolve } from "node:path";
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
import { mergePeft, type PeftAdapter, readPeft } from "./peft.ts";
import type { HubOptions } from "./repository.ts";

/** How a checkpoint is loaded. */
export interface LoadOptions extends HubOptions {
  /** Leave the weights in their files, see {@link loadCheckpoint}. */
  inFile?: boolean;
  /** Options in place of those of config.json, so that what is refused need not be edited. */
  override?: ConfigJson;
  /** The base of an adapter, a name on the hub or a folder. Default: the one that the adapter names. */
  base?: string;
}

/**
 * Loads a checkpoint and its tokenizer, downloading what the cache lacks. An adapter that PEFT has
 * saved is merged into its base; the tokenizer is the adapter's own if it has one.
 *
 * @param nameOrFolder "owner/name" on the hub, or a folder
 * @throws Error that says what to do: see {@link resolveModel}; where the tokenizer has ids for which
 *   the model has no embedding; where an adapter cannot be merged, or its base is not found.
 * @example
 * const { model, tokenizer } = await loadModel("HuggingFaceTB/SmolLM2-135M", { revision: "main" });
 */
export async function loadModel(
  nameOrFolder: string,
  options: LoadOptions = {},
): Promise<{ name: string; model: Model; tokenizer: Tokenizer }> {
  const own = await resolveModel(nameOrFolder, options);
  const adapter = await readPeft(own);
  if (!adapter && options.base !== undefined) {
    throw new Error(
      `Expected an adapter in ${own}, since its base is named (${options.base}), but found no ` +
        `adapter_config.json. Leave the base out.`,
    );
  }
  const whole = adapter ? await baseOf(adapter, options) : own;
  const folder = existsSync(join(own, "tokenizer.json")) ? own : whole;
  const tokenizer = await loadTokenizer(folder);
  const base = await loadCheckpoint(whole, options);
  const loaded = adapter ? await mergePeft(base, adapter) : base;
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
  const name = own === nameOrFolder ? basename(resolve(own)) : nameOrFolder;
  const model = { ...loaded, name, config, folder };
  return { name, model, tokenizer: within(tokenizer, vocabSize) };
}

/** The folder of an adapter's base. */
async function baseOf(adapter: PeftAdapter, options: LoadOptions): Promise<string> {
  const name = options.base ?? adapter.base;
  if (name === null) {
    throw new Error(
      `Expected base_model_name_or_path in the adapter's config in ${adapter.folder}, but found ` +
        `none. Name the base (base).`,
    );
  }
  const revision = options.base === undefined ? adapter.revision : undefined;
  return await resolveModel(name, { ...options, revision }).catch((cause: Error) => {
    throw new Error(
      `The base of the adapter in ${adapter.folder}: ${cause.message} Or name another (base).`,
      { cause },
    );
  });
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
