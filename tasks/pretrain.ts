/**
 * `deno task pretrain`: makes a base of the micro-world from nothing: documents → tokenizer →
 * token stream → random parameters → pretraining → data/world/NAME. A run that was stopped goes on
 * from its last checkpoint when the same command is given again.
 */
import { Command } from "commander";
import { createHash } from "node:crypto";
import { existsSync, readFileSync } from "node:fs";
import { mkdir, rename, rm, writeFile } from "node:fs/promises";
import { cpus } from "node:os";
import { basename, dirname, join } from "node:path";
import { createEngine } from "@implicit/engine";
import { loadCheckpoint, saveCheckpoint } from "@implicit/decoder";
import { progress } from "@implicit/notebook";
import { beginning, pretrain, projectRoot, sharedWorld } from "implicit/tasks";
import { recipe, trainingOptions } from "@implicit/world";
import { whole } from "./arguments.ts";

/** Checkpoints are this many steps apart: about a minute. */
const CHECKPOINT_STEPS = 500;
/** Steps that one point of the stored loss curve averages, and how many stand one by one before. */
const CURVE_STEPS = 20;
const FIRST_STEPS = 200;

/** Which processor computes: other kinds round otherwise, so that losses agree to 1e-4 only. */
export function processor(): string {
  const path = "/proc/cpuinfo"; // "AMD EPYC" alone may be one of several kinds
  const lines = existsSync(path) ? readFileSync(path, "utf8").split("\n\n")[0]!.split("\n") : [];
  const told = lines.filter((line) => /^(vendor_id|cpu family|model|stepping)\s*:/.test(line));
  const kind = told.map((line) => line.replace(/\s*:\s*/, " ")).join(", ");
  return kind || (cpus()[0]?.model ?? "unknown");
}

if (import.meta.main) await main();

async function main(): Promise<void> {
  const options = new Command("deno task pretrain")
    .description("Pretrain a base of the micro-world and write it as a Hugging Face folder.")
    .option("--seed <n>", "seed of documents, parameters and order", whole(1), 1)
    .option("--tokens <n>", "tokens to train on", whole(1), recipe.pretraining.tokens)
    .option("--out <folder>", "where to write it (default data/world/base-SEED)")
    .option("--threads <n>", "threads; the bits depend on it", whole(1), 1)
    .parse()
    .opts<{ seed: number; tokens: number; out?: string; threads: number }>();
  const started = new Date();
  const root = projectRoot();
  const folder = options.out ?? join(root, "data", "world", `base-${options.seed}`);
  const { start: model, stream } = beginning({
    name: basename(folder),
    seed: options.seed,
    tokens: options.tokens,
    size: recipe.model,
    corpus: recipe.corpus,
  });
  const { files } = sharedWorld();
  const training = trainingOptions(stream.length, options.seed);
  const engine = await createEngine({ threads: options.threads });
  const size = [...model.parameters.values()].reduce((total, { data }) => total + data.length, 0);
  console.log(`${size} parameters, ${training.steps} steps; ${JSON.stringify(engine.describe())}`);

  const checkpoints = join(root, ".cache", "pretrain", `${model.name}-${options.tokens}`);
  const bar = progress("pretraining", training.steps);
  let stepsHere = 0;
  const trained = await pretrain(engine, model, stream, {
    ...training,
    checkpoint: { folder: checkpoints, every: CHECKPOINT_STEPS },
    onStep({ step, loss }) {
      stepsHere++;
      bar.update(step, `loss ${loss.toFixed(3)}`);
    },
  });
  await bar.done(`loss ${trained.losses.at(-1)?.toFixed(3)}`);

  // Written aside and then put in the place of what was there.
  const aside = `${checkpoints}.tmp`;
  await saveCheckpoint(trained.model, aside, { dtype: "BF16" });
  const tokenizerJson = JSON.stringify(files["tokenizer.json"]);
  const tokenizerConfig = JSON.stringify(files["tokenizer_config.json"], null, 2);
  await writeFile(join(aside, "tokenizer.json"), tokenizerJson);
  await writeFile(join(aside, "tokenizer_config.json"), `${tokenizerConfig}\n`);
  const about = {
    seed: options.seed,
    worldSeed: recipe.worldSeed,
    tokens: stream.length,
    steps: training.steps,
    parameters: size,
    recipe: {
      corpus: recipe.corpus,
      habits: recipe.habits,
      tokenizer: recipe.tokenizer,
      pretraining: recipe.pretraining,
    },
    hashes: {
      start: model.hash,
      parameters: (await loadCheckpoint(aside)).hash,
      tokenizer: createHash("sha256").update(tokenizerJson).digest("hex"),
      stream: createHash("sha256").update(new Uint8Array(stream.buffer)).digest("hex"),
    },
    engine: engine.describe(),
    processor: processor(),
    runtime: Deno.version,
    date: started.toISOString(),
    seconds: Math.round((Date.now() - started.getTime()) / 1000),
    // Fewer than all where the run was taken up again.
    stepsInSeconds: stepsHere,
    loss: {
      first: trained.losses.slice(0, FIRST_STEPS),
      everySteps: CURVE_STEPS,
      means: curve(trained.losses),
    },
  };
  await writeFile(join(aside, "training.json"), `${JSON.stringify(about, null, 1)}\n`);
  await mkdir(dirname(folder), { recursive: true });
  await rm(folder, { recursive: true, force: true });
  await rename(aside, folder);
  await rm(checkpoints, { recursive: true, force: true });
  console.log(`wrote ${folder}`);
}

function curve(losses: readonly number[]): number[] {
  const points: number[] = [];
  for (let start = 0; start < losses.length; start += CURVE_STEPS) {
    const part = losses.slice(start, start + CURVE_STEPS);
    points.push(Number((part.reduce((a, b) => a + b, 0) / part.length).toFixed(4)));
  }
  return points;
}
