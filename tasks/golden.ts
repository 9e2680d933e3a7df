/**
 * `deno task golden FOLDER…`: compares what this project computes of a checkpoint with a golden.json
 * beside it, which PyTorch and transformers wrote, on both ways of running.
 *
 * Knows the form of golden.json and its tolerances; everything compared comes from the rooms.
 */
import { readFile } from "node:fs/promises";
import { basename, join, resolve } from "node:path";
import process from "node:process";
import * as tf from "@tensorflow/tfjs-core";
import { Command } from "commander";
import { createEngine, type Engine } from "@implicit/engine";
import { headName, hidden, loadCheckpoint, logits, type Model } from "@implicit/decoder";
import {
  type Batch,
  createGradients,
  type EncodedExample,
  flatState,
  forwardOf,
  layOut,
  tune,
  views,
} from "implicit/tasks";

/** The form of golden.json. Labels are not shifted; −100 is no target. */
export interface Golden {
  readonly input_ids: readonly (readonly number[])[];
  readonly labels: readonly (readonly number[])[];
  readonly attention_mask: readonly (readonly number[])[];
  readonly logits: readonly (readonly (readonly number[])[])[];
  readonly loss: number;
  readonly grads: Readonly<Record<string, { readonly l2: number; readonly first: number[] }>>;
  readonly train: {
    readonly lr: number;
    readonly betas: readonly [number, number];
    readonly eps: number;
    readonly weight_decay: number;
    readonly clip: number;
    readonly losses: readonly number[];
  };
  readonly greedy: { readonly prompt: readonly number[]; readonly ids: readonly number[] };
}

/** Largest relative errors, and the first greedy token that differs (null: none does). */
export interface GoldenErrors {
  readonly logits: number;
  readonly loss: number;
  readonly gradients: number;
  readonly trajectory: number;
  readonly greedy: number | null;
}

/** What is allowed: of the largest logit, of the loss, of each gradient, of each step's loss. */
export const tolerances = { logits: 2e-5, loss: 1e-5, gradients: 1e-4, trajectory: 1e-4 };

/** Reads golden.json of a folder. @throws where a part of it is missing or padding is not right. */
export async function readGolden(folder: string): Promise<Golden> {
  const path = join(folder, "golden.json");
  const text = await readFile(path, "utf8").catch((cause) => {
    throw new Error(`Expected ${path}, as make_golden.py writes it, but found none.`, { cause });
  });
  const golden = JSON.parse(text) as Golden;
  for (
    const part of [
      "input_ids",
      "labels",
      "attention_mask",
      "logits",
      "loss",
      "grads",
      "train",
      "greedy",
    ] as const
  ) {
    if (golden[part] === undefined) {
      throw new Error(`Expected "${part}" in ${path}, but found only ${Object.keys(golden)}.`);
    }
  }
  for (const row of golden.attention_mask) {
    if (row.some((bit, i) => bit > (row[i - 1] ?? 1))) {
      throw new Error(`Expected padding on the right in ${path}, but found the mask ${row}.`);
    }
  }
  return golden;
}

/** Computes everything a golden.json holds, on one engine, and how far it is off. */
export async function compareGolden(
  engine: Engine,
  model: Model,
  golden: Golden,
): Promise<GoldenErrors> {
  const batch: Batch = {
    ids: Int32Array.from(golden.input_ids.flat()),
    labels: Int32Array.from(golden.labels.flat()),
    rows: golden.input_ids.length,
    length: golden.input_ids[0]!.length,
  };
  const found = await forward(engine, model, batch.rows, batch.length);
  return {
    logits: logitsError(await found(batch.ids), golden),
    greedy: await greedyDifference(engine, model, golden.greedy),
    ...await trainingErrors(engine, model, batch, golden),
  };
}

/** A function from token ids [rows, length] to logits, rows · length · vocabulary. */
async function forward(engine: Engine, model: Model, rows: number, length: number) {
  const { config, parameters } = model;
  const specs = Object.fromEntries(
    [...parameters].map(([name, { shape }]) => [name, { shape, dtype: "float32" as const }]),
  );
  const program = await engine.compile(({ ids, ...params }) => ({
    logits: logits(config, params, hidden(config, params, ids as tf.Tensor2D)),
  }), { ...specs, ids: { shape: [rows, length], dtype: "int32" } });
  const weights = Object.fromEntries([...parameters].map(([name, { data }]) => [name, data]));
  return async (ids: Int32Array): Promise<Float32Array> =>
    (await program.run({ ...weights, ids })).logits as Float32Array;
}

/** The largest difference at a position that is not padding, relative to the largest logit. */
function logitsError(found: Float32Array, golden: Golden): number {
  const mask = golden.attention_mask.flat();
  const expected = golden.logits.flat();
  let [difference, largest] = [0, 0];
  expected.forEach((row, position) => {
    if (!mask[position]) return;
    row.forEach((value, i) => {
      const error = Math.abs(found[position * row.length + i]! - value);
      difference = Math.max(difference, Number.isNaN(error) ? Infinity : error);
      largest = Math.max(largest, Math.abs(value));
    });
  });
  return difference / largest;
}

/** Decodes greedily without a cache, never choosing an end of text; where it first differs. */
async function greedyDifference(
  engine: Engine,
  model: Model,
  { prompt, ids }: Golden["greedy"],
): Promise<number | null> {
  const { vocabSize, eosIds } = model.config;
  const text = new Int32Array(prompt.length + ids.length);
  text.set(prompt);
  const run = await forward(engine, model, 1, text.length);
  for (let i = 0; i < ids.length; i++) {
    const next = prompt.length + i;
    const row = (await run(text)).slice((next - 1) * vocabSize, next * vocabSize);
    for (const eos of eosIds) row[eos] = -Infinity;
    text[next] = row.indexOf(row.reduce((a, b) => Math.max(a, b)));
    if (text[next] !== ids[i]) return i;
  }
  return null;
}

/** Loss and gradients at the checkpoint, and the losses of training steps from there. */
async function trainingErrors(engine: Engine, model: Model, batch: Batch, golden: Golden) {
  const relative = (found: number, expected: number) =>
    Math.abs(found - expected) / Math.abs(expected);
  const layout = layOut(model.parameters);
  const state = flatState(layout, model.parameters);
  const { config, parameters } = model;
  const forward = forwardOf(config);
  const gradients = createGradients({
    engine,
    forward,
    parameters,
    state,
    reduction: "token-mean",
  });
  const examples = Array.from({ length: batch.rows }, (_, row) => row);
  const { value } = await gradients.compute([{ ...batch, examples }]);
  gradients.dispose();

  const { train } = golden;
  const { losses } = await tune(engine, model, unpadded(golden), {
    steps: train.losses.length,
    batchSize: batch.rows,
    learningRate: train.lr,
    schedule: "constant",
    warmup: 0,
    betas: train.betas,
    epsilon: train.eps,
    weightDecay: train.weight_decay,
    decayAll: true,
    clip: train.clip,
    reduction: "token-mean",
    seed: 0,
  });
  return {
    loss: relative(value, golden.loss),
    gradients: gradientError(views(layout, state.gradients), model, golden),
    trajectory: Math.max(...losses.map((loss, i) => relative(loss, train.losses[i]!))),
  };
}

/** The rows of the batch as examples, without their padding. */
function unpadded({ input_ids, labels, attention_mask }: Golden): EncodedExample[] {
  return input_ids.map((ids, row) => {
    const length = attention_mask[row]!.filter((bit) => bit).length;
    return { ids: ids.slice(0, length), labels: labels[row]!.slice(0, length) };
  });
}

/** Of norms relative to the norm; of single values relative to the largest, or the typical, one. */
function gradientError(
  found: Record<string, Float32Array>,
  model: Model,
  { grads }: Golden,
): number {
  let largest = 0;
  for (const [name, { l2, first }] of Object.entries(grads)) {
    // transformers calls every head lm_head, whatever the file calls it.
    const values = found[name] ??
      (name === "lm_head.weight" ? found[headName(model.config)] : null);
    if (!values) {
      throw new Error(`Expected a parameter "${name}", of which golden.json has a gradient.`);
    }
    const norm = Math.sqrt(values.reduce((sum, value) => sum + value * value, 0));
    const scale = Math.max(l2 / Math.sqrt(values.length), ...first.map(Math.abs));
    const errors = first.map((value, i) => Math.abs(values[i]! - value) / scale);
    largest = Math.max(largest, Math.abs(norm - l2) / l2, ...errors);
  }
  return largest;
}

/** One line for a folder, and whether it is within tolerance. */
async function report(folder: string, engines: readonly Engine[]): Promise<[string, boolean]> {
  const golden = await readGolden(folder);
  const model = await loadCheckpoint(folder);
  const all: [string, GoldenErrors][] = [];
  for (const engine of engines) {
    all.push([engine.describe().kind, await compareGolden(engine, model, golden)]);
  }
  let good = true;
  const cells = Object.entries(tolerances).map(([name, tolerance]) => {
    const worst = Math.max(...all.map(([, errors]) => errors[name as keyof typeof tolerances]));
    const within = worst <= tolerance; // false for NaN
    good &&= within;
    return `${name} ${worst.toExponential(1)}${within ? "" : ` (more than ${tolerance})`}`;
  });
  const different = all.filter(([, { greedy }]) => greedy !== null);
  good &&= different.length === 0;
  const greedy = different.map(([kind, { greedy }]) => `differs at token ${greedy} (${kind})`);
  cells.push(`greedy ${greedy.join(", ") || "equal"}`);
  const name = basename(resolve(folder)).padEnd(22);
  return [`${good ? "ok    " : "FAULT "} ${name} ${cells.join("  ")}`, good];
}

if (import.meta.main) {
  const program = new Command("deno task golden")
    .description(
      "Compare checkpoints with the golden.json in their folders, compiled and eager.\n" +
        "Prints for each the largest relative error of the two ways, and exits 1 where one is out of\n" +
        `tolerance: ${
          Object.entries(tolerances).map(([name, value]) => `${name} ${value}`).join(", ")
        }.`,
    )
    .argument("<folders...>", "folders with config.json, model.safetensors and golden.json")
    .parse();
  const engines = [await createEngine(), await createEngine({ kind: "eager" })];
  const kinds = engines.map((engine) => engine.describe());
  console.error(kinds.map(({ kind, backend }) => `${kind} on ${backend}`).join(", "));
  for (const folder of program.args) {
    try {
      const [line, good] = await report(folder, engines);
      console.log(line);
      if (!good) process.exitCode = 1;
    } catch (error) {
      console.log(`FAULT  ${basename(resolve(folder)).padEnd(22)} ${(error as Error).message}`);
      process.exitCode = 1;
    }
  }
}
