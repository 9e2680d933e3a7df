/**
 * How long tuning takes, here and elsewhere: operations are counted from shapes, this machine's
 * speed is measured, and time is the one divided by the other. Knows decoders' shapes and batches,
 * not what is tuned.
 */
import {
  createDecoder,
  hashParameters,
  initParameters,
  type ModelConfig,
  parameterShapes,
  parseConfig,
} from "@implicit/decoder";
import { createEngine, giveBack } from "@implicit/engine";
import { duration } from "@implicit/notebook";
import { tuningBatches } from "../text/batch.ts";
import { flatState, layOut } from "../tune/flat.ts";
import { createGradients, forwardOf } from "../tune/gradients.ts";
import { findTargets } from "../tune/objective.ts";
import type { TuneOptions } from "../tune/tune.ts";
import { shapes } from "./shapes.ts";
import type { Arm } from "../study/arm.ts";
import { encodedExamples } from "../study/run.ts";
import { budgetOf, parameterCount } from "../study/small.ts";
import type { Study } from "../study/study.ts";

/** Rows of equal length, so many of whose positions are targets. */
interface Shape {
  readonly rows: number;
  readonly length: number;
  readonly targets: number;
}

type Passes = Pick<TuneOptions, "checkpointLayers" | "adapter">;

/**
 * Floating-point operations of one batch forward and back; a multiplication and its addition are
 * two. Counted are the products of matrices, which is all but a few percent: projections and
 * attention (to the left only) of each layer, and the head where there are targets. Back is twice
 * forward, or once where the weights are frozen (an adapter); recomputed layers go forward twice.
 */
export function trainingOperations(config: ModelConfig, shape: Shape, passes: Passes = {}): number {
  const { rows, length, targets } = shape;
  const inLayers = `${config.family.names.layers}.`;
  const weights = [...parameterShapes(config)]
    .filter(([name, { length }]) => name.startsWith(inLayers) && length === 2)
    .reduce((sum, [, [out, into]]) => sum + out! * into!, 0);
  const attention = 2 * config.layers * rows * length ** 2 * config.heads * config.headDim;
  const layers = 2 * weights * rows * length + attention;
  const head = 2 * config.vocabSize * config.hiddenSize * targets;
  const each = passes.adapter ? 2 : 3;
  return (each + (passes.checkpointLayers ? 1 : 0)) * layers + each * head;
}

const { "SmolLM2-135M": smolLM2, "Llama-2-7B": llama2 } = shapes;

/** This machine's speed at what tuning and decoding do. */
export interface Speed {
  /** Operations a second in a training step. */
  readonly training: number;
  /** Parameters × tokens a second in generating, several prompts side by side. */
  readonly decoding: number;
}

/**
 * Measures a quarter of SmolLM2-135M with random weights: its width, 8 of its 30 layers and the
 * same share of its vocabulary. A training step on 512 tokens, and 8 answers of 16 tokens, each
 * the best of `repeats`, on all cores. Seconds to a minute.
 */
export async function measureSpeed(repeats = 3): Promise<Speed> {
  const config = parseConfig({ ...smolLM2, num_hidden_layers: 8, vocab_size: 13107 });
  const parameters = initParameters(config, 1);
  const hash = hashParameters(parameters);
  const [rows, length] = [1, 512];
  const ids = Int32Array.from({ length: rows * length }, (_, i) => (i * 7919) % config.vocabSize);
  const layout = layOut(parameters);
  const state = flatState(layout, parameters);
  const engine = await createEngine();
  const forward = forwardOf(config, { checkpointLayers: true });
  const gradients = createGradients({
    engine,
    forward,
    parameters,
    state,
    reduction: "token-mean",
  });
  const step = await best(
    repeats,
    () => gradients.compute([{ ids, labels: ids, rows, length, examples: [0] }]),
  );
  gradients.dispose();
  giveBack(state.values);

  const decoder = await createDecoder({ name: "quarter", config, parameters, hash, folder: null });
  const prompts = Array.from({ length: 8 }, (_, row) => [...ids.subarray(16 * row, 16 * row + 16)]);
  const answers = await best(
    repeats,
    () => decoder.generate(prompts, { maxTokens: 16, eosId: null }),
  );
  decoder.dispose();
  const shape = { rows, length, targets: rows * length };
  return {
    training: trainingOperations(config, shape, { checkpointLayers: true }) / step,
    decoding: parameterCount(config) * 8 * 16 / answers,
  };
}

/** Seconds of the fastest of several times, after one that does not count. */
async function best(repeats: number, work: () => Promise<unknown>): Promise<number> {
  await work();
  let least = Infinity;
  for (let i = 0; i < repeats; i++) {
    const started = performance.now();
    await work();
    least = Math.min(least, (performance.now() - started) / 1000);
  }
  return least;
}

/** Operations of a study's tuning of an arm: every batch as it is padded. 0 if it is not tuned. */
export async function armOperations(study: Study, arm: Arm): Promise<number> {
  if (arm.tuning === null) return 0;
  const { scale, base, seeds } = study;
  const examples = await encodedExamples(scale, base, arm, seeds[0]!);
  const options = { ...scale.tuning, ...arm.tuning, seed: seeds[0]! };
  const { batchSize, accumulate = 1, epochs } = options;
  const steps = options.steps ??
    Math.max(1, Math.floor(examples.length * (epochs ?? 1) / (batchSize * accumulate)));
  const maxLength = base.model.config.contextLength;
  const batches = tuningBatches(examples, { ...options, maxLength });
  let operations = 0;
  for (let step = 0; step < steps; step++) {
    for (const batch of batches(step)) {
      const shape = { ...batch, targets: findTargets(batch).positions.length };
      operations += trainingOperations(base.model.config, shape, options);
    }
  }
  return operations;
}

/** LIMA in Llama-2's tokens: mean response; median instruction (38) and the template's 15 tokens. */
const LIMA = { examples: 1030, prompt: 38 + 15, response: 643 };

/** A line of the estimate. */
export type EstimateRow = Record<string, string>;

/**
 * What tuning takes at a measured speed, here and on machines so many times as fast: an arm of the
 * study beside what it really took, LIMA's examples with SmolLM2-135M and its answers to AlpacaEval's
 * instructions, and, as in the paper (all weights, 15 epochs), Llama-2-7B.
 *
 * @example
 * ```ts
 * await showTable(await timeTable(study, arms.responseTuning, await measureSpeed()));
 * ```
 */
export async function timeTable(
  study: Study,
  arm: Arm,
  speed: Speed,
  faster: readonly number[] = [10, 100, 1000],
): Promise<EstimateRow[]> {
  const { seconds } = await study.tuned(arm, study.seeds[0]!);
  const lima = (json: Record<string, unknown>, epochs: number, passes: Passes) => {
    const length = LIMA.prompt + LIMA.response;
    const shape = { rows: 1, length, targets: LIMA.response };
    return LIMA.examples * epochs * trainingOperations(parseConfig(json), shape, passes);
  };
  const smol = parameterCount(parseConfig(smolLM2));
  const { tuning, maxTokens } = budgetOf(smol);
  const [own, small, large] = [
    await armOperations(study, arm),
    lima(smolLM2, tuning.epochs!, tuning),
    lima(llama2, 15, {}),
  ];
  const answers = smol * 805 * maxTokens;
  const works: [what: string, operations: number, seconds: number, took: string][] = [
    [`${study.base.name}, ${arm.name}`, own, own / speed.training, duration(seconds)],
    [`SmolLM2-135M, LIMA, ${tuning.epochs} epochs`, small, small / speed.training, ""],
    [`SmolLM2-135M, 805 answers of ${maxTokens} tokens`, 2 * answers, answers / speed.decoding, ""],
    ["Llama-2-7B, LIMA, 15 epochs", large, large / speed.training, ""],
  ];
  return works.map(([what, operations, seconds, took]) => ({
    what,
    operations: operations.toExponential(1),
    "this machine": inWords(seconds),
    ...Object.fromEntries(
      faster.map((times) => [`${times.toLocaleString("en")} × as fast`, inWords(seconds / times)]),
    ),
    "it took": took,
  }));
}

function inWords(seconds: number): string {
  const days = seconds / 86400;
  return days < 2 ? duration(seconds) : `${days < 10 ? days.toFixed(1) : Math.round(days)} days`;
}
