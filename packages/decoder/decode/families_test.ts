/**
 * Training and cached decoding describe the architecture twice, in tfjs ops and as an ONNX graph:
 * here the second is held to the first for every entry of `families`, each with every option that
 * its checkpoints may have. An option without its choices below does not pass the type check.
 */
import assert from "node:assert/strict";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createEngine, encodeModel } from "@implicit/engine";
import type { Model } from "../model/checkpoint.ts";
import type { ModelConfig } from "../model/config.ts";
import { families, type Family } from "../model/family.ts";
import { randomModel, spread, tinySizes, wholeLogits } from "../testing/mod.ts";
import { createDecoder } from "./decoder.ts";
import type { GenerateOptions } from "./generation.ts";
import { decoderGraph } from "./graph.ts";
import { createOnnxDecoder } from "./onnx_decoder.ts";

type Options = Record<string, unknown>;

/** What changes nothing in how a model is computed but the sizes of its arrays. */
type Sizes =
  | "vocabSize"
  | "hiddenSize"
  | "intermediateSize"
  | "layers"
  | "heads"
  | "contextLength";
type Ids = "bosId" | "eosIds" | "padId";

/** For everything else that a config holds, what config.json may say to a family. */
const choices: Record<
  Exclude<keyof ModelConfig, Sizes | Ids | "family" | "json">,
  (family: Family) => Options[]
> = {
  activation: () => ["silu", "gelu", "gelu_new", "relu"].map((hidden_act) => ({ hidden_act })),
  kvHeads: ({ names }) =>
    names.qkv.length === 1 ? [{}] : [1, 2, 4].map((count) => ({ num_key_value_heads: count })),
  headDim: () => [{ head_dim: 8 }, { head_dim: 16 }],
  normEps: ({ norm }) =>
    norm === "layer-plain" ? [{}] : [1e-5, 1e-2].map((value) => ({
      [norm === "rms" ? "rms_norm_eps" : "layer_norm_eps"]: value,
    })),
  qkvBias: ({ qkvBias }) => bySwitch(qkvBias),
  outputBias: ({ outputBias }) => bySwitch(outputBias),
  mlpBias: ({ mlpBias }) => bySwitch(mlpBias),
  parallel: ({ mayBeParallel }) => bySwitch(mayBeParallel && "use_parallel_residual"),
  clipQkv: ({ mayClip }) => mayClip ? [{ clip_qkv: null }, { clip_qkv: 0.3 }] : [{}],
  rope: ({ turns }) => [
    { rope_theta: 10000, ...(turns < 1 ? { rotary_pct: 0.5 } : {}) },
    { rope_theta: 500, ...(turns < 1 ? { rotary_pct: 1 } : {}) },
    {
      rope_scaling: {
        rope_type: "llama3",
        factor: 4,
        low_freq_factor: 1,
        high_freq_factor: 4,
        original_max_position_embeddings: 16,
        ...(turns < 1 ? { partial_rotary_factor: 0.5 } : {}),
      },
    },
  ],
  tied: () => bySwitch("tie_word_embeddings"),
};

/** Both values of an option of config.json; nothing where the family leaves no choice. */
function bySwitch(name: string | boolean): Options[] {
  return typeof name === "string" ? [{ [name]: true }, { [name]: false }] : [{}];
}

/** As few models as show every choice at least once. */
function modelsOf(family: Family): Model[] {
  const lists = Object.values(choices).map((choicesOf) => choicesOf(family));
  return Array.from({ length: Math.max(...lists.map(({ length }) => length)) }, (_, i) => {
    // Shifted from one property to the next, so that they do not all change together.
    const options = lists.map((list, shift) => list[(i + shift) % list.length]!);
    const json = { model_type: family.name, ...tinySizes, hidden_size: 32, num_attention_heads: 4 };
    return spread(randomModel(Object.assign(json, ...options)));
  });
}

const prompts = [[5, 9, 12], [7], [3, 4, 5, 6, 8, 30, 31], [40, 41], [45, 1, 44, 43]];
const EOS = 2;
const engine = await createEngine();

for (const family of families.values()) {
  const models = modelsOf(family);

  Deno.test(`${family.name}'s options are all tried`, () => {
    for (const [property, choicesOf] of Object.entries(choices)) {
      const tried = models.map(({ config }) => config[property as keyof typeof choices]);
      const values = new Set(tried.map((value) => JSON.stringify(value)));
      assert.ok(values.size >= choicesOf(family).length, `${property}: ${[...values]}`);
    }
  });

  for (const [i, model] of models.entries()) {
    const name = `${family.name} (${i + 1} of ${models.length})`;

    Deno.test(`decoding with a cache gives what training computes: ${name}`, async () => {
      const decoder = await createDecoder(model, { batchSize: 2 });
      const steps = await recorded((options) => decoder.generate(prompts, options));
      assert.equal(steps.length, 3 + 4 + 5 + 6 + 7);
      const texts = prompts.map((_, row) => steps.findLast((step) => step.row === row)!.ids);
      const training = await trainingLogits(model, texts);
      const held = (steps: readonly Step[]) => {
        for (const { row, ids, logits } of steps) assertClose(logits, training(row, ids.length));
      };
      held(steps);

      const pairs = texts.map((ids, row) => {
        const at = prompts[row]!.length;
        return { prompt: ids.slice(0, at), response: ids.slice(at) };
      });
      const scores = await decoder.score(pairs);
      pairs.forEach(({ prompt, response }, row) => {
        const sum = response.reduce((sum, id, t) => {
          const scores = training(row, prompt.length + t);
          return sum + scores[id]! - Math.log(scores.reduce((all, x) => all + Math.exp(x), 0));
        }, 0);
        assert.ok(Math.abs(scores[row]!.sum - sum) < 1e-4, `${scores[row]!.sum} for ${sum}`);
      });
      decoder.dispose();

      const folder = await mkdtemp(join(tmpdir(), "families-"));
      const path = join(folder, "model.onnx");
      await writeFile(path, encodeModel(decoderGraph(model.config, model.parameters, "export")));
      const exported = await createOnnxDecoder(path, model.config);
      held(await recorded((options) => exported.generate(prompts, options)));
      exported.dispose();
      await rm(folder, { recursive: true });
    });

    Deno.test(`every parameter takes part: ${name}`, async () => {
      const run = await wholeLogits(engine, model, 1, 7);
      const ids = Int32Array.from(prompts[2]!);
      const before = await run(ids);
      for (const [name, { shape, data }] of model.parameters) {
        const changed = data.map((value, i) => value + 0.3 * Math.cos(i));
        const after = await run(ids, new Map(model.parameters).set(name, { shape, data: changed }));
        assert.throws(() => assertClose(after, before), /Expected/, `${name} changes nothing`);
      }
    });
  }
}

interface Step {
  readonly row: number;
  readonly ids: readonly number[];
  readonly logits: Float32Array;
}

/** Every step of a generation in which row r ends after 2 + r tokens. */
async function recorded(generate: (options: GenerateOptions) => Promise<unknown>) {
  const steps: Step[] = [];
  await generate({
    eosId: EOS,
    processors: [(logits, { row, ids, promptLength }) => {
      steps.push({ row, ids: [...ids], logits: logits.slice() });
      logits[EOS] = ids.length - promptLength === 2 + row ? Infinity : -Infinity;
    }],
  });
  return steps;
}

/** The logits after the first `length` ids of a text, as the forward pass of training has them. */
async function trainingLogits(model: Model, texts: readonly (readonly number[])[]) {
  const longest = Math.max(...texts.map(({ length }) => length));
  const ids = new Int32Array(texts.length * longest);
  texts.forEach((text, row) => ids.set(text, row * longest));
  const all = await (await wholeLogits(engine, model, texts.length, longest))(ids);
  const { vocabSize } = model.config;
  return (row: number, length: number) => {
    const at = (row * longest + length - 1) * vocabSize;
    return all.subarray(at, at + vocabSize);
  };
}

function assertClose(found: Float32Array, expected: Float32Array): void {
  assert.equal(found.length, expected.length);
  const largest = expected.reduce((most, x) => Math.max(most, Math.abs(x)), 0);
  expected.forEach((value, i) => {
    const isClose = Math.abs(found[i]! - value) <= 1e-5 * largest;
    if (!isClose) throw new Error(`Expected ${value} for token ${i} but found ${found[i]}.`);
  });
}
