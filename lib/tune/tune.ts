/**
 * The training loop: batches through the loss program, gradients through AdamW. Tuning and
 * pretraining differ in their batches alone. Knows nothing of arms, judges or text.
 */
import { createHash } from "node:crypto";
import { type Engine, giveBack } from "@implicit/engine";
import { hashParameters, type Model, type Parameters } from "@implicit/decoder";
import type { Adapted, Adapter } from "../adapt/adapter.ts";
import { packedBatches, type StepBatches, tuningBatches } from "../text/batch.ts";
import type { EncodedExample } from "../text/example.ts";
import { type AdamWOptions, createAdamW } from "./adamw.ts";
import { readCheckpoint, writeCheckpoint } from "./checkpoint.ts";
import { flatState, layOut, views } from "./flat.ts";
import { createGradients, forwardOf } from "./gradients.ts";
import type { Reduction } from "./objective.ts";
import { learningRate, type ScheduleOptions } from "./schedule.ts";

/** Settings that every training has. The defaults are those of the authors' code. */
export interface TrainOptions extends ScheduleOptions, AdamWOptions {
  readonly steps?: number;
  /** Rows a batch. A step takes `batchSize × accumulate` examples. */
  readonly batchSize: number;
  readonly accumulate?: number;
  /** Rows are padded to a multiple of so many tokens, default 32: every length is compiled. */
  readonly multiple?: number;
  readonly seed: number;
  /** Weight decay on norms and biases as well (default: on matrices alone). */
  readonly decayAll?: boolean;
  readonly reduction?: Reduction;
  /** Computes each layer again in the backward pass: one third more work, far less memory. */
  readonly checkpointLayers?: boolean;
  /** Where to keep checkpoints, one `every` so many steps; a run found there is taken up again. */
  readonly checkpoint?: { readonly folder: string; readonly every: number };
  readonly onStep?: (info: StepInfo) => void;
  readonly signal?: AbortSignal;
}

/** Settings of {@link tune}: `steps`, or else `epochs` (each ⌊examples ÷ step's examples⌋ steps). */
export interface TuneOptions extends TrainOptions {
  readonly epochs?: number;
  /** Train this, as `lora({ rank: 16 })`, and leave the base as it is. Default: train all weights. */
  readonly adapter?: Adapter;
}

/** Settings of {@link pretrain}: `steps`, or else one pass over the stream. */
export interface PretrainOptions extends TrainOptions {
  /** Tokens a row. */
  readonly length: number;
}

/** What is known after a step: `step` counts from 1, `gradNorm` is taken before clipping. */
export interface StepInfo {
  readonly step: number;
  readonly steps: number;
  readonly loss: number;
  readonly gradNorm: number;
  readonly learningRate: number;
}

/** A trained model, with what an adapter keeps beside it. */
export interface Trained extends Adapted {
  /** The loss of each step before its update. */
  readonly losses: number[];
  /** The arrays of the adapter, if one was trained; `adapter.merge` makes the rest of them. */
  readonly trained: Parameters | null;
}

/**
 * Tunes a copy of `model` on examples; targets are the labels that are not −100.
 *
 * @throws where there is no example or no step; where a loss or gradient is not finite (it names
 *   the step and the examples; the last checkpoint stays); the signal's reason where aborted.
 * @example
 * const { model: tuned, losses } = await tune(engine, base, examples, {
 *   steps: 40, batchSize: 16, learningRate: 6e-4, seed: 1,
 * });
 */
export function tune(
  engine: Engine,
  model: Model,
  examples: readonly EncodedExample[],
  options: TuneOptions,
): Promise<Trained> {
  const { batchSize, accumulate = 1, epochs } = options;
  const perStep = batchSize * accumulate;
  const steps = options.steps ??
    (epochs && Math.max(1, Math.floor((examples.length * epochs) / perStep)));
  if (!steps) throw new Error("Expected steps or epochs of at least 1, but found neither.");
  const maxLength = model.config.contextLength;
  const batches = tuningBatches(examples, { ...options, maxLength });
  const data = examples.flatMap(({ ids, labels }) => [ids.length, ...ids, ...labels]);
  return train(engine, model, batches, Int32Array.from(data), { ...options, steps });
}

/**
 * Pretrains a copy of `model` on a stream of tokens, cut into rows of `length`; every token is a
 * target.
 *
 * @throws as {@link tune} does
 * @example
 * const base = { name: "world", config, parameters: initParameters(config, 1), hash: "", folder: null };
 * await pretrain(engine, base, stream, { length: 128, batchSize: 16, learningRate: 3e-3, seed: 1 });
 */
export function pretrain(
  engine: Engine,
  model: Model,
  tokens: Uint16Array | Int32Array,
  options: PretrainOptions,
): Promise<Trained> {
  const { batchSize, accumulate = 1, length } = options;
  const batches = packedBatches(tokens, options);
  const steps = options.steps ??
    Math.max(1, Math.floor(tokens.length / (batchSize * accumulate * length)));
  return train(engine, model, batches, tokens, { ...options, steps });
}

async function train(
  engine: Engine,
  model: Model,
  batches: StepBatches,
  data: ArrayBufferView,
  options: TuneOptions & { readonly steps: number },
): Promise<Trained> {
  const { steps, checkpoint, onStep, signal, adapter, reduction = "example-mean" } = options;
  const start = adapter ? adapter.init(model.config, options.seed) : model.parameters;
  const layout = layOut(start, options.decayAll ? () => true : undefined);
  const state = flatState(layout, start);
  const { values, mean, variance } = state;
  const stored = { values, mean, variance };
  const run = checkpoint ? runHash(model, data, options) : "";
  const found = checkpoint && await readCheckpoint(checkpoint.folder, run, stored);
  const losses = [...found?.losses ?? []];
  const save = async () => {
    if (!checkpoint) return;
    const { folder } = checkpoint, progress = { run, step: losses.length, losses };
    await writeCheckpoint(folder, progress, stored).catch(({ message }: Error) =>
      // not lost for that
      console.warn(
        `The training goes on, but its step ${progress.step} is not kept in ${folder}: ${message}. ` +
          "Make room there: a step to come may be.",
      )
    );
  };

  const forward = forwardOf(model.config, {
    checkpointLayers: options.checkpointLayers,
    hooks: adapter?.apply(model.config),
  });
  const parameters = new Map([...model.parameters, ...start]);
  const gradients = createGradients({ engine, forward, parameters, state, reduction });
  const adamw = createAdamW(engine, state, options);
  try {
    for (let step = losses.length; step < steps; step++) {
      if (signal?.aborted) await save();
      signal?.throwIfAborted();
      const loss = await gradients.compute(batches(step));
      const rate = learningRate(step, steps, options);
      const gradNorm = await adamw.update(step + 1, rate);
      if (!Number.isFinite(loss.value + gradNorm)) {
        throw new Error(
          `Expected a finite loss and gradient in step ${step + 1}, but found loss ${loss.value} ` +
            `and gradient norm ${gradNorm}; examples in the step with a loss that is not finite: ` +
            `${loss.broken.join(", ") || "none"}. ` +
            (checkpoint ? `The last good checkpoint stays in ${checkpoint.folder}. ` : "") +
            `Lower the learning rate or look at those examples.`,
        );
      }
      losses.push(loss.value);
      if (checkpoint && (step + 1) % checkpoint.every === 0) await save();
      onStep?.({ step: step + 1, steps, loss: loss.value, gradNorm, learningRate: rate });
    }
    // Apart from the memory of gradients and moments, which is left to the next training.
    const ended = views(layout, values.slice());
    const trained: Parameters = new Map(
      [...start].map(([name, { shape }]) => [name, { shape, data: ended[name]! }]),
    );
    if (adapter) return { ...adapter.merge(model, trained), losses, trained };
    const tuned = { ...model, parameters: trained, hash: hashParameters(trained), folder: null };
    return { model: tuned, losses, trained: null };
  } finally {
    gradients.dispose();
    adamw.dispose();
    giveBack(values);
  }
}

/** Identifies what determines a training: base, data and settings, functions by their source. */
function runHash(model: Model, data: ArrayBufferView, options: TrainOptions): string {
  const { checkpoint: _, onStep: __, signal: ___, ...settings } = options;
  const sorted = Object.entries(settings).sort(([a], [b]) => (a < b ? -1 : 1));
  const text = JSON.stringify(
    sorted,
    (_, value) => typeof value === "function" ? `${value}` : value,
  );
  return createHash("sha256").update(model.hash).update(text)
    .update(new Uint8Array(data.buffer, data.byteOffset, data.byteLength)).digest("hex");
}
