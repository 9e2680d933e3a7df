/** A decoder ready to generate, from whichever files a model has: a checkpoint, or ONNX alone. */
import { existsSync } from "node:fs";
import { readdir } from "node:fs/promises";
import { join } from "node:path";
import {
  alignStops,
  createDecoder,
  createOnnxDecoder,
  type Decoder,
  loadConfig,
  loadTokenizer,
  type Tokenizer,
  type WeightType,
} from "@implicit/decoder";
import { loadModel, type LoadOptions } from "./load.ts";

/**
 * Opens a model for generating one response at a time.
 *
 * @param nameOrFolder a checkpoint as {@link loadModel} takes it, or a folder that holds
 *   config.json, tokenizer.json and onnx/*.onnx and no weights beside them
 * @param options.weights as `createDecoder` takes them; an ONNX file has its own
 * @throws as {@link loadModel} does, or where the ONNX file is no causal language model or its weights
 *   were to be rounded.
 * @example
 * const { decoder, tokenizer } = await openDecoder("HuggingFaceTB/SmolLM2-135M");
 */
export async function openDecoder(
  nameOrFolder: string,
  options: LoadOptions & { threads?: number; weights?: WeightType } = {},
): Promise<{ decoder: Pick<Decoder, "generate" | "dispose">; tokenizer: Tokenizer }> {
  const { threads, override, weights = "fp32" } = options;
  const onnx = await onlyOnnx(nameOrFolder);
  if (onnx) {
    if (weights !== "fp32") {
      throw new Error(
        `Expected a checkpoint whose weights become ${weights}, but found only ${onnx}, which has its ` +
          `own. Name the checkpoint, or leave the weights as they are.`,
      );
    }
    const tokenizer = await loadTokenizer(nameOrFolder);
    const config = alignStops(await loadConfig(nameOrFolder, override), tokenizer);
    return { decoder: await createOnnxDecoder(onnx, config, { threads }), tokenizer };
  }
  const { model, tokenizer } = await loadModel(nameOrFolder, options);
  return { decoder: await createDecoder(model, { threads, weights, batchSize: 1 }), tokenizer };
}

/** The first ONNX file of a folder without weights. */
async function onlyOnnx(folder: string): Promise<string | null> {
  const inside = join(folder, "onnx");
  if (!existsSync(inside)) return null;
  if ((await readdir(folder)).some((file) => file.endsWith(".safetensors"))) return null;
  const found = (await readdir(inside)).filter((file) => file.endsWith(".onnx")).sort()[0];
  return found ? join(inside, found) : null;
}
