import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import * as tf from "@tensorflow/tfjs-core";
import { createEngine, type Engine, type TensorData } from "@implicit/engine";
import {
  hidden,
  loadCheckpoint,
  logits,
  type Model,
  type Parameters,
  saveCheckpoint,
} from "@implicit/decoder";
import { lora } from "./lora.ts";

const folder = fileURLToPath(
  new URL("../../packages/decoder/model/testdata/llama-gqa-tied-rope3", import.meta.url),
);
const adapter = lora({ rank: 3, alpha: 6 });

/** Logits, and the gradient of their square sum for the adapters. */
async function run(engine: Engine, model: Model, adapters: Parameters, checkpointLayers = false) {
  const all = [...model.parameters, ...adapters];
  const specs = Object.fromEntries(
    all.map(([name, { shape }]) => [name, { shape, dtype: "float32" as const }]),
  );
  const names = [...adapters.keys()];
  const program = await engine.compile(({ ids, ...params }) => {
    let scores: tf.Tensor;
    const objective = (...values: tf.Tensor[]) => {
      const trained = Object.fromEntries(names.map((name, i) => [name, values[i]!]));
      const given = { ...params, ...trained };
      const options = { hooks: adapter.apply(model.config), checkpointLayers };
      const states = hidden(model.config, given, ids as tf.Tensor2D, options);
      scores = tf.keep(logits(model.config, given, states));
      return tf.sum(tf.square(scores)) as tf.Scalar;
    };
    if (names.length === 0) return { value: objective(), scores: scores! };
    const { value, grads } = tf.valueAndGrads(objective)(names.map((name) => params[name]!));
    const named = Object.fromEntries(grads.map((grad, i) => [names[i]!, grad]));
    return { ...named, value, scores: scores! };
  }, { ...specs, ids: { shape: [2, 5], dtype: "int32" } });
  const ids = Int32Array.from([7, 40, 12, 90, 3, 55, 2, 31, 77, 64]);
  const values = Object.fromEntries(all.map(([name, { data }]) => [name, data]));
  const found = await program.run({ ...values, ids });
  program.dispose();
  return found;
}

/** Adapters whose B is not zero any more. */
function trained(model: Model): Parameters {
  const adapters = adapter.init(model.config, 5);
  for (const { data } of adapters.values()) {
    data.forEach((value, i) => (data[i] = value || 0.1 * Math.sin(i)));
  }
  return adapters;
}

function assertClose(found: TensorData, expected: TensorData): void {
  const largest = Math.max(...Array.from(expected, Math.abs));
  found.forEach((value, i) => assert.ok(Math.abs(value - expected[i]!) < 1e-5 * largest));
}

for (const kind of ["compiled", "eager"] as const) {
  Deno.test(`fresh adapters change nothing on the ${kind} engine`, async () => {
    const engine = await createEngine({ kind });
    const model = await loadCheckpoint(folder);
    const base = await run(engine, model, new Map());
    const adapted = await run(engine, model, adapter.init(model.config, 1));
    assert.deepEqual(adapted.scores, base.scores);
    const name = "model.layers.0.mlp.up_proj.lora_B.weight";
    assert.ok(adapted[name]!.some((gradient) => gradient !== 0));
  });

  Deno.test(`adapters compute the same merged and apart on the ${kind} engine`, async () => {
    const engine = await createEngine({ kind });
    const model = await loadCheckpoint(folder);
    const adapters = trained(model);
    const apart = await run(engine, model, adapters);
    const merged = await run(engine, adapter.merge(model, adapters).model, new Map());
    assertClose(merged.scores!, apart.scores!);
    assert.notDeepEqual(merged.scores, (await run(engine, model, new Map())).scores);
  });

  Deno.test(`layers computed twice have the same gradients on the ${kind} engine`, async () => {
    const engine = await createEngine({ kind });
    const model = await loadCheckpoint(folder);
    const once = await run(engine, model, trained(model));
    const twice = await run(engine, model, trained(model), true);
    for (const [name, values] of Object.entries(once)) assertClose(twice[name]!, values);
  });
}

Deno.test("adapters work on weights stored as BF16", async () => {
  const place = await mkdtemp(join(tmpdir(), "lora-"));
  await saveCheckpoint(await loadCheckpoint(folder), place, { dtype: "BF16" });
  const model = await loadCheckpoint(place);
  const adapters = trained(model);
  const engine = await createEngine();
  const apart = await run(engine, model, adapters);
  const merged = await run(engine, adapter.merge(model, adapters).model, new Map());
  assertClose(merged.scores!, apart.scores!);
  await rm(place, { recursive: true });
});

Deno.test("lora() chooses projections by name, and refuses what there is not", async () => {
  const { config } = await loadCheckpoint(folder);
  assert.deepEqual([...lora({ rank: 1, targets: ["q_proj"] }).init(config, 1).keys()], [
    "model.layers.0.self_attn.q_proj.lora_A.weight",
    "model.layers.0.self_attn.q_proj.lora_B.weight",
    "model.layers.1.self_attn.q_proj.lora_A.weight",
    "model.layers.1.self_attn.q_proj.lora_B.weight",
  ]);
  assert.equal(adapter.init(config, 1).size, 2 * 14);
  assert.throws(() => lora({ rank: 1, targets: ["qkv"] }).init(config, 1), /found "qkv"/);
  assert.throws(() => lora({ rank: 0 }), /rank of at least 1/);
});

Deno.test("lora() begins with the same bits for the same seed", async () => {
  const { config } = await loadCheckpoint(folder);
  assert.deepEqual(adapter.init(config, 1), adapter.init(config, 1));
  assert.notDeepEqual(adapter.init(config, 1), adapter.init(config, 2));
});
