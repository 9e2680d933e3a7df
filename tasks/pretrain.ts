/**
 * `deno task pretrain`: makes a base of the micro-world from nothing: documents → tokenizer →
 * token stream → random parameters → pretraining → data/world/NAME. A run that was stopped goes on
 * from its last checkpoint when the same command is given again.
 */
import { Command } from "commander";
import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { mkdir, rename, rm, writeFile } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { createEngine } from "@implicit/engine";
import {
  createTokenizer,
  hashParameters,
  initParameters,
  loadCheckpoint,
  type Model,
  parseConfig,
  saveCheckpoint,
  type Tokenizer,
} from "@implicit/decoder";
import { progress } from "@implicit/notebook";
import { pretrain, projectRoot } from "implicit/tasks";
import { createWorld, documents, recipe, trainBpe, type World } from "@implicit/world";
import { whole } from "./arguments.ts";

/** Documents for the tokenizer are drawn with this seed, so that all bases share one tokenizer. */
const TOKENIZER_SEED = 0;
/** Checkpoints are this many steps apart: about a minute or two on two cores. */
const CHECKPOINT_STEPS = 500;
/** Steps that one point of the stored loss curve averages. */
const CURVE_STEPS = 20;

const options = new Command("deno task pretrain")
  .description("Pretrain a base of the micro-world and write it as a Hugging Face folder.")
  .option("--seed <n>", "seed of documents, parameters and order", whole(1), 1)
  .option("--tokens <n>", "tokens to train on", whole(1), recipe.pretraining.tokens)
  .option("--out <folder>", "where to write it (default data/world/base-SEED)")
  .option("--threads <n>", "threads (default: all cores); the bits depend on it", whole(1))
  .parse()
  .opts<{ seed: number; tokens: number; out?: string; threads?: number }>();

await main();

async function main(): Promise<void> {
  const started = new Date();
  const root = projectRoot();
  const folder = options.out ?? join(root, "data", "world", `base-${options.seed}`);
  const { pretraining } = recipe;
  const world = createWorld(recipe.worldSeed);

  const files = trainBpe(sample(world), recipe.tokenizer.vocabSize);
  const tokenizerJson = JSON.stringify(files["tokenizer.json"]);
  const tokenizer = createTokenizer(tokenizerJson, files["tokenizer_config.json"]);
  console.log(`tokenizer: ${tokenizer.vocabSize} tokens`);
  const stream = tokenStream(world, tokenizer, options.seed, options.tokens);
  console.log(`stream: ${stream.length} tokens`);

  const config = parseConfig(configJson(tokenizer));
  const parameters = initParameters(config, options.seed);
  const size = [...parameters.values()].reduce((total, { data }) => total + data.length, 0);
  const hash = hashParameters(parameters);
  const model: Model = { name: basename(folder), config, parameters, hash, folder: null };
  const engine = await createEngine({ threads: options.threads });
  const steps = Math.floor(stream.length / (pretraining.batchSize * pretraining.length));
  console.log(`model: ${size} parameters; ${steps} steps; ${JSON.stringify(engine.describe())}`);

  const checkpoints = join(root, ".cache", "pretrain", `${model.name}-${options.tokens}`);
  const bar = progress("pretraining", steps);
  let stepsHere = 0;
  const trained = await pretrain(engine, model, stream, {
    steps,
    batchSize: pretraining.batchSize,
    length: pretraining.length,
    learningRate: pretraining.learningRate,
    schedule: "warmup-stable-decay",
    warmup: pretraining.warmupSteps / steps,
    finalFraction: pretraining.finalFraction,
    betas: pretraining.betas,
    weightDecay: pretraining.weightDecay,
    clip: pretraining.clip,
    reduction: "token-mean",
    seed: options.seed,
    checkpoint: { folder: checkpoints, every: CHECKPOINT_STEPS },
    onStep({ step, loss, gradNorm }) {
      stepsHere++;
      bar.update(step, `loss ${loss.toFixed(3)}`);
      if (step % 100 === 0 && !Deno.stderr.isTerminal()) {
        console.log(
          `step ${step} of ${steps}: loss ${loss.toFixed(4)}, norm ${gradNorm.toFixed(3)}`,
        );
      }
    },
  });
  await bar.done(`loss ${trained.losses.at(-1)?.toFixed(3)}`);

  // Written aside and then put in the place of what was there.
  const aside = `${checkpoints}.tmp`;
  await saveCheckpoint(trained.model, aside, { dtype: "BF16" });
  const tokenizerConfig = JSON.stringify(files["tokenizer_config.json"], null, 2);
  await writeFile(join(aside, "tokenizer.json"), tokenizerJson);
  await writeFile(join(aside, "tokenizer_config.json"), `${tokenizerConfig}\n`);
  const about = {
    seed: options.seed,
    worldSeed: recipe.worldSeed,
    tokens: stream.length,
    steps,
    parameters: size,
    recipe: { corpus: recipe.corpus, tokenizer: recipe.tokenizer, pretraining },
    hashes: {
      parameters: (await loadCheckpoint(aside)).hash,
      tokenizer: createHash("sha256").update(tokenizerJson).digest("hex"),
      stream: createHash("sha256").update(new Uint8Array(stream.buffer)).digest("hex"),
    },
    engine: engine.describe(),
    runtime: Deno.version,
    git: gitHash(root),
    date: started.toISOString(),
    seconds: Math.round((Date.now() - started.getTime()) / 1000),
    // Fewer than all where the run was taken up again.
    stepsInSeconds: stepsHere,
    loss: { everySteps: CURVE_STEPS, means: curve(trained.losses) },
  };
  await writeFile(join(aside, "training.json"), `${JSON.stringify(about, null, 1)}\n`);
  await mkdir(dirname(folder), { recursive: true });
  await rm(folder, { recursive: true, force: true });
  await rename(aside, folder);
  await rm(checkpoints, { recursive: true, force: true });
  console.log(`wrote ${folder}`);
}

/** Documents of about the recipe's number of bytes. */
function* sample(world: World): Generator<string> {
  let bytes = 0;
  for (const document of documents(world, TOKENIZER_SEED)) {
    if (bytes > recipe.tokenizer.sampleBytes) return;
    bytes += document.length;
    yield document;
  }
}

/** Documents one after another, each with its BOS and an EOS at its end, cut at `length` tokens. */
function tokenStream(
  world: World,
  tokenizer: Tokenizer,
  seed: number,
  length: number,
): Uint16Array {
  const stream = new Uint16Array(length);
  let filled = 0;
  for (const document of documents(world, seed)) {
    const ids = [...tokenizer.encode(document), tokenizer.eosId];
    stream.set(ids.slice(0, length - filled), filled);
    filled += ids.length;
    if (filled >= length) break;
  }
  return stream;
}

function configJson(tokenizer: Tokenizer): Record<string, unknown> {
  const { model } = recipe;
  return {
    architectures: ["LlamaForCausalLM"],
    model_type: "llama",
    vocab_size: tokenizer.vocabSize,
    hidden_size: model.hiddenSize,
    intermediate_size: model.intermediateSize,
    num_hidden_layers: model.layers,
    num_attention_heads: model.heads,
    num_key_value_heads: model.heads,
    max_position_embeddings: model.context,
    rms_norm_eps: 1e-5,
    rope_theta: 10000,
    hidden_act: "silu",
    attention_bias: false,
    mlp_bias: false,
    tie_word_embeddings: true,
    bos_token_id: tokenizer.bosId,
    eos_token_id: tokenizer.eosId,
    pad_token_id: tokenizer.padId,
  };
}

function curve(losses: readonly number[]): number[] {
  const points: number[] = [];
  for (let start = 0; start < losses.length; start += CURVE_STEPS) {
    const part = losses.slice(start, start + CURVE_STEPS);
    points.push(Number((part.reduce((a, b) => a + b, 0) / part.length).toFixed(4)));
  }
  return points;
}

function gitHash(root: string): string | null {
  try {
    return execFileSync("git", ["rev-parse", "HEAD"], { cwd: root, encoding: "utf8" }).trim();
  } catch {
    return null; // a copy of the project without its history
  }
}
