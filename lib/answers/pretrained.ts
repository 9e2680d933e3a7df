/**
 * Bases made for a study: the micro-world's recipe with one thing changed. What was pretrained is
 * kept under everything that determines it, its stream of tokens among it, and an interrupted
 * pretraining goes on. Does not know what a base is wanted for.
 */
import { hashParameters, initParameters, type Model, parseConfig } from "@implicit/decoder";
import { createEngine } from "@implicit/engine";
import { codeVersion, type DiskCache, sha256 } from "@implicit/memo";
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
import type { Base } from "../study/scale.ts";
import { projectRoot } from "../study/settings.ts";
import { pretrain, type StepInfo } from "../tune/tune.ts";
import { keptModel } from "./kept_model.ts";

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

let shared: ReturnType<typeof makeWorld> | undefined;

function makeWorld() {
  const world = createWorld(recipe.worldSeed);
  const files = tokenizerFiles(world);
  return { world, files, tokenizer: tokenizerOf(files) };
}

/** The world and the tokenizer that all its bases share. */
export const sharedWorld = () => shared ??= makeWorld();

/** What a base is trained from: its random parameters, and the tokens in their order. */
export function beginning({ name, seed, tokens, size, corpus, config }: BaseRecipe) {
  const { world, tokenizer } = sharedWorld();
  const options = { ...configOf(tokenizer, size), ...config };
  const parsed = parseConfig(options);
  const parameters = initParameters(parsed, seed);
  const hash = hashParameters(parameters);
  const start: Model = { name, config: parsed, parameters, hash, folder: null };
  return { options, start, stream: tokenStream(world, tokenizer, seed, tokens, corpus) };
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
  const { tokenizer } = sharedWorld();
  const { name, seed, tokens, size } = wanted;
  const { options: config, start, stream } = beginning(wanted);
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
    config,
    training,
    code: await codeVersion(["lib/tune/tune.ts"], projectRoot()),
    versions: engine.describe().versions,
  };
  const model = await keptModel(
    cache,
    "pretrained",
    key,
    async (beside) =>
      (await pretrain(engine, start, stream, {
        ...training,
        ...options,
        checkpoint: { folder: beside, every: CHECKPOINT_STEPS },
      })).model,
  );
  return { name, model: { ...model, name }, tokenizer };
}
