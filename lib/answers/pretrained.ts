/**
 * Bases made for a study: the micro-world's recipe with one thing changed. What was pretrained is
 * kept under everything that determines it, its stream of tokens among it, and an interrupted
 * pretraining goes on. Does not know what a base is wanted for.
 */
import {
  hashParameters,
  initParameters,
  loadCheckpoint,
  type Model,
  parseConfig,
  saveCheckpoint,
  type Tokenizer,
} from "@implicit/decoder";
import { createEngine } from "@implicit/engine";
import { codeVersion, type DiskCache, hashOf, sha256 } from "@implicit/memo";
import {
  configOf,
  type Corpus,
  createWorld,
  recipe,
  tokenizerFiles,
  tokenizerOf,
  tokenStream,
  trainingOptions,
} from "@implicit/world";
import { join } from "node:path";
import type { Base } from "../study/scale.ts";
import { projectRoot } from "../study/settings.ts";
import { pretrain, type StepInfo } from "../tune/tune.ts";

/** Everything that a base of a study is made from. */
export interface BaseRecipe {
  /** What tables call it; bases of one name differ in their seeds alone. */
  readonly name: string;
  readonly seed: number;
  readonly tokens: number;
  readonly size: recipe.ModelSize;
  readonly corpus: Corpus;
  /** Options that replace those of a Llama's config.json, as `{ model_type: "olmo" }`. */
  readonly config?: Readonly<Record<string, unknown>>;
}

/** The size of most bases of the studies: half a million parameters, five minutes on a slow core. */
export const studySize = {
  hiddenSize: 96,
  layers: 3,
  heads: 4,
  intermediateSize: 256,
  context: 192,
};
/**
 * … and what they read, in steps of four rows: from so little a small base learns more in many small
 * steps than in the recipe's (instruction tuning then passes half as much again).
 */
export const studyTokens = 3_000_000;
const ROWS = 4;

/** Checkpoints are so many steps apart: about half a minute. */
const CHECKPOINT_STEPS = 1000;

let shared: { world: ReturnType<typeof createWorld>; tokenizer: Tokenizer } | undefined;

/** The world and the tokenizer that all its bases share. */
export function sharedWorld() {
  if (shared) return shared;
  const world = createWorld(recipe.worldSeed);
  return shared = { world, tokenizer: tokenizerOf(tokenizerFiles(world)) };
}

/**
 * Pretrains a base, or takes it from the cache.
 *
 * The peak of the learning rate is the recipe's at its width, and falls with the width beyond it, so
 * that sizes can be compared.
 *
 * @throws the signal's reason where aborted; the last checkpoint stays.
 * @example
 * const base = await pretrainedBase(cache, { name: "no-pages", seed: 1, tokens: 5_000_000,
 *   size: recipe.model, corpus: { ...recipe.corpus, shares: { threads: 1 } } });
 */
export async function pretrainedBase(
  cache: DiskCache,
  wanted: BaseRecipe,
  options: { onStep?: (step: StepInfo) => void; signal?: AbortSignal } = {},
): Promise<Base> {
  const { world, tokenizer } = sharedWorld();
  const { name, seed, tokens, size, corpus } = wanted;
  const config = parseConfig({ ...configOf(tokenizer, size), ...wanted.config });
  const parameters = initParameters(config, seed);
  const start: Model = { name, config, parameters, hash: hashParameters(parameters), folder: null };
  const stream = tokenStream(world, tokenizer, seed, tokens, corpus);
  const { batchSize, learningRate } = recipe.pretraining;
  const training = {
    // As many steps, and as short a warm-up, as the recipe takes for as many rows.
    ...trainingOptions(tokens * batchSize / ROWS, seed),
    batchSize: ROWS,
    learningRate: learningRate * recipe.model.hiddenSize / size.hiddenSize,
  };
  const engine = await createEngine({ threads: 1 });
  const key = {
    stream: sha256(new Uint8Array(stream.buffer)),
    start: start.hash,
    config: { ...configOf(tokenizer, size), ...wanted.config },
    training,
    code: await codeVersion(["lib/tune/tune.ts"], projectRoot()),
    versions: engine.describe().versions,
  };
  const place = join(cache.folder, "pretrained", hashOf(key));
  const models = new WeakMap<object, Model>();
  const kept = await cache.of("pretrained", key, async () => {
    const { model } = await pretrain(engine, start, stream, {
      ...training,
      ...options,
      checkpoint: { folder: `${place}.steps`, every: CHECKPOINT_STEPS },
    });
    const value = { weights: model.hash };
    models.set(value, model);
    return value;
  }, {
    write: (value) => saveCheckpoint(models.get(value)!, place),
    async isWhole(value) {
      const model = await loadCheckpoint(place).catch(() => null);
      if (model) models.set(value, model);
      return model?.hash === value.weights;
    },
  });
  return { name, model: { ...models.get(kept)!, name, folder: null }, tokenizer };
}
