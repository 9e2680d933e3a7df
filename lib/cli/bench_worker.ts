/**
 * Our side of `deno task bench`, one benchmark a process: `bench_worker.ts NAME THREADS KIND`.
 * Speaks bench_peer.py's protocol: a line about itself; for each line read one unit of work and
 * {"amount", "seconds"} (with "parts": where the seconds went); at "quit" {"rss"}.
 */
import process from "node:process";
import { createInterface } from "node:readline";
import { createDecoder } from "../decode/decoder.ts";
import { createEngine } from "../engine/engine.ts";
import type { Model } from "../model/checkpoint.ts";
import { parseConfig } from "../model/config.ts";
import { initParameters } from "../model/init.ts";
import { packedBatches } from "../text/batch.ts";
import { createAdamW } from "../tune/adamw.ts";
import { createGradients, forwardOf } from "../tune/gradients.ts";
import { flatten, layOut } from "../tune/flat.ts";

const [name = "", threads = "", kind = "compiled"] = process.argv.slice(2);

/** Vocabulary, width, feed-forward, layers, heads, key-value heads, length, rows. */
const shapes = {
  T: [2048, 256, 688, 4, 4, 4, 256, 16],
  S: [49152, 576, 1536, 30, 9, 3, 256, 1],
  world: [1536, 128, 352, 4, 4, 4, 128, 16],
} as const;
const shape = name.includes("world") ? "world" : name.includes("-T") ? "T" : "S";
const [vocab, width, ffn, layers, heads, kvHeads, length, rows] = shapes[shape];

/** Random weights in the right shape. */
function build(): Model {
  const config = parseConfig({
    model_type: "llama",
    vocab_size: vocab,
    hidden_size: width,
    intermediate_size: ffn,
    num_hidden_layers: layers,
    num_attention_heads: heads,
    num_key_value_heads: kvHeads,
    max_position_embeddings: 2048,
    rms_norm_eps: 1e-6,
    rope_theta: 10000,
    tie_word_embeddings: true,
    bos_token_id: 1,
    eos_token_id: 2,
  });
  const parameters = initParameters(config, 1);
  return { name: shape, config, parameters, hash: "", folder: null };
}

const token = (i: number) => 3 + ((i * 7919 + (i >> 3) * 31) % (vocab - 3));
const tokens = (count: number, from = 0) =>
  Array.from({ length: count }, (_, i) => token(from + i));

type Work = () => Promise<{ amount: number; parts?: Record<string, number> }>;

/** A training step, timed by what it consists of. */
async function trainer(model: Model): Promise<Work> {
  const engine = await createEngine({
    kind: kind as "compiled" | "eager",
    threads: Number(threads),
  });
  const layout = layOut(model.parameters);
  const state = {
    layout,
    values: flatten(layout, model.parameters),
    gradients: new Float32Array(layout.length),
    mean: new Float32Array(layout.length),
    variance: new Float32Array(layout.length),
  };
  const forward = forwardOf(model.config);
  const gradients = createGradients(
    engine,
    forward,
    model.parameters,
    layout,
    state,
    "token-mean",
  );
  const adamw = await createAdamW(engine, state, { clip: null });
  const stream = Int32Array.from(tokens(rows * length));
  const batches = packedBatches(stream, { batchSize: rows, length, seed: 1 });
  let count = 0;
  return async () => {
    const [batch] = batches(count++);
    const labels = batch!.labels.slice();
    if (name.endsWith("masked")) {
      for (let row = 0; row < rows; row++) {
        labels.fill(-100, row * length, row * length + length * 0.75);
      }
    }
    const start = performance.now();
    await gradients.compute([{ ...batch!, labels }]);
    const middle = performance.now();
    await adamw.update(count, 1e-4, await adamw.gradientNorm());
    const parts = { gradients: middle - start, optimiser: performance.now() - middle };
    return { amount: 1, parts };
  };
}

async function decoding(model: Model): Promise<Work> {
  const batchSize = name.endsWith("batch-16") ? 16 : 1;
  const decoder = await createDecoder(model, { threads: Number(threads), batchSize });
  const prompts = Array.from({ length: batchSize }, (_, row) => tokens(16, 5 * row));
  return async () => {
    const responses = await decoder.generate(prompts, { minTokens: 32, maxTokens: 32 });
    return { amount: responses.reduce((total, response) => total + response.length, 0) };
  };
}

async function scoring(model: Model): Promise<Work> {
  const decoder = await createDecoder(model, { threads: Number(threads), batchSize: 4 });
  const pairs = Array.from({ length: 4 }, (_, row) => ({
    prompt: tokens(64, 5 * row),
    response: tokens(64, 7 * row),
  }));
  return async () => {
    await decoder.score(pairs);
    return { amount: 4 * 128 };
  };
}

const model = build();
const work: Work = name.startsWith("decode")
  ? await decoding(model)
  : name.startsWith("score")
  ? await scoring(model)
  : name.startsWith("first-step")
  ? async () => await (await trainer(model))() // engine, trace, session and the first step
  : await trainer(model);
const say = (what: unknown) => console.log(JSON.stringify(what));
const engine = await createEngine({ kind: kind as "compiled", threads: Number(threads) });
say({ name: JSON.stringify(engine.describe()) });
for await (const line of createInterface({ input: process.stdin })) {
  if (line.trim() === "quit") break;
  const start = performance.now();
  const { amount, parts } = await work();
  say({ amount, seconds: (performance.now() - start) / 1000, parts });
}
say({ rss: process.resourceUsage().maxRSS * 1024 });
process.exit();
