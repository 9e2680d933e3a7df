import assert from "node:assert/strict";
import { initParameters } from "./init.ts";
import { tinyModel } from "../testing/mod.ts";
import { parameterShapes } from "./parameters.ts";

const sizes = { vocab_size: 500, hidden_size: 64, intermediate_size: 128, num_attention_heads: 4 };
const { config } = tinyModel({ ...sizes, tie_word_embeddings: false });

const deviation = (data: Float32Array) =>
  Math.sqrt(data.reduce((sum, x) => sum + x * x, 0) / data.length);

Deno.test("initParameters() draws what its header says", () => {
  const parameters = initParameters(config, 7);
  assert.deepEqual([...parameters.keys()], [...parameterShapes(config).keys()]);
  const near = (name: string, expected: number) => {
    const found = deviation(parameters.get(name)!.data);
    assert.ok(Math.abs(found / expected - 1) < 0.05, `${name}: ${found}, expected ${expected}`);
  };
  near("model.embed_tokens.weight", 0.02);
  near("lm_head.weight", 0.02);
  near("model.layers.1.mlp.up_proj.weight", 0.7 / 8);
  near("model.layers.0.self_attn.o_proj.weight", 0.7 / 8 / 2);
  near("model.layers.0.mlp.down_proj.weight", 0.7 / Math.sqrt(128) / 2);
  assert.ok(parameters.get("model.norm.weight")!.data.every((x) => x === 1));
});

Deno.test("initParameters() gives the same bits for the same seed", () => {
  assert.deepEqual(initParameters(config, 7), initParameters(config, 7));
  assert.notDeepEqual(initParameters(config, 7), initParameters(config, 8));
});
