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
import { type FlatLayout, type FlatState, views } from "./flat.ts";
import {
  addRows,
  findTargets,
  type Forward,
  lossFunction,
  type LossInputs,
  lossInputs,
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
  const { hooks } = options;
  return {
    vocabSize: config.vocabSize,
    embedding: `${config.family.names.embedding}.weight`,
    tied: config.tied,
    counts: hooks?.logits !== undefined,
    hidden: (params, ids, embedded, take) =>
      hidden(config, params, ids, { ...options, embedded, take }),
    logits: (params, states, steps) => logits(config, params, states, { hooks, steps }),
  };
}

/** What {@link createGradients} is made of. */
export interface GradientsOptions {
  readonly engine: Engine;
  readonly forward: Forward;
  /** All of them; those that `state` does not place are frozen, and stay in their files if they are there. */
  readonly parameters: Parameters;
  /** Where the trained ones are read, and their gradients written. */
  readonly state: Pick<FlatState, "layout" | "values" | "gradients">;
  readonly reduction: Reduction;
  /** Of the compiled programs. */
  readonly settings?: CompileOptions;
}

/**
 * Prepares the gradients of the parameters that `state` places.
 *
 * The rows of a batch are divided among as many workers as there are threads, each with gradients of
 * its own (data parallelism): whole passes side by side spare the cores the wait for one another
 * after every operator. Which worker takes which rows depends on the thread count alone. A large
 * model, or a batch of one row, is computed by one worker with all threads.
 *
 * @example
 * const gradients = createGradients({ engine, forward, parameters, state, reduction: "sum" });
 * const { value } = await gradients.compute(batches(0)); // and state.gradients is filled
 */
export function createGradients(options: GradientsOptions): Gradients {
  const { engine, forward, state, reduction } = options;
  const { threads, kind } = engine.describe();
  const { layout } = state;
  const mostWorkers = kind === "eager"
    ? 1
    : Math.max(1, Math.min(threads, Math.floor(MOST_ELEMENTS / layout.length)));
  const programs = new LossPrograms(engine, options, options.settings);
  const addition = engine.elementwise({ fn: add, arrays: ["sum", "more"], numbers: [] });
  const addInto = (sum: Float32Array, more: Float32Array) =>
    addition.run({ sum, more }, {}, { sum });
  /** What each worker's batches add up to; and a batch yet to be added, made when first wanted. */
  const sums = [flatOf(layout, state.gradients)], spares: Flat[] = [];

  return {
    async compute(batches) {
      const workers = Math.min(mostWorkers, ...batches.map(({ rows }) => rows));
      const shards = batches.flatMap((batch) => splitBatch(batch, workers));
      const targets = shards.map(findTargets);
      const weights = targetWeights(targets, reduction);
      const losses = new Array<Float32Array>(shards.length); // of the targets, in their order
      const work = async (worker: number) => {
        const sum = sums[worker] ??= flatOf(layout);
        for (let index = worker; index < shards.length; index += workers) {
          const batch = shards[index]!;
          const inputs = lossInputs(batch, targets[index]!, weights[index]!, forward);
          const into = index === worker ? sum : spares[worker] ??= flatOf(layout);
          const { nll, rows } = await programs.run(inputs, Math.floor(threads / workers), into);
          const table = into.views[`grad.${forward.embedding}`];
          if (table) {
            if (!forward.tied) table.fill(0);
            addRows(table, batch.ids, rows as Float32Array);
          }
          losses[index] = Float32Array.from(inputs.places, (place) => nll![place]!);
          if (into !== sum) await addInto(sum.flat, into.flat);
        }
      };
      await settled(Array.from({ length: workers }, (_, worker) => work(worker)));
      for (const { flat } of sums.slice(1, workers)) await addInto(state.gradients, flat);

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
      programs.dispose();
      addition.dispose();
    },
  };
}

/** A flat array of gradients, and its views by the names that a program's outputs have. */
interface Flat {
  readonly flat: Float32Array;
  readonly views: Record<string, Float32Array>;
}

const flatOf = (
  layout: FlatLayout,
  flat: Float32Array = new Float32Array(layout.length),
): Flat => ({
  flat,
  views: views(layout, flat, "grad."),
});

/** Loss programs by shape and threads, with the parameters that all of them read. */
class LossPrograms {
  private readonly programs = new Map<string, Promise<Program>>();
  private readonly inputs: Record<string, Float32Array> = {};
  private readonly specs: Record<string, TensorSpec> = {};
  private readonly files: Record<string, FileValues> = {};
  private readonly fn: TensorFunction;

  /** Keeps no parameters but those that are frozen in memory: of the trained ones it reads `values`. */
  constructor(
    private readonly engine: Engine,
    { forward, parameters, state: { layout, values } }: GradientsOptions,
    private readonly settings?: CompileOptions,
  ) {
    this.fn = lossFunction(forward, layout.names);
    const compiled = engine.describe().kind === "compiled";
    for (const [name, parameter] of parameters) {
      const { shape, file } = parameter;
      this.specs[name] = { shape, dtype: "float32" };
      if (layout.offsets.has(name)) continue;
      if (file && compiled) this.files[name] = { ...file, dtype: onnxTypes[file.dtype] };
      else this.inputs[name] = parameter.data;
    }
    Object.assign(this.inputs, views(layout, values));
  }

  /** Runs the program of these inputs' shape; its gradients are written into `into`. */
  async run({ specs, data }: LossInputs, threads: number, into: Flat) {
    const program = await this.programFor(specs, threads);
    return await program.run({ ...this.inputs, ...data }, into.views);
  }

  private programFor(specs: LossInputs["specs"], threads: number): Promise<Program> {
    const { engine, fn, settings } = this;
    const key = JSON.stringify({ specs, threads });
    const known = this.programs.get(key);
    this.programs.delete(key); // and set again below: the first one is the longest unused
    const program = known ??
      engine.compile(
        fn,
        { ...this.specs, ...specs },
        { ...settings, threads, files: this.files },
      );
    this.programs.set(key, program);
    const [oldest] = this.programs;
    if (this.programs.size > MOST_PROGRAMS && oldest) {
      this.programs.delete(oldest[0]);
      oldest[1].then((done) => done.dispose());
    }
    return program;
  }

  dispose(): void {
    for (const program of this.programs.values()) program.then((done) => done.dispose());
  }
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
