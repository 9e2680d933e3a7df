import assert from "node:assert/strict";
import { parameterShapes, parseConfig } from "@implicit/decoder";
import { documents } from "./documents.ts";
import { createWorld } from "./facts.ts";
import {
  configOf,
  tokenizerFiles,
  tokenizerOf,
  tokenStream,
  trainingOptions,
} from "./pretraining.ts";
import { pretraining, tokenizer as recipe, worldSeed } from "./recipe.ts";

const world = createWorld(worldSeed);
const tokenizer = tokenizerOf(tokenizerFiles(world));

Deno.test("tokenStream() holds the documents' tokens, each document between BOS and EOS", () => {
  const whole: number[] = [];
  for (const document of documents(world, 5)) {
    whole.push(...tokenizer.encode(document), tokenizer.eosId);
    if (whole.length > 30_000) break;
  }
  assert.equal(whole[0], tokenizer.bosId);
  assert.deepEqual([...tokenStream(world, tokenizer, 5, 30_000)], whole.slice(0, 30_000));
});

Deno.test("the recipe makes a model of at most 1.5 million parameters and goes once over its stream", () => {
  assert.equal(tokenizer.vocabSize, recipe.vocabSize);
  const shapes = [...parameterShapes(parseConfig(configOf(tokenizer))).values()];
  const size = shapes.reduce((sum, shape) => sum + shape.reduce((a, b) => a * b, 1), 0);
  assert.ok(size < 1.5e6, `${size}`);
  const { steps, batchSize, length, warmup } = trainingOptions(pretraining.tokens, 1);
  assert.ok(steps * batchSize * length <= pretraining.tokens);
  assert.ok((steps + 1) * batchSize * length > pretraining.tokens);
  assert.equal(Math.round(warmup * steps), pretraining.warmupSteps);
});
