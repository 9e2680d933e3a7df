/**
 * Loss and gradients of one step: compiles a loss program for every shape of batch that occurs,
 * divides a batch's rows among the cores, and adds up the gradients. Knows nothing of optimisers.
 */
import * as tf from "@tensorflow/tfjs-core";
import {
  type CompileOptions,
  type Engine,
  type FileValues,
  type Program,
  settled,
  type TensorFunction,
  type TensorSpec,
} from "@implicit/engine";
import {
  hidden,
  type HiddenOptions,
  logits,
  type ModelConfig,
  type Parameters,
} from "@implicit/decoder";
import type { StepBatch } from "../text/batch.ts";
import { type FlatLayout, views } from "./flat.ts";
import {
  addRows,
  findTargets,
  type Forward,
  lossFunction,
  lossInputs,
  type LossShape,
  lossSpecs,
  type Reduction,
  targetWeights,
} from "./objective.ts";

/** A step's loss, and the examples whose own loss is not finite. */
export interface StepLoss {
  readonly value: number;
  readonly broken: readonly number[];
}

/** Computes gradients into a flat array. */
export interface Gradients {
  compute(batches: readonly StepBatch[]): Promise<StepLoss>;
  dispose(): void;
}

/** Programs kept; one of a decoder of 30 layers takes some 100 MB beside its weights. */
const MOST_PROGRAMS = 32;

/** Most elements of all the workers' own gradients: a GiB of float32. */
const MOST_ELEMENTS = 2 ** 28;

/** The decoder of `config` as the objective wants it. */
export function forwardOf(config: ModelConfig, options: HiddenOptions = {}): Forward {
  return {
    vocabSize: config.vocabSize,
    embedding: `${config.family.names.embedding}.weight`,
    tied: config.tied,
    hidden: (params, ids, embedded, take) =>
      hidden(config, params, ids, { ...options, embedded, take }),
    logits: (params, states) => logits(config, params, states),
  };
}

/**
 * Prepares the gradients of the parameters that `layout` places.
 *
 * The rows of a batch are divided among as many workers as there are threads, each with gradients of
 * its own (data parallelism): whole passes side by side spare the cores the wait for one another
 * after every operator. Which worker takes which rows depends on the thread count alone. A large
 * model, or a batch of one row, is computed by one worker with all threads.
 *
 * @param flat where their values are read and their gradients written
 * @param parameters all of them; those that `layout` does not place are frozen, and stay in their
 *   files if they are there
 * @param settings of the compiled programs
 */
export function createGradients(
  engine: Engine,
  forward: Forward,
  parameters: Parameters,
  layout: FlatLayout,
  flat: { readonly values: Float32Array; readonly gradients: Float32Array },
  reduction: Reduction,
  settings: CompileOptions = {},
): Gradients {
  const { kind, threads } = engine.describe();
  const mostWorkers = kind === "eager"
    ? 1
    : Math.max(1, Math.min(threads, Math.floor(MOST_ELEMENTS / layout.length)));
  const programs = new Map<string, Promise<Program>>();
  const inputs: Record<string, Float32Array> = {};
  const specs: Record<string, TensorSpec> = {};
  const files: Record<string, FileValues> = {};
  for (const [name, parameter] of parameters) {
    const { shape, file } = parameter;
    specs[name] = { shape, dtype: "float32" };
    const stays = file && kind === "compiled" && !layout.offsets.has(name);
    if (stays) files[name] = { ...file, dtype: onnxTypes[file.dtype] };
    else inputs[name] = parameter.data;
  }
  Object.assign(inputs, views(layout, flat.values));

  const programFor = (shape: LossShape, threads: number) => {
    const key = JSON.stringify({ ...shape, threads });
    const known = programs.get(key);
    programs.delete(key); // and set again below: the first one is the longest unused
    const program = known ??
      engine.compile(lossFunction(forward, layout.names), {
        ...specs,
        ...lossSpecs(shape),
      }, { ...settings, threads, files });
    programs.set(key, program);
    const [oldest] = programs;
    if (programs.size > MOST_PROGRAMS && oldest) {
      programs.delete(oldest[0]);
      oldest[1].then((done) => done.dispose());
    }
    return program;
  };

  /** Gradients that are written to: the caller's, each further worker's, and what is yet to be added. */
  const buffers = new Map<string, { flat: Float32Array; into: Record<string, Float32Array> }>();
  const buffer = (name: string) => {
    const known = buffers.get(name);
    if (known) return known;
    const array = name === "sum 0" ? flat.gradients : new Float32Array(layout.length);
    const made = { flat: array, into: views(layout, array, "grad.") };
    buffers.set(name, made);
    return made;
  };
  const addition = engine.elementwise({ fn: add, arrays: ["sum", "more"], numbers: [] });
  const addInto = (sum: Float32Array, more: Float32Array) =>
    addition.run({ sum, more }, {}, { sum });

  return {
    async compute(batches) {
      const workers = Math.min(mostWorkers, ...batches.map(({ rows }) => rows));
      const shards = batches.flatMap((batch) => splitBatch(batch, workers));
      const targets = shards.map(findTargets);
      const weights = targetWeights(targets, reduction);
      const losses = new Array<Float32Array>(shards.length); // of the targets, in their order
      const work = async (worker: number) => {
        const sum = buffer(`sum ${worker}`);
        for (let index = worker; index < shards.length; index += workers) {
          const [batch, found] = [shards[index]!, targets[index]!];
          const { shape, data, places } = lossInputs(
            batch,
            found,
            weights[index]!,
            forward.vocabSize,
          );
          const program = await programFor(shape, Math.floor(threads / workers));
          const target = index === worker ? sum : buffer(`more ${worker}`);
          const { nll, rows } = await program.run({ ...inputs, ...data }, target.into);
          const table = target.into[`grad.${forward.embedding}`];
          if (table) {
            if (!forward.tied) table.fill(0);
            addRows(table, batch.ids, rows as Float32Array);
          }
          losses[index] = Float32Array.from(places, (place) => nll![place]!);
          if (target !== sum) await addInto(sum.flat, target.flat);
        }
      };
      await settled(Array.from({ length: workers }, (_, worker) => work(worker)));
      for (let worker = 1; worker < workers; worker++) {
        await addInto(flat.gradients, buffer(`sum ${worker}`).flat);
      }

      let value = 0;
      const broken = new Set<number>();
      losses.forEach((nll, shard) =>
        nll.forEach((loss, target) => {
          value += loss * weights[shard]![target]!;
          const row = targets[shard]!.rows[target]!;
          if (!Number.isFinite(loss)) broken.add(shards[shard]!.examples[row]!);
        })
      );
      return { value, broken: [...broken] };
    },
    dispose() {
      for (const program of programs.values()) program.then((done) => done.dispose());
      addition.dispose();
    },
  };
}

/** The rows of a batch in `parts` batches of as even a size as can be; none of them empty. */
function splitBatch(batch: StepBatch, parts: number): StepBatch[] {
  const edge = (part: number) => Math.round((part * batch.rows) / parts);
  return Array.from({ length: parts }, (_, part) => {
    const [from, to] = [edge(part), edge(part + 1)];
    const cut = (array: Int32Array) => array.subarray(from * batch.length, to * batch.length);
    return {
      ids: cut(batch.ids),
      labels: cut(batch.labels),
      rows: to - from,
      length: batch.length,
      examples: batch.examples.slice(from, to),
    };
  });
}

const onnxTypes = { F32: "float32", F16: "float16", BF16: "bfloat16" } as const;

const add: TensorFunction = ({ sum, more }) => ({ sum: tf.add(sum!, more!) });
