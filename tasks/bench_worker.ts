/**
 * Our side of `deno task bench`, one benchmark a process: `bench_worker.ts NAME THREADS KIND`.
 * Speaks bench_peer.py's protocol: a line about itself; for each line read one unit of work and
 * {"amount", "seconds"}; at "quit" {"rss"}. Kind is compiled, eager, or profile: compiled, and at
 * "quit" also {"parts"}, the milliseconds that a step spent on what.
 */
import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import process from "node:process";
import { createInterface } from "node:readline";
import { createDecoder, initParameters, type Model, parseConfig } from "@implicit/decoder";
import { createEngine } from "@implicit/engine";
import {
  createAdamW,
  createGradients,
  flatState,
  forwardOf,
  layOut,
  packedBatches,
} from "implicit/tasks";

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

/** One unit of work; its result is how much was done. */
type Work = () => Promise<number>;

/** With kind "profile": where timings go, milliseconds of the optimiser, what frees the programs. */
const profile = { prefix: "", optimiser: 0, dispose: () => {} };

async function trainer(model: Model): Promise<Work> {
  const engine = await createEngine({
    kind: kind === "eager" ? "eager" : "compiled",
    threads: Number(threads),
  });
  if (kind === "profile") profile.prefix = join(await mkdtemp(join(tmpdir(), "bench-")), "program");
  const layout = layOut(model.parameters);
  const state = flatState(layout, model.parameters);
  const forward = forwardOf(model.config);
  const gradients = createGradients({
    engine,
    forward,
    parameters: model.parameters,
    state,
    reduction: "token-mean",
    settings: { profile: profile.prefix || undefined },
  });
  const adamw = createAdamW(engine, state, { clip: null });
  const stream = Int32Array.from(tokens(rows * length));
  const batches = packedBatches(stream, { batchSize: rows, length, seed: 1 });
  let count = 0;
  profile.dispose = () => gradients.dispose();
  return async () => {
    const [batch] = batches(count++);
    const labels = batch!.labels.slice();
    if (name.endsWith("masked")) {
      for (let row = 0; row < rows; row++) {
        labels.fill(-100, row * length, row * length + length * 0.75);
      }
    }
    await gradients.compute([{ ...batch!, labels }]);
    const start = performance.now();
    await adamw.update(count, 1e-4);
    // The first update also waits for the memory of its moments.
    if (count > 1) profile.optimiser += performance.now() - start;
    return 1;
  };
}

/** Milliseconds a step by kind of operator, as ONNX Runtime has written them down. */
async function parts(steps: number): Promise<Record<string, number>> {
  profile.dispose();
  await new Promise((resolve) => setTimeout(resolve, 1000)); // it is written on another thread
  const folder = dirname(profile.prefix);
  const sums: Record<string, number> = { "matrix products": 0, "everything else": 0 };
  for (const file of await readdir(folder)) {
    const events: { cat: string; name: string; dur: number; args: { op_name?: string } }[] = JSON
      .parse(await readFile(join(folder, file), "utf8"));
    for (const { cat, name, dur, args } of events) {
      if (cat !== "Node" || !name.endsWith("_kernel_time")) continue;
      const product = /MatMul|Gemm/.test(args.op_name ?? "");
      sums[product ? "matrix products" : "everything else"]! += dur / 1000 / steps;
    }
  }
  await rm(folder, { recursive: true });
  return { ...sums, optimiser: profile.optimiser / (steps - 1) };
}

async function decoding(model: Model): Promise<Work> {
  const batchSize = name.endsWith("batch-16") ? 16 : 1;
  const decoder = await createDecoder(model, { threads: Number(threads), batchSize });
  const prompts = Array.from({ length: batchSize }, (_, row) => tokens(16, 5 * row));
  const times = shape === "world" ? 20 : 1; // once takes too little time to measure
  return async () => {
    let made = 0;
    for (let time = 0; time < times; time++) {
      const responses = await decoder.generate(prompts, { minTokens: 32, maxTokens: 32 });
      made += responses.reduce((total, response) => total + response.length, 0);
    }
    return made;
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
    return 4 * 128;
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
const { kind: runs, backend, versions } =
  (await createEngine({ kind: kind === "eager" ? kind : "compiled" }))
    .describe();
say({ name: `${runs} (${backend}), ${Object.entries(versions).flat().join(" ")}` });
let units = 0;
for await (const line of createInterface({ input: process.stdin })) {
  if (line.trim() === "quit") break;
  const start = performance.now();
  const amount = await work();
  units++;
  say({ amount, seconds: (performance.now() - start) / 1000 });
}
const rss = process.resourceUsage().maxRSS * 1024;
say(kind === "profile" ? { rss, parts: await parts(units) } : { rss });
process.exit();
