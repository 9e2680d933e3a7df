import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import * as tf from "@tensorflow/tfjs-core";
import {
  createDecoder,
  hidden,
  logits,
  type Model,
  type Parameters,
  writeSafetensors,
} from "@implicit/decoder";
import { randomModel, tinySizes } from "@implicit/decoder/testing";
import { createEngine } from "@implicit/engine";
import { padBatch } from "../text/batch.ts";
import { flatState, layOut, views } from "../tune/flat.ts";
import { createGradients, forwardOf } from "../tune/gradients.ts";
import { tinyExamples, tinyModel } from "../testing/tiny.ts";
import { tune, type TuneOptions } from "../tune/tune.ts";
import { type Adapted, type Adapter, readTrained } from "./adapter.ts";
import { learnedBias } from "./learned_bias.ts";
import { lora } from "./lora.ts";
import { prefix } from "./prefix.ts";
import { tokenBias } from "./token_bias.ts";

/** An adapter as a cell writes it: one factor for each output of a layer's MLP (as IA³, Liu et al. 2022). */
const factors: Adapter = {
  name: "factors",
  init: ({ family: { names }, layers, hiddenSize }) =>
    new Map(Array.from({ length: layers }, (_, layer) => [
      `${names.layers}.${layer}.${names.down}.factors`,
      { shape: [hiddenSize], data: new Float32Array(hiddenSize).fill(1) },
    ])),
  apply: () => ({
    project(name, _input, output, params) {
      const own = params[`${name}.factors`];
      return own ? tf.mul(output, own) : output;
    },
  }),
  merge(base, trained) {
    const parameters = new Map(base.parameters);
    for (const [name, { data: own }] of trained) {
      for (const kind of ["weight", "bias"]) {
        const found = base.parameters.get(name.replace(/factors$/, kind));
        if (!found) continue;
        const width = found.data.length / own.length;
        const data = found.data.map((x, i) => x * own[Math.floor(i / width)]!);
        parameters.set(name.replace(/factors$/, kind), { ...found, data });
      }
    }
    return { model: { ...base, parameters } };
  },
};

const adapters = [
  lora({ rank: 2, alpha: 3 }),
  learnedBias(),
  learnedBias({ eosSlope: false }),
  tokenBias({ tokens: Array.from({ length: 40 }, (_, id) => 41 - id) }),
  tokenBias({ tokens: Array.from({ length: 40 }, (_, id) => id), eosSlope: true }),
  prefix({ length: 3 }),
  factors,
];

/** The adapter's arrays, unlike those it begins with: none has a zero. */
function someArrays(adapter: Adapter, { config }: Model): Parameters {
  const arrays = adapter.init(config, 3);
  for (const { data } of arrays.values()) {
    data.forEach((value, i) => (data[i] = value * Math.cos(i) || 0.3 * Math.sin(i + 1)));
  }
  return arrays;
}

const rms = { rms_norm_eps: 1e-5, rope_theta: 10000 };
const families: Record<string, unknown>[] = [
  { model_type: "llama", num_key_value_heads: 1, ...rms },
  { model_type: "gpt_neox", rotary_pct: 0.5, use_parallel_residual: true },
  { model_type: "olmo2", ...rms },
  { model_type: "qwen3", head_dim: 16, num_key_value_heads: 1, ...rms },
];

/** The logits [T, V] of every next token of `ids`, by the forward pass that training uses. */
async function trainingLogits(
  { config, parameters }: Model,
  adapter: Adapter,
  trained: Parameters,
  ids: readonly number[],
  promptLength: number,
): Promise<Float32Array> {
  const engine = await createEngine({ threads: 1 });
  const all = [...parameters, ...trained];
  const program = await engine.compile(({ ids, steps, ...params }) => {
    const hooks = adapter.apply(config);
    const states = hidden(config, params, ids as tf.Tensor2D, { hooks });
    return { scores: logits(config, params, states, { hooks, steps: steps as tf.Tensor1D }) };
  }, {
    ids: { shape: [1, ids.length], dtype: "int32" },
    steps: { shape: [ids.length], dtype: "float32" },
    ...Object.fromEntries(all.map(([name, { shape }]) => [name, { shape, dtype: "float32" }])),
  });
  const { scores } = await program.run({
    ids: Int32Array.from(ids),
    steps: Float32Array.from(ids, (_, t) => t + 1 - promptLength),
    ...Object.fromEntries(all.map(([name, { data }]) => [name, data])),
  });
  program.dispose();
  return scores as Float32Array;
}

/** Generates a few tokens from each prompt; the logits before each choice, and the responses. */
async function decodingLogits({ model, ...kept }: Adapted, prompts: number[][]) {
  const decoder = await createDecoder(model, { ...kept, threads: 1, batchSize: 2 });
  const seen: Float32Array[][] = prompts.map(() => []);
  const responses = await decoder.generate(prompts, {
    maxTokens: 6,
    eosId: null,
    processors: [(logits, { row }) => void seen[row]!.push(logits.slice())],
  });
  const scores = await decoder.score(prompts.map((prompt, i) => ({
    prompt,
    response: responses[i]!,
  })));
  decoder.dispose();
  return { seen, responses, scores };
}

for (const family of families) {
  for (const adapter of adapters) {
    const what = `${JSON.stringify(adapter)} on ${family.model_type}`;
    Deno.test(`training and cached decoding have the same logits: ${what}`, async () => {
      const model = randomModel({ ...tinySizes, ...family });
      const arrays = someArrays(adapter, model);
      const prompts = [[5, 9, 12, 30, 4], [7], [3, 4], [40, 41, 42]]; // of more rows than are run at once
      const found = await decodingLogits(adapter.merge(model, arrays), prompts);
      const plain = await decodingLogits({ model }, prompts);
      assert.notDeepEqual(found.seen, plain.seen);
      for (const [row, prompt] of prompts.entries()) {
        const ids = [...prompt, ...found.responses[row]!];
        const all = await trainingLogits(model, adapter, arrays, ids, prompt.length);
        const { vocabSize } = model.config;
        let sum = 0;
        found.seen[row]!.forEach((scores, t) => {
          const at = (prompt.length - 1 + t) * vocabSize;
          const expected = all.subarray(at, at + vocabSize);
          const error = Math.max(...scores.map((x, i) => Math.abs(x - expected[i]!)));
          assert.ok(error < 2e-5, `row ${row}, token ${t}: off by ${error}`);
          const normaliser = Math.log(expected.reduce((total, x) => total + Math.exp(x), 0));
          sum += expected[ids[prompt.length + t]!]! - normaliser;
        });
        const { sum: scored } = found.scores[row]!;
        assert.ok(Math.abs(scored - sum) < 1e-4, `row ${row}: scored ${scored}, not ${sum}`);
      }
    });
  }
}

for (const adapter of adapters) {
  const kind = JSON.stringify(adapter);
  Deno.test(`the gradient is that of central differences: ${kind}`, async () => {
    const engine = await createEngine({ threads: 1 });
    const model = tinyModel();
    const arrays = someArrays(adapter, model);
    const state = flatState(layOut(arrays), arrays);
    const gradients = createGradients({
      engine,
      forward: forwardOf(model.config, { hooks: adapter.apply(model.config) }),
      parameters: new Map([...model.parameters, ...arrays]),
      state,
      reduction: "token-mean",
    });
    const ended = tinyExamples().slice(0, 3).map(({ ids, labels }) => ({
      ids: [...ids, 2],
      labels: [...labels, 2],
    }));
    const batch = { ...padBatch(ended), examples: [0, 1, 2] };
    const lossAt = async () => (await gradients.compute([batch])).value;
    await lossAt();
    const named = views(state.layout, state.gradients.slice());
    for (const [name, values] of Object.entries(views(state.layout, state.values))) {
      // Along the gradient: one number that every element has its part in.
      const direction = named[name]!;
      const slope = direction.reduce((sum, x) => sum + x * x, 0);
      assert.ok(slope > 0, `${name} has no gradient`);
      const [start, step] = [values.slice(), 0.005 / Math.sqrt(slope)];
      const moved = async (by: number) => {
        values.forEach((_, i) => (values[i] = start[i]! + by * direction[i]!));
        return await lossAt();
      };
      const difference = (await moved(step) - await moved(-step)) / (2 * step);
      values.set(start);
      assert.ok(Math.abs(difference / slope - 1) < 0.02, `${name}: ${slope}, not ${difference}`);
    }
    gradients.dispose();
  });
}

const settings: TuneOptions = { steps: 25, batchSize: 8, learningRate: 0.2, seed: 1 };

for (const adapter of adapters) {
  const kind = JSON.stringify(adapter);
  Deno.test(`tune() trains it, its file gives it back, the base stays: ${kind}`, async () => {
    const folder = await mkdtemp(join(tmpdir(), "adapter-"));
    try {
      const engine = await createEngine({ threads: 2 });
      const base = tinyModel();
      const { losses, trained, ...adapted } = await tune(engine, base, tinyExamples(), {
        ...settings,
        adapter,
        checkpointLayers: true,
      });
      assert.ok(losses.at(-1)! < losses[0]! - 0.02, `${losses[0]} → ${losses.at(-1)}`);
      assert.deepEqual(base.parameters, tinyModel().parameters);
      const path = join(folder, "adapter.safetensors");
      await writeSafetensors(path, trained!);
      const read = adapter.merge(base, await readTrained(path, adapter, base.config));
      assert.equal(read.model.hash, adapted.model.hash);
      const prompts = [[5, 9, 12], [7, 8]];
      const [expected, found] = [
        await decodingLogits(adapted, prompts),
        await decodingLogits(read, prompts),
      ];
      assert.deepEqual(found, expected);
      await assert.rejects(
        readTrained(path, prefix({ length: 1 }), base.config),
        /Expected the arrays of the adapter prefix in .* in place of model.layers.0.prefix.keys/,
      );
    } finally {
      await rm(folder, { recursive: true });
    }
  });
}
