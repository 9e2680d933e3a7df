/**
 * Generation with an exported ONNX model, ours or another's: input_ids, attention_mask, position_ids
 * and past_key_values.N.key/value in, logits and present.N.key/value out.
 *
 * Row by row, with a cache that grows: for checking exports and for folders that hold nothing else.
 * decoder.ts is the fast way. Knows the names that transformers.js and Optimum use.
 */
import { type OrtTensor, Session } from "@implicit/engine";
import type { ModelConfig } from "../model/config.ts";
import type { Decoder } from "./decoder.ts";
import { type GenerateOptions, type Row, startRows, tokenChooser } from "./generation.ts";

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
      const rows = startRows(prompts, config, options);
      for (const row of rows) await generateRow(session, config, past, row, options);
      return rows.map(({ ids, promptLength }) => ids.slice(promptLength));
    },
    dispose: () => session.dispose(),
  };
}

const presentName = (past: string) => past.replace("past_key_values.", "present.");

async function generateRow(
  session: Session,
  config: ModelConfig,
  past: readonly string[],
  row: Row,
  options: GenerateOptions,
): Promise<void> {
  const chooseToken = tokenChooser(config, options);
  const { ids, limit } = row;
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
  for (let start = 0, finished = ids.length === limit; !finished;) {
    options.signal?.throwIfAborted();
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
    start = ids.length;
    finished = chooseToken(row, all.subarray(all.length - outputs.logits!.shape.at(-1)!));
  }
}
