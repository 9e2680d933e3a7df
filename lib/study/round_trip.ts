/**
 * Does a tuned model say the same everywhere? It is exported, and its greedy tokens are compared:
 * this project's decoder, the saved safetensors, the ONNX file, and transformers.js where it is
 * installed. Knows how each is started; export itself is lib/hub's.
 */
import { join } from "node:path";
import { createDecoder, createOnnxDecoder } from "@implicit/decoder";
import { exportModel, loadModel, NotInstalled, transformersModel } from "@implicit/hub";
import { formatPrompt, templates } from "../text/template.ts";
import type { Arm } from "./arm.ts";
import type { Study } from "./study.ts";

/** What one reader of the exported model generated. */
export interface Reading {
  readonly reader: string;
  /** Tokens equal to this project's from memory, up to the first that differs; null: not run. */
  readonly equal: number | null;
  readonly of: number;
  /** The first prompt's response, or why the reader was not run. */
  readonly response: string;
}

/**
 * Exports the tuned model of an arm (float32) and lets every reader continue the study's first
 * prompts greedily.
 *
 * @param options.folder where to export to; default: in the cache
 * @example
 * ```ts
 * await showTable(await roundTrip(study, arms.responseTuning));
 * ```
 */
export async function roundTrip(
  study: Study,
  arm: Arm,
  options: { folder?: string; prompts?: number; maxTokens?: number } = {},
): Promise<Reading[]> {
  const { prompts: count = 3, maxTokens = 40 } = options;
  const { tokenizer, model: base } = study.base;
  const { model, prefix, processors } = await study.tuned(arm, study.seeds[0]!);
  if (prefix || processors) {
    throw new Error(
      `Expected an arm whose tuning ends up in the weights, but found ${arm.name}, whose adapter ` +
        "stays beside them: an exported checkpoint would be the base.",
    );
  }
  const name = `${study.base.name}-${arm.name}`.replace(/[^\w.-]+/g, "-");
  const folder = options.folder ?? join(study.cache.folder, "exports", name);
  const { onnx } = await exportModel(model, folder, { tokenizer: base.folder ?? undefined });
  const prompts = study.prompts.slice(0, count).map(({ instruction }) =>
    tokenizer.encode(formatPrompt(templates[arm.template], instruction))
  );
  const limits = { maxTokens, eosId: tokenizer.eosId };
  const generate = async (decoder: Awaited<ReturnType<typeof createOnnxDecoder>>) => {
    try {
      return await decoder.generate(prompts, limits);
    } finally {
      decoder.dispose();
    }
  };

  const own = await generate(await createDecoder(model));
  const saved = await loadModel(folder);
  const readers: [string, number[][] | string][] = [
    ["this project, from memory", own],
    ["this project, from the safetensors", await generate(await createDecoder(saved.model))],
    [
      "this project, from the ONNX file",
      await generate(await createOnnxDecoder(onnx, base.config)),
    ],
    ["transformers.js", await transformersTokens(folder, prompts, limits)],
  ];
  const total = own.reduce((sum, ids) => sum + ids.length, 0);
  return readers.map(([reader, found]) => ({
    reader,
    equal: typeof found === "string"
      ? null
      : own.reduce((sum, ids, i) => sum + commonStart(ids, found[i]!), 0),
    of: total,
    response: typeof found === "string" ? found : tokenizer.decode(found[0]!),
  }));
}

function commonStart(a: readonly number[], b: readonly number[]): number {
  const end = a.findIndex((id, i) => id !== b[i]);
  return end < 0 ? a.length : end;
}

/** Tokens by transformers.js, or why there are none: it is large, and nobody gets it unasked. */
async function transformersTokens(
  folder: string,
  prompts: readonly (readonly number[])[],
  options: { maxTokens: number; eosId: number },
): Promise<number[][] | string> {
  try {
    const model = await transformersModel(folder);
    return await model.generate(prompts, options).finally(() => model.dispose());
  } catch (error) {
    if (!(error instanceof NotInstalled)) throw error;
    return `not run: ${error.message}`;
  }
}
