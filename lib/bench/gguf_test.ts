import assert from "node:assert/strict";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createDecoder } from "@implicit/decoder";
import { type GgufFormat, writeGguf } from "./gguf.ts";
import { findLlama, startLlama } from "./llama.ts";
import { randomModel, shapes } from "./shapes.ts";

const model = randomModel("world", { ...shapes.world, num_hidden_layers: 2 });

/** Writes the model; `use` gets the file's path. */
async function written(format: GgufFormat, use: (path: string) => Promise<void>): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), "gguf-"));
  try {
    const path = join(folder, "model.gguf");
    await writeGguf(model, path, format);
    await use(path);
  } finally {
    await rm(folder, { recursive: true });
  }
}

const embedding = model.parameters.get("model.embed_tokens.weight")!.data;
const sizes = [...model.parameters.values()].map(({ shape, data }) => ({
  f32: 4 * data.length,
  q8_0: shape.length > 1 ? data.length / 32 * 34 : 4 * data.length,
}));
const all = { f32: sum("f32"), q8_0: sum("q8_0") };
function sum(format: GgufFormat): number {
  return sizes.reduce((total, size) => total + Math.ceil(size[format] / 32) * 32, 0);
}

Deno.test("writeGguf() turns rows of queries as llama.cpp wants them, in float32", () =>
  written("f32", async (path) => {
    const bytes = await readFile(path);
    assert.equal(bytes.toString("latin1", 0, 4), "GGUF");
    const data = new Float32Array(bytes.buffer.slice(bytes.byteOffset)).subarray(-all.f32 / 4);
    assert.deepEqual(data.subarray(0, embedding.length), embedding);
    const { headDim, hiddenSize } = model.config;
    const queries = model.parameters.get("model.layers.0.self_attn.q_proj.weight")!.data;
    const row = (array: Float32Array, i: number) =>
      array.subarray(i * hiddenSize, (i + 1) * hiddenSize);
    const found = data.subarray(embedding.length + hiddenSize); // after the norm
    assert.deepEqual(row(found, headDim + 1), row(queries, headDim + headDim / 2));
    assert.deepEqual(row(found, headDim + 2), row(queries, headDim + 1));
  }));

Deno.test("writeGguf() rounds to the nearest of 255 steps in 8 bits", () =>
  written("q8_0", async (path) => {
    const bytes = await readFile(path);
    const at = bytes.length - all.q8_0 + 34; // the second block
    const block = embedding.subarray(32, 64);
    const largest = Math.max(...block.map(Math.abs));
    const [half] = new Float16Array(
      bytes.buffer.slice(bytes.byteOffset + at, bytes.byteOffset + at + 2),
    );
    assert.ok(Math.abs(half! * 127 / largest - 1) < 1e-3);
    block.forEach((value, i) => {
      const error = Math.abs(bytes.readInt8(at + 2 + i) * half! - value);
      assert.ok(error < 0.51 * half! + 1e-3 * largest, `${value} is off by ${error}`);
    });
  }));

const llama = findLlama("f32");
Deno.test({
  name: "llama.cpp says the same tokens as our decoder",
  ignore: typeof llama === "string", // `deno task bench --fetch` gets it
  fn: () =>
    written("f32", async (path) => {
      const side = startLlama({ ...llama as Exclude<typeof llama, string>, model: path }, 1);
      const { tokens } = await side.read();
      side.stop();
      const decoder = await createDecoder(model, { threads: 1, batchSize: 1 });
      const last = model.config.vocabSize - 3;
      const prompt = Array.from({ length: 16 }, (_, i) => 3 + (i * 7919 + (i >> 3) * 31) % last);
      const [own] = await decoder.generate([prompt], { minTokens: 32, maxTokens: 32 });
      decoder.dispose();
      assert.deepEqual(tokens, own);
    }),
});
