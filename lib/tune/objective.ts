/**
 * The training objective: cross-entropy of the next token at the positions that the label mask
 * makes targets (paper, equation 1), as a sum of weighted terms.
 *
 * The weights are computed here, outside the program, so one program serves every reduction and
 * accumulated batches add up exactly; positions without a target reach neither the end of the last
 * layer nor the output head. Knows nothing of optimisers, nor of how a program is run.
 */
import * as tf from "@tensorflow/tfjs-core";
import type { TensorData, TensorFunction, TensorSpec } from "@implicit/engine";
import { withGradient } from "@implicit/decoder";
import type { Batch } from "../text/batch.ts";
import { IGNORED } from "../text/ignored.ts";

/**
 * How the terms of a step are averaged: over the tokens of an example and then over examples (the
 * authors' code: long and short responses weigh equally), over all tokens, or not at all (the
 * paper's equations).
 */
export type Reduction = "example-mean" | "token-mean" | "sum";

/** The targets of a batch: flat positions `row · length + column`, and the token that follows each. */
export interface Targets {
  readonly positions: readonly number[];
  readonly tokens: readonly number[];
  readonly rows: readonly number[];
  /** How many tokens of its response stand before that token: targets without a gap. */
  readonly steps: readonly number[];
}

/** Finds the targets: position t is one if the label of t + 1 is. */
export function findTargets({ labels, rows, length }: Batch): Targets {
  const [positions, tokens, ofRows, steps]: number[][] = [[], [], [], []];
  for (let row = 0; row < rows; row++) {
    let step = labels[row * length] === IGNORED ? 0 : 1;
    for (let column = 0; column + 1 < length; column++) {
      const position = row * length + column;
      const label = labels[position + 1]!;
      if (label === IGNORED) step = 0;
      else {
        positions!.push(position);
        tokens!.push(label);
        ofRows!.push(row);
        steps!.push(step++);
      }
    }
  }
  return { positions: positions!, tokens: tokens!, rows: ofRows!, steps: steps! };
}

/**
 * The weight of every target of a step's batches, so that the step's loss is Σ weight · nll.
 * Rows without a target do not count as examples.
 *
 * @throws where no batch has a target.
 */
export function targetWeights(batches: readonly Targets[], reduction: Reduction): Float32Array[] {
  const counts = batches.map(({ rows }) => {
    const perRow = new Map<number, number>();
    for (const row of rows) perRow.set(row, (perRow.get(row) ?? 0) + 1);
    return perRow;
  });
  const examples = counts.reduce((total, perRow) => total + perRow.size, 0);
  const tokens = batches.reduce((total, { rows }) => total + rows.length, 0);
  if (tokens === 0) {
    throw new Error(
      "Expected at least one target in a step, but found none: every label is −100. Drop examples " +
        "whose response is empty or truncated away.",
    );
  }
  return batches.map(({ rows }, batch) =>
    Float32Array.from(
      rows,
      (row) =>
        reduction === "sum"
          ? 1
          : reduction === "token-mean"
          ? 1 / tokens
          : 1 / (examples * counts[batch]!.get(row)!),
    )
  );
}

/** Targets are padded to a multiple of this share of the positions, so that few shapes occur. */
const SHARES = 8;

/** Inputs of a loss program beside the parameters, and what it is compiled for. */
export interface LossInputs {
  readonly specs: Readonly<Record<string, TensorSpec>>;
  readonly data: Record<string, TensorData>;
  /** Place of each target in the outputs, in the order of `Targets`. */
  readonly places: readonly number[];
}

/**
 * Lays a batch out for its program: `ids` [rows, length]; `positions` [N] and their inverse
 * `slots` [rows · length] (N where a position is no target); `picks` [N], the flat index
 * n · vocabSize + token into the logits; `weights` [N], 0 on padding; `steps` [N] if the model counts.
 */
export function lossInputs(
  { ids, rows, length }: Batch,
  { positions, tokens, steps }: Targets,
  weights: Float32Array,
  { vocabSize, counts }: Pick<Forward, "vocabSize" | "counts">,
): LossInputs {
  const all = rows * length;
  const share = Math.ceil(all / SHARES);
  const everywhere = positions.length === rows * (length - 1);
  const rounded = Math.max(1, Math.ceil(positions.length / share)) * share;
  const count = everywhere ? all : Math.min(rounded, all);
  const places = count === all ? positions : positions.map((_, index) => index);
  const picks = Int32Array.from({ length: count }, (_, place) => place * vocabSize);
  const spread = (values: ArrayLike<number>) => {
    const padded = new Float32Array(count);
    places.forEach((place, index) => (padded[place] = values[index]!));
    return padded;
  };
  places.forEach((place, index) => (picks[place]! += tokens[index]!));
  const data: Record<string, TensorData> = { ids, picks, weights: spread(weights) };
  if (counts) data.steps = spread(steps);
  if (count < all) {
    data.positions = new Int32Array(count);
    data.positions.set(positions);
    data.slots = new Int32Array(all).fill(count);
    positions.forEach((position, place) => (data.slots![position] = place));
  }
  const specs: Record<string, TensorSpec> = {};
  for (const [name, values] of Object.entries(data)) {
    const dtype = values instanceof Int32Array ? "int32" : "float32";
    specs[name] = { shape: name === "ids" ? [rows, length] : [values.length], dtype };
  }
  return { specs, data, places };
}

/**
 * Rows of `states` [P, D] at `positions` [N]. Since no two targets share a position, the gradient
 * is a gather as well: from the given gradient, with a row of zeros at its end for other positions.
 */
export function takeRows(
  states: tf.Tensor2D,
  positions: tf.Tensor1D,
  slots: tf.Tensor1D,
): tf.Tensor2D {
  const forward = () => ({ value: tf.gather(states, positions), saved: [slots] });
  return withGradient([states], forward, (dy, [slots]) => {
    const none = tf.zeros([1, states.shape[1]]);
    return [tf.gather(tf.concat([dy as tf.Tensor2D, none]), slots as tf.Tensor1D)];
  });
}

/**
 * Negative log-likelihood [N] of one token a row of `logits` [N, V]; `picks` are flat indices into
 * the logits. Stable for logits of any size: the log of the normaliser is taken where the
 * probability is largest, max z − log max p. The gradient is softmax − one-hot, written into the
 * softmax at the N picked places instead of through an array of ones and zeros.
 */
export function negativeLogLikelihood(logits: tf.Tensor2D, picks: tf.Tensor1D): tf.Tensor1D {
  const forward = () => {
    const probabilities = tf.softmax(logits);
    const normaliser = tf.sub(tf.max(logits, 1), tf.log(tf.max(probabilities, 1)));
    const value = tf.sub(normaliser, tf.gather(tf.reshape(logits, [-1]), picks));
    return { value, saved: [probabilities, picks] };
  };
  return withGradient([logits], forward, (dy, [probabilities, picks]) => {
    const scaled = tf.reshape(tf.mul(probabilities!, tf.reshape(dy, [-1, 1])), [-1]);
    const picked = tf.sub(tf.gather(scaled, picks as tf.Tensor1D), dy);
    const indices = tf.reshape(picks!, [-1, 1]);
    return [tf.reshape(tf.tensorScatterUpdate(scaled, indices, picked), logits.shape)];
  });
}

/** A language model in two parts, as the decoder's `hidden` and `logits`, with its config applied. */
export interface Forward {
  readonly vocabSize: number;
  /** Name of the embedding, and whether the head uses it too. */
  readonly embedding: string;
  readonly tied: boolean;
  /** Whether `logits` wants the steps. */
  readonly counts: boolean;
  /**
   * @param embedded [rows · length, D], the embedding's rows of `ids`
   * @param take the targets' rows of [rows · length, ·]
   * @returns the targets' states, [N, D]
   */
  hidden(
    params: Record<string, tf.Tensor>,
    ids: tf.Tensor2D,
    embedded: tf.Tensor2D,
    take: (states: tf.Tensor2D) => tf.Tensor2D,
  ): tf.Tensor2D;
  /** @param steps [N], for each of the states how many tokens of the response stand before its target */
  logits(
    params: Record<string, tf.Tensor>,
    states: tf.Tensor2D,
    steps?: tf.Tensor1D,
  ): tf.Tensor2D;
}

/**
 * The function that training compiles: parameters and {@link lossInputs}' data in; out the `nll` of
 * every target [N] and, as `grad.NAME`, the gradient of Σ weights · nll for each trained parameter.
 *
 * The gradient that reaches the embedding through the lookup is left as `rows` [rows · length, D],
 * for {@link addRows}: few of the table's rows are touched, and writing all of them costs more than
 * the rest of the lookup. So `grad` of a tied embedding lacks it, and of an untied one is left out.
 */
export function lossFunction(forward: Forward, trained: readonly string[]): TensorFunction {
  const { embedding, tied } = forward;
  const looksUp = trained.includes(embedding);
  const direct = trained.filter((name) => tied || name !== embedding);
  return ({ ids, picks, weights, steps, positions, slots, ...params }) => {
    const embedded = tf.gather(params[embedding]!, tf.reshape(ids!, [-1])) as tf.Tensor2D;
    let nll: tf.Tensor1D | undefined;
    const take = (states: tf.Tensor2D) =>
      positions ? takeRows(states, positions as tf.Tensor1D, slots as tf.Tensor1D) : states;
    const loss = (...values: tf.Tensor[]) => {
      const used = { ...params };
      direct.forEach((name, index) => (used[name] = values[index]!));
      const rows = looksUp ? values[direct.length] as tf.Tensor2D : embedded;
      const states = forward.hidden(used, ids as tf.Tensor2D, rows, take);
      const scores = forward.logits(used, states, steps as tf.Tensor1D | undefined);
      const losses = negativeLogLikelihood(scores, picks as tf.Tensor1D);
      nll = tf.keep(losses);
      return tf.sum(tf.mul(nll, weights!));
    };
    const given = direct.map((name) => params[name]!);
    const grads = tf.grads(loss)(looksUp ? [...given, embedded] : given);
    const outputs: Record<string, tf.Tensor> = { nll: nll! };
    direct.forEach((name, index) => (outputs[`grad.${name}`] = grads[index]!));
    if (looksUp) outputs.rows = grads[direct.length]!;
    return outputs;
  };
}

/** Adds the gradients of looked-up rows, [ids.length, D], to that of the table, [V, D]. */
export function addRows(table: Float32Array, ids: Int32Array, rows: Float32Array): void {
  const width = rows.length / ids.length;
  for (let row = 0; row < ids.length; row++) {
    const [from, to] = [row * width, ids[row]! * width];
    for (let i = 0; i < width; i++) table[to + i]! += rows[from + i]!;
  }
}
