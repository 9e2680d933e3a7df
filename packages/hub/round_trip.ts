/**
 * Does a model say the same everywhere? It is exported, and its greedy tokens are compared: from
 * memory, the saved safetensors, the ONNX file, and transformers.js where it is installed. Knows how
 * each reader is started; does not know how a model was made.
 */
import {
  createDecoder,
  createOnnxDecoder,
  type DecoderOptions,
  type Model,
} from "@implicit/decoder";
import { exportModel } from "./export.ts";
import { loadModel } from "./load.ts";
import { NotInstalled, transformersModel } from "./transformers.ts";

/** What one reader of the exported model generated. */
export interface Reading {
  readonly reader: string;
  /** Tokens equal to those from memory, up to the first that differs; null: not run. */
  readonly equal: number | null;
  readonly of: number;
  /** The first prompt's response, or why the reader was not run. */
  readonly response: string;
}

/** What all of them can do: a decoder's methods. */
interface Reader {
  generate(
    prompts: readonly (readonly number[])[],
    options: { maxTokens: number; eosId: readonly number[] },
  ): Promise<number[][]>;
  dispose(): void | Promise<void>;
}

/**
 * Exports a model (float32) and lets every reader continue the prompts greedily.
 *
 * @param adapted the model, as `createDecoder` takes it
 * @param prompts token ids
 * @param folder where to export to, as {@link exportModel} does; it stays
 * @param options.tokenizer the folder whose tokenizer is copied; default: the model's own
 * @param options.maxTokens of each response; default 40
 * @throws where something is kept beside the weights, and as {@link exportModel} does.
 * @example
 * const readings = await roundTrip({ model }, [tokenizer.encode("Once")], "out/exported");
 */
export async function roundTrip(
  { model, prefix, processors }: Pick<DecoderOptions, "prefix" | "processors"> & { model: Model },
  prompts: readonly (readonly number[])[],
  folder: string,
  { tokenizer, maxTokens = 40 }: { tokenizer?: string; maxTokens?: number } = {},
): Promise<Reading[]> {
  if (prefix || processors) {
    throw new Error(
      `Expected a model that is whole in its weights, but found ${model.name} with a ` +
        `${prefix ? "prefix" : "processor"} beside them: an exported checkpoint would lack it.`,
    );
  }
  const { onnx } = await exportModel(model, folder, { tokenizer });
  const saved = await loadModel(folder);
  const limits = { maxTokens, eosId: saved.model.config.eosIds };
  const generate = async (decoder: Reader) => {
    try {
      return await decoder.generate(prompts, limits);
    } finally {
      await decoder.dispose();
    }
  };
  /** transformers.js is large, and nobody gets it unasked. */
  const inTransformers = async () => {
    try {
      return await generate(await transformersModel(folder));
    } catch (error) {
      if (error instanceof NotInstalled) return `not run: ${error.message}`;
      throw error;
    }
  };

  const own = await generate(await createDecoder(model));
  const found = {
    "this project, from memory": own,
    "this project, from the safetensors": await generate(await createDecoder(saved.model)),
    "this project, from the ONNX file": await generate(await createOnnxDecoder(onnx, model.config)),
    "transformers.js": await inTransformers(),
  };
  const of = own.reduce((sum, ids) => sum + ids.length, 0);
  return Object.entries(found).map(([reader, responses]) =>
    typeof responses === "string" ? { reader, equal: null, of, response: responses } : {
      reader,
      equal: own.reduce((sum, ids, i) => sum + commonStart(ids, responses[i]!), 0),
      of,
      response: saved.tokenizer.decode(responses[0]!),
    }
  );
}

function commonStart(a: readonly number[], b: readonly number[]): number {
  const end = a.findIndex((id, i) => id !== b[i]);
  return end < 0 ? a.length : end;
}
