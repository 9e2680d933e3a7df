/**
 * Our side of the benchmarks: units of work on random models of the shapes of shapes.ts, and what a
 * training step spends its time on. Knows nothing of processes, turns and peers.
 */
import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { createDecoder, type Model, type WeightType } from "@implicit/decoder";
import { createEngine } from "@implicit/engine";
import { packedBatches } from "../text/batch.ts";
import { createAdamW } from "../tune/adamw.ts";
import { flatState, layOut } from "../tune/flat.ts";
import { createGradients, forwardOf } from "../tune/gradients.ts";
import { baseInFile } from "./base.ts";
import { memoryReader } from "./bandwidth.ts";
import { exportWork } from "./exported.ts";
import { randomModel, shapes } from "./shapes.ts";

/** How to run: on which engine; `profile`: compiled, and timed operator by operator. */
export type Kind = "compiled" | "eager" | "profile";

/** One benchmark made ready. */
export interface Work {
  /** What works, if it is not our engine. */
  readonly name?: string;
  /** Does one unit; the result is how much was done. */
  unit(): Promise<number>;
  /** Bytes of weights that each row of decoding reads for a token. */
  readonly bytes?: number;
  /** With kind `profile`, once at the end: milliseconds that a unit spent on what. */
  parts?(): Promise<Record<string, number>>;
}

interface Settings {
  readonly threads: number;
  readonly kind: Kind;
}

/** Rows × length of a training batch. */
const batchSizes = { T: [16, 256], S: [1, 256], world: [16, 128] } as const;

/**
 * Prepares a benchmark by its name: train-step, first-step, decode or score, and the shape: T, S
 * (SmolLM2-135M) or world; "-masked", "-batch-16" and "-q8" at the end say more. Or "memory": reading it;
 * or "transformers.js q8": decode-S-q8 by way of an export.
 */
export async function prepareWork(name: string, settings: Settings): Promise<Work> {
  if (name === "memory") return { unit: memoryReader(settings.threads) };
  const letter = name.includes("world") ? "world" : name.includes("-T") ? "T" : "S";
  const shape = letter === "S" ? "SmolLM2-135M" : letter;
  const trains = /^(train|first)/.test(name);
  const model = trains ? await baseInFile(shape) : randomModel(shape, shapes[shape]);
  if (name === "transformers.js q8") return await exportWork(model, tokens(model, 16), 32);
  if (name.startsWith("decode")) {
    const times = letter === "world" ? 20 : 1; // once takes too little time to measure
    const batchSize = name.endsWith("batch-16") ? 16 : 1;
    const weights = name.endsWith("q8") ? "q8" : "fp32";
    return await decoding(model, { batchSize, times, weights, threads: settings.threads });
  }
  if (name.startsWith("score")) return await scoring(model, settings.threads);
  const train = () => training(model, batchSizes[letter], name.endsWith("masked"), settings);
  // The first step: engine, trace and session as well.
  return name.startsWith("first-step") ? { unit: async () => (await train()).unit() } : train();
}

const tokens = ({ config: { vocabSize } }: Model, count: number, from = 0) =>
  Array.from({ length: count }, (_, at) => {
    const i = from + at;
    return 3 + ((i * 7919 + (i >> 3) * 31) % (vocabSize - 3));
  });

async function training(
  model: Model,
  [rows, length]: readonly [number, number],
  masked: boolean,
  { kind, threads }: Settings,
): Promise<Work> {
  const engine = await createEngine({ kind: kind === "eager" ? kind : "compiled", threads });
  const profile = kind === "profile"
    ? join(await mkdtemp(join(tmpdir(), "bench-")), "program")
    : undefined;
  const { config, parameters } = model;
  const state = flatState(layOut(parameters), parameters);
  const gradients = createGradients({
    engine,
    forward: forwardOf(config),
    parameters,
    state,
    reduction: "token-mean",
    settings: { profile },
  });
  const adamw = createAdamW(engine, state, { clip: null });
  const stream = Int32Array.from(tokens(model, rows * length));
  const batches = packedBatches(stream, { batchSize: rows, length, seed: 1 });
  let [steps, optimiser] = [0, 0];
  return {
    async unit() {
      const [batch] = batches(steps++);
      const labels = batch!.labels.slice();
      for (let row = 0; masked && row < rows; row++) {
        labels.fill(-100, row * length, row * length + length * 0.75);
      }
      await gradients.compute([{ ...batch!, labels }]);
      const start = performance.now();
      await adamw.update(steps, 1e-4);
      // The first update also waits for the memory of its moments.
      if (steps > 1) optimiser += performance.now() - start;
      return 1;
    },
    parts: profile === undefined ? undefined : async () => {
      gradients.dispose();
      return { ...await operators(dirname(profile), steps), optimiser: optimiser / (steps - 1) };
    },
  };
}

/** Milliseconds a step by kind of operator, as ONNX Runtime has written them down; removes the folder. */
async function operators(folder: string, steps: number): Promise<Record<string, number>> {
  await new Promise((resolve) => setTimeout(resolve, 1000)); // they are written on another thread
  const sums = { "matrix products": 0, "everything else": 0 };
  for (const file of await readdir(folder)) {
    const events: { cat: string; name: string; dur: number; args: { op_name?: string } }[] = JSON
      .parse(await readFile(join(folder, file), "utf8"));
    for (const { cat, name, dur, args } of events) {
      if (cat !== "Node" || !name.endsWith("_kernel_time")) continue;
      const isProduct = /MatMul|Gemm/.test(args.op_name ?? "");
      sums[isProduct ? "matrix products" : "everything else"] += dur / 1000 / steps;
    }
  }
  await rm(folder, { recursive: true });
  return sums;
}

/** Bytes of a weight: with 8 bits, 64 of them share a scale of four. */
const weightBytes = { fp32: 4, q8: 68 / 64 };

interface Decoding {
  readonly batchSize: number;
  /** Answers of a unit. */
  readonly times: number;
  readonly weights: WeightType;
  readonly threads: number;
}

async function decoding(
  model: Model,
  { batchSize, times, weights, threads }: Decoding,
): Promise<Work> {
  const decoder = await createDecoder(model, { threads, batchSize, weights });
  const prompts = Array.from({ length: batchSize }, (_, row) => tokens(model, 16, 5 * row));
  const size = [...model.parameters.values()].reduce((sum, { data }) => sum + data.length, 0);
  return {
    bytes: weightBytes[weights] * size,
    async unit() {
      let made = 0;
      for (let time = 0; time < times; time++) {
        const responses = await decoder.generate(prompts, { minTokens: 32, maxTokens: 32 });
        made += responses.reduce((total, response) => total + response.length, 0);
      }
      return made;
    },
  };
}

async function scoring(model: Model, threads: number): Promise<Work> {
  const decoder = await createDecoder(model, { threads, batchSize: 4 });
  const pairs = Array.from({ length: 4 }, (_, row) => ({
    prompt: tokens(model, 64, 5 * row),
    response: tokens(model, 64, 7 * row),
  }));
  return {
    async unit() {
      await decoder.score(pairs);
      return 4 * 128;
    },
  };
}
