/**
 * What a training is, as data that another engine follows: which rows in which order, the rate of
 * each step, how losses are averaged, and the settings that change what is learnt.
 *
 * Does NOT know how rows are made, nor what files a plan lies in.
 */
import { createHash } from "node:crypto";
import type { Parameters } from "@implicit/decoder";

/** A training example: token ids, and labels in which −100 is no target. */
export interface TokenRow {
  readonly ids: readonly number[];
  readonly labels: readonly number[];
}

/** Low-rank adapters to start from, by PEFT's names without their prefix. */
export interface StartingAdapters {
  readonly rank: number;
  readonly alpha: number;
  readonly arrays: Parameters;
}

/** A training. */
export interface Training {
  readonly rows: readonly TokenRow[];
  /** Places in `rows`, step after step, `batch` a step. */
  readonly order: readonly number[];
  readonly batch: number;
  /** The learning rate of each step. */
  readonly rates: readonly number[];
  readonly reduction: "example-mean" | "token-mean";
  readonly optimizer: {
    readonly betas: readonly [number, number];
    readonly epsilon: number;
    readonly weightDecay: number;
    /** The most the gradient's norm may be; null: whatever it is. */
    readonly clip: number | null;
  };
  /** Longest row in tokens that the other engine may see. */
  readonly maxLength: number;
  /** What is trained in place of all weights. */
  readonly adapters?: StartingAdapters;
}

/** A training as plan.json has it; `settings` by the names of TRL's fields. */
export interface Plan {
  readonly run: string;
  /** File names in the folder. */
  readonly rows: string;
  readonly adapters: readonly string[];
  readonly model: string;
  readonly revision: string | null;
  readonly tokenizer: string;
  readonly batch: number;
  readonly order: readonly number[];
  readonly rates: readonly number[];
  readonly reduction: Training["reduction"];
  /** Of the rows in their order, see {@link hashRows}. */
  readonly sha256: string;
  readonly settings: Readonly<Record<string, string | number | boolean>>;
}

/**
 * sha256 of rows: of each its length, ids and labels, as little-endian int32.
 *
 * @example hashRows([{ ids: [1, 2], labels: [-100, 2] }])
 */
export function hashRows(rows: Iterable<TokenRow>): string {
  const hash = createHash("sha256");
  for (const { ids, labels } of rows) {
    const numbers = [ids.length, ...ids, ...labels];
    const bytes = new DataView(new ArrayBuffer(4 * numbers.length));
    numbers.forEach((number, i) => bytes.setInt32(4 * i, number, true));
    hash.update(bytes);
  }
  return hash.digest("hex");
}

/**
 * The settings that change what is learnt, as TRL's SFTConfig names them: a run in which one of them
 * differs is refused. How fast and on what it runs (precision, checkpointing, processes) is free.
 *
 * @throws where order and rates are not of one length, or a row is longer than `maxLength`.
 */
export function settingsOf(training: Training): Plan["settings"] {
  const { rows, order, batch, rates, optimizer, maxLength } = training;
  if (order.length !== batch * rates.length) {
    throw new Error(
      `Expected ${batch} rows for each of ${rates.length} steps, but found ${order.length} in all.`,
    );
  }
  const longest = rows.reduce((most, { ids }) => Math.max(most, ids.length), 0);
  if (longest > maxLength) {
    throw new Error(`Expected rows of at most ${maxLength} tokens, but found one of ${longest}.`);
  }
  return {
    num_train_epochs: 1, // of the rows in their order
    train_sampling_strategy: "sequential",
    shuffle_dataset: false,
    packing: false,
    max_length: maxLength,
    optim: "adamw_torch",
    adam_beta1: optimizer.betas[0],
    adam_beta2: optimizer.betas[1],
    adam_epsilon: optimizer.epsilon,
    weight_decay: optimizer.weightDecay,
    max_grad_norm: optimizer.clip ?? 0,
    average_tokens_across_devices: true,
  };
}
