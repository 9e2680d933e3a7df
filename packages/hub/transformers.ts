/**
 * Models that transformers.js runs: causal language models of any family it knows, and sentence
 * embeddings. Knows which files are needed and what is asked; not how transformers.js is started and
 * spoken to (transformers_process.ts).
 */
import { stat } from "node:fs/promises";
import { join, resolve } from "node:path";
import {
  type GenerateOptions,
  loadTokenizer,
  readObject,
  type Tokenizer,
  transformersProcessor,
} from "@implicit/decoder";
import { type ExportType, onnxNames } from "./export.ts";
import { type HubOptions, openRepository } from "./repository.ts";
import {
  type EmbeddingRequest,
  type GenerationRequest,
  startTransformers,
} from "./transformers_process.ts";

export { NotInstalled, PACKAGE as transformersPackage } from "./transformers_process.ts";

export interface TransformersOptions extends HubOptions {
  /** Fetch transformers.js where it is missing (490 MB, once). Default false: an error says how. */
  install?: boolean;
  /** Weights of the ONNX file. Default: what the folder's config.json names, else fp32. */
  dtype?: ExportType;
}

/** A causal language model in transformers.js. */
export interface TransformersModel {
  readonly tokenizer: Tokenizer;
  /**
   * The greedy response of each prompt, without EOS; the prompts are one batch. `eosId` is by default
   * the tokenizer's and what the folder's configs say, and processors are called as the decoder calls
   * them.
   */
  generate(
    prompts: readonly (readonly number[])[],
    options: Pick<GenerateOptions, "eosId" | "processors"> & { maxTokens: number },
  ): Promise<number[][]>;
  /** Ends the process. */
  dispose(): Promise<void>;
}

/**
 * Loads a causal language model into transformers.js, whether or not this project knows its family.
 *
 * @param nameOrFolder "owner/name" on the hub, or a folder: config.json, tokenizer.json and
 *   onnx/model.onnx, as {@link exportModel} writes them
 * @throws {NotInstalled} where transformers.js is not in Deno's cache and `install` is not set; an
 *   Error where there is no such model, or no ONNX file in it.
 * @example
 * const gpt2 = await transformersModel("onnx-community/gpt2-ONNX", { install: true });
 * const prompt = gpt2.tokenizer.encode("How do I boil an egg?\n");
 * const [ids] = await gpt2.generate([prompt], { maxTokens: 60 });
 * await gpt2.dispose();
 */
export async function transformersModel(
  nameOrFolder: string,
  options: TransformersOptions = {},
): Promise<TransformersModel> {
  const folder = await onnxFolder(nameOrFolder, options);
  const tokenizer = await loadTokenizer(folder);
  const stops = await stopIds(folder, tokenizer);
  const model = await startTransformers("generate", folder, options);
  return {
    tokenizer,
    async generate(prompts, { maxTokens, eosId = stops, processors = [] }) {
      const empty = prompts.findIndex((prompt) => prompt.length === 0);
      if (empty >= 0) throw new Error(`Expected prompts with tokens but found none in ${empty}.`);
      if (prompts.length === 0) return [];
      let padId = 0;
      while (prompts.some((prompt) => prompt[0] === padId)) padId++;
      const edits = processors.map((one) => transformersProcessor(one, { padId }));
      const eosIds = eosId === null ? null : [eosId].flat();
      const request = { prompts, maxTokens, eosIds, padId, edits: edits.length > 0 };
      const { json } = await model.ask(request satisfies GenerationRequest, ({ json, data }) => {
        for (const edit of edits) edit(json.ids, { dims: json.dims, data });
        return data;
      });
      return json.responses.map((ids: number[]) => {
        const end = ids.findIndex((id) => eosIds?.includes(id));
        return end < 0 ? ids : ids.slice(0, end);
      });
    },
    dispose: () => model.end(),
  };
}

/** Every id that ends a text, also of a family whose config is not known here. */
async function stopIds(folder: string, tokenizer: Tokenizer): Promise<number[]> {
  const named = async (file: string) =>
    (await readObject(join(folder, file)))?.eos_token_id ?? null;
  const ends = await named("generation_config.json") ?? await named("config.json") ?? [];
  const isId = (id: unknown): id is number => Number.isSafeInteger(id) && (id as number) >= 0;
  return [...new Set([tokenizer.eosId, ...[ends].flat().filter(isId)])];
}

/**
 * Embeds texts with a sentence-embedding model in transformers.js: the mean of its last states over
 * a text's tokens, special ones included, of length one. No prefix is put before a text.
 *
 * @param options.maxTokens longer texts are cut to this; default 512
 * @returns for each text a vector; a dot product of two is their cosine.
 * @throws as {@link transformersModel} does.
 * @example
 * const vectors = await embedTexts("nomic-ai/nomic-embed-text-v1", ["a hen", "an owl"]);
 */
export async function embedTexts(
  nameOrFolder: string,
  texts: readonly string[],
  { maxTokens = 512, ...options }: TransformersOptions & { maxTokens?: number } = {},
): Promise<Float32Array[]> {
  const model = await startTransformers("embed", await onnxFolder(nameOrFolder, options), options);
  try {
    const request: EmbeddingRequest = { texts, maxTokens };
    const { json: { width }, data } = await model.ask(request);
    return texts.map((_, i) => data.slice(i * width, (i + 1) * width));
  } finally {
    await model.end();
  }
}

/** The folder of a model with its ONNX file; from the hub, the files that are needed and no others. */
async function onnxFolder(nameOrFolder: string, options: TransformersOptions): Promise<string> {
  if (await stat(nameOrFolder).then((found) => found.isDirectory(), () => false)) {
    return resolve(nameOrFolder);
  }
  const repository = await openRepository("model", nameOrFolder, options);
  const onnx = `onnx/${onnxNames[options.dtype ?? "fp32"]}`;
  if (!repository.paths.includes(onnx)) {
    const found = repository.paths.filter((path) => path.endsWith(".onnx")).join(", ");
    throw new Error(
      `Expected ${onnx} in ${nameOrFolder}, which transformers.js reads, but found ` +
        `${found || "no ONNX file"}. Name another dtype, or a repository that was made for ` +
        `transformers.js (many are in onnx-community).`,
    );
  }
  await repository.get(
    repository.paths.filter((path) =>
      /^[^/]+\.json$/.test(path) || path === onnx || path.startsWith(`${onnx}_data`)
    ),
  );
  return repository.folder;
}
