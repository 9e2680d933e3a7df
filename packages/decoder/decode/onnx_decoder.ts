/**
 * Generation with an exported ONNX model, ours or another's: input_ids, attention_mask, position_ids
 * and past_key_values.N.key/value in, logits and present.N.key/value out.
 *
 * Row by row, with a cache that grows: for checking exports and for folders that hold nothing else.
 * decoder.ts is the fast way. Knows the names that transformers.js and Optimum use.
 */
import { type OrtTensor, Session } from "@implicit/engine";
import type { ModelConfig } from "../model/config.ts";
import type { Decoder, GenerateOptions } from "./decoder.ts";
import { createSampler } from "./sample.ts";
import { checkIds } from "./score.ts";

/**
 * Opens an ONNX file.
 *
 * @throws where the file is no causal language model with a key/value cache.
 * @example
 * const decoder = await createOnnxDecoder("out/onnx/model.onnx", parseConfig(json));
 */
export async function createOnnxDecoder(
  path: string,
  config: ModelConfig,
  options: { threads?: number } = {},
): Promise<Pick<Decoder, "generate" | "dispose">> {
  const session = await Session.create(path, options).catch((cause: Error) => {
    throw new Error(
      `Expected an ONNX model in ${path}, but found: ${cause.message.replace(/\.?$/, ".")} ` +
        `Export or download it again.`,
      { cause },
    );
  });
  const past = session.inputNames.filter((name) => name.startsWith("past_key_values."));
  const complete = past.length > 0 &&
    past.every((name) => session.outputNames.includes(presentName(name)));
  if (!complete || !session.outputNames.includes("logits")) {
    session.dispose();
    throw new Error(
      `Expected ${path} to be a causal language model with a key/value cache (past_key_values.0.key … ` +
        `in, logits and present.0.key … out), but found the inputs ${
          session.inputNames.join(", ")
        } ` +
        `and outputs ${session.outputNames.join(", ")}. Export it again with past key values.`,
    );
  }
  return {
    async generate(prompts, options = {}) {
      if (prompts.length === 0) {
        throw new Error("Expected at least one prompt but found an empty batch.");
      }
      const responses: number[][] = [];
      for (const [row, prompt] of prompts.entries()) {
        checkIds(prompt, config.vocabSize, `prompt ${row}`);
        responses.push(await generateRow(session, config, past, prompt, row, options));
      }
      return responses;
    },
    dispose: () => session.dispose(),
  };
}

const presentName = (past: string) => past.replace("past_key_values.", "present.");

async function generateRow(
  session: Session,
  config: ModelConfig,
  past: readonly string[],
  prompt: readonly number[],
  row: number,
  options: GenerateOptions,
): Promise<number[]> {
  const { maxTokens = Infinity, minTokens = 0, eosId, processors = [], signal } = options;
  const eosIds = eosId === undefined ? config.eosIds : eosId === null ? [] : [eosId];
  const sample = createSampler(options);
  const limit = Math.min(config.contextLength, prompt.length + maxTokens);
  if (prompt.length >= config.contextLength) {
    throw new Error(
      `Expected prompt ${row} to be shorter than the model's context of ${config.contextLength} ` +
        `tokens but found ${prompt.length}. Shorten it.`,
    );
  }
  const ids = [...prompt];
  const int64 = (values: number[]): OrtTensor => ({
    dtype: "int64",
    shape: [1, values.length],
    data: BigInt64Array.from(values, BigInt),
  });
  const empty: OrtTensor = {
    dtype: "float32",
    shape: [1, config.kvHeads, 0, config.headDim],
    data: new Float32Array(0),
  };
  let cache: Record<string, OrtTensor> = Object.fromEntries(past.map((name) => [name, empty]));
  for (let start = 0; ids.length < limit;) {
    signal?.throwIfAborted();
    const given: Record<string, OrtTensor> = {
      input_ids: int64(ids.slice(start)),
      attention_mask: int64(ids.map(() => 1)),
      position_ids: int64(ids.slice(start).map((_, i) => start + i)),
      ...cache,
    };
    const inputs = Object.fromEntries(
      session.inputNames.filter((name) => given[name]).map((name) => [name, given[name]!]),
    );
    const outputs = await session.run(inputs);
    cache = Object.fromEntries(past.map((name) => [name, outputs[presentName(name)]!]));
    const all = outputs.logits!.data as Float32Array;
    const logits = all.subarray(all.length - outputs.logits!.shape.at(-1)!);
    start = ids.length;
    for (const process of processors) {
      process(logits, { row, ids, promptLength: prompt.length });
    }
    if (ids.length - prompt.length < minTokens) { for (const id of eosIds) logits[id] = -Infinity; }
    const id = sample(logits, row);
    if (eosIds.includes(id)) break;
    ids.push(id);
    options.onToken?.(row, id);
  }
  return ids.slice(prompt.length);
}
