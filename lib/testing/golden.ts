/**
 * Compares what this project computes of a checkpoint with a golden.json beside it, which PyTorch and
 * transformers wrote: logits, loss, gradients, training steps, greedy tokens.
 *
 * Knows the form of golden.json and its tolerances; everything compared comes from the rooms.
 */
import { readFile } from "node:fs/promises";
import { basename, join, resolve } from "node:path";
import type { Engine } from "@implicit/engine";
import { headName, loadCheckpoint, type Model } from "@implicit/decoder";
import { wholeLogits } from "@implicit/decoder/testing";
import type { Batch } from "../text/batch.ts";
import type { EncodedExample } from "../text/example.ts";
import { flatState, layOut, views } from "../tune/flat.ts";
import { createGradients, forwardOf } from "../tune/gradients.ts";
import { tune } from "../tune/tune.ts";

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

const parts: readonly (keyof Golden)[] = [
  ...["input_ids", "labels", "attention_mask", "logits", "loss", "grads", "train"] as const,
  "greedy",
];

/** Reads golden.json of a folder. @throws where a part of it is missing or padding is not right. */
export async function readGolden(folder: string): Promise<Golden> {
  const path = join(folder, "golden.json");
  const text = await readFile(path, "utf8").catch((cause) => {
    throw new Error(`Expected ${path}, as make_golden.py writes it, but found none.`, { cause });
  });
  const golden = JSON.parse(text) as Golden;
  for (const part of parts) {
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
  const found = await wholeLogits(engine, model, batch.rows, batch.length);
  return {
    logits: logitsError(await found(batch.ids), golden),
    greedy: await greedyDifference(engine, model, golden.greedy),
    ...await trainingErrors(engine, model, batch, golden),
  };
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
  const run = await wholeLogits(engine, model, 1, text.length);
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

/** A folder's largest errors among some engines, in a line that says what is out of tolerance. */
export async function reportGolden(
  folder: string,
  engines: readonly Engine[],
): Promise<{ good: boolean; line: string }> {
  const golden = await readGolden(folder);
  const model = await loadCheckpoint(folder);
  const all: [kind: string, GoldenErrors][] = [];
  for (const engine of engines) {
    all.push([engine.describe().kind, await compareGolden(engine, model, golden)]);
  }
  const measured = (Object.entries(tolerances) as [keyof typeof tolerances, number][])
    .map(([name, tolerance]) => {
      const worst = Math.max(...all.map(([, errors]) => errors[name]));
      const within = worst <= tolerance; // false for NaN
      const text = `${name} ${worst.toExponential(1)}`;
      return { within, text: within ? text : `${text} (more than ${tolerance})` };
    });
  const greedy = all.filter(([, errors]) => errors.greedy !== null)
    .map(([kind, errors]) => `differs at token ${errors.greedy} (${kind})`);
  const good = greedy.length === 0 && measured.every(({ within }) => within);
  const cells = [...measured.map(({ text }) => text), `greedy ${greedy.join(", ") || "equal"}`];
  const name = basename(resolve(folder)).padEnd(22);
  return { good, line: `${good ? "ok    " : "FAULT "} ${name} ${cells.join("  ")}` };
}
