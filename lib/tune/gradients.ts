/**
 * Loss and gradients of one step: compiles a loss program for every shape of batch that occurs, and
 * adds up the gradients of a step's batches. Knows nothing of optimisers.
 */
import type { CompileOptions, Engine, Program, TensorSpec } from "../engine/engine.ts";
import type { ModelConfig } from "../model/config.ts";
import { hidden, type HiddenOptions, logits } from "../model/decoder.ts";
import type { Parameters } from "../model/parameters.ts";
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

/** The decoder of `config` as the objective wants it. */
export function forwardOf(config: ModelConfig, options: HiddenOptions = {}): Forward {
  return {
    vocabSize: config.vocabSize,
    embedding: `${config.family.names.embedding}.weight`,
    tied: config.tied,
    hidden: (params, ids, embedded) => hidden(config, params, ids, { ...options, embedded }),
    logits: (params, states) => logits(config, params, states),
  };
}

/**
 * Prepares the gradients of the parameters that `layout` places.
 *
 * @param flat where their values are read and their gradients written
 * @param frozen parameters that get no gradient
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
  const programs = new Map<string, Promise<Program>>();
  const inputs: Record<string, Float32Array> = {};
  const specs: Record<string, TensorSpec> = {};
  for (const [name, { shape, data }] of parameters) {
    inputs[name] = data;
    specs[name] = { shape, dtype: "float32" };
  }
  Object.assign(inputs, views(layout, flat.values));
  const into = views(layout, flat.gradients, "grad.");
  let more: { flat: Float32Array; into: Record<string, Float32Array> } | undefined;

  const programFor = (shape: LossShape) => {
    const key = JSON.stringify(shape);
    const known = programs.get(key);
    programs.delete(key); // and set again below: the first one is the longest unused
    const program = known ??
      engine.compile(lossFunction(forward, layout.names), {
        ...specs,
        ...lossSpecs(shape),
      }, settings);
    programs.set(key, program);
    const [oldest] = programs;
    if (programs.size > MOST_PROGRAMS && oldest) {
      programs.delete(oldest[0]);
      oldest[1].then((done) => done.dispose());
    }
    return program;
  };

  return {
    async compute(batches) {
      const targets = batches.map(findTargets);
      const weights = targetWeights(targets, reduction);
      let value = 0;
      const broken = new Set<number>();
      for (const [index, batch] of batches.entries()) {
        const { rows } = targets[index]!;
        const { shape, data, places } = lossInputs(
          batch,
          targets[index]!,
          weights[index]!,
          forward.vocabSize,
        );
        const program = await programFor(shape);
        if (index > 0 && !more) {
          const second = new Float32Array(layout.length);
          more = { flat: second, into: views(layout, second, "grad.") };
        }
        const target = index === 0 ? into : more!.into;
        const { nll, rows: looked } = await program.run({ ...inputs, ...data }, target);
        const table = target[`grad.${forward.embedding}`];
        if (table) {
          if (!forward.tied) table.fill(0);
          addRows(table, batch.ids, looked as Float32Array);
        }
        places.forEach((place, target) => {
          value += nll![place]! * weights[index]![target]!;
          if (!Number.isFinite(nll![place]!)) broken.add(batch.examples[rows[target]!]!);
        });
        if (index > 0) addInto(flat.gradients, more!.flat);
      }
      return { value, broken: [...broken] };
    },
    dispose() {
      for (const program of programs.values()) program.then((done) => done.dispose());
    },
  };
}

function addInto(sum: Float32Array, more: Float32Array): void {
  for (let i = 0; i < sum.length; i++) sum[i]! += more[i]!;
}
