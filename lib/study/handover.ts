/**
 * Arms of the paper as trainings for other engines: the same rows, order and rates as this project's
 * own trainer would take, the same prompts and rules. Knows the paper's settings for its two bases;
 * not what files a hand-over consists of.
 */
import { resolve } from "node:path";
import { alignStops, loadConfig, loadTokenizer } from "@implicit/decoder";
import {
  type HandedModel,
  type HandedRun,
  type Handover,
  type Training,
  writeHandover,
} from "@implicit/handover";
import { bareCheckpoint, localPath } from "@implicit/hub";
import type { Adapter } from "../adapt/adapter.ts";
import { ruleAdapter } from "../adapt/rules.ts";
import { tuningBatches } from "../text/batch.ts";
import { formatPrompt, templates } from "../text/template.ts";
import { learningRate } from "../tune/schedule.ts";
import { type Arm, armHash, arms, checkArms, inTemplate, withoutRestating } from "./arm.ts";
import { checkOptions, type StudyOptions, studyOptions } from "./options.ts";
import { encodedExamples, longestExample } from "./run.ts";
import type { Base, Scale } from "./scale.ts";
import { openScale } from "./scales.ts";
import { projectRoot, type Settings } from "./settings.ts";
import { parameterCount } from "./small.ts";

/** How the rate moves: as the authors' code has it, as the paper says, with Hugging Face's warm-up. */
export const schedules = {
  code: { schedule: "linear", warmup: 0.03 },
  paper: { schedule: "cosine", warmup: 0.1 },
  huggingface: { schedule: "linear", warmup: 0.03 },
} as const;
export type ScheduleName = keyof typeof schedules;

/** What is handed over. */
export interface HandoverOptions {
  /** "owner/name" on the hub, or a folder; of a folder only config.json and the tokenizer are read. */
  readonly model: string;
  readonly arms: readonly Arm[];
  readonly seeds: number;
  readonly schedule?: ScheduleName;
  readonly data?: string;
  /** Settings in place of the paper's. */
  readonly tuning?: StudyOptions["tuning"];
  /** The first so many prompts; default all. */
  readonly prompts?: number;
  readonly maxTokens?: number;
  readonly out: string;
  /** Stands in the folder's README. */
  readonly command: string;
}

const [both, OLMO] = [[arms.instructionTuning, arms.responseTuning], /olmo/i];

/** The arms of tables 1 and 3–6: rules and A/B tags are Llama's there, "no rephrase" is OLMo's. */
export function paperArms(model: string): Arm[] {
  const shared = [
    arms.base,
    ...both,
    ...["code", "sums", "poems", "recipes", "game"].map(arms.singleTask),
  ];
  if (OLMO.test(model)) return [...shared, ...both.map(withoutRestating)];
  return [
    ...shared,
    arms.rules(),
    arms.rules(["repetition", "uniform"]),
    arms.rules(["eos", "uniform"]),
    arms.rules(["eos", "repetition"]),
    ...both.map(inTemplate("ab")),
  ];
}

/** Epochs as the seed scripts have them (chosen on the validation set), and the rate. */
const published = [
  {
    model: OLMO,
    learningRate: 3e-6,
    epochs: { code: 7, sums: 7, poems: 5, recipes: 20, game: 20, responses: 7, instructions: 15 },
  },
  {
    model: /./, // Llama-2-7B's for any other
    learningRate: 1e-5,
    epochs: { code: 15, sums: 7, poems: 15, recipes: 20, game: 15, responses: 5, instructions: 15 },
  },
] as const;

/** The paper's epochs and rate for an arm on a base. */
function publishedFor(model: string, { tuning, template }: Arm) {
  const { learningRate, epochs } = published.find((one) => one.model.test(model))!;
  const task = tuning!.task ?? (tuning!.data === "responses" ? "responses" : "instructions");
  const count = epochs[task as keyof typeof epochs] ?? epochs.instructions;
  return { learningRate, epochs: template === "ab" ? 7 : count };
}

/**
 * Writes the folder for these arms and seeds. Untuned arms are one run each.
 *
 * @throws where the model's config.json or tokenizer, or the data, cannot be found (the error says
 *   which files are needed), or an arm cannot be handed over: one with an adapter that is not LoRA,
 *   or with a rule that is a function.
 * @example
 * await handOver({ model: "meta-llama/Llama-2-7b-hf", arms: paperArms("llama"), seeds: 5, out: "llama",
 *   command: "deno task handover …" }, readSettings());
 */
export async function handOver(options: HandoverOptions, settings: Settings): Promise<Handover> {
  checkArms(options.arms);
  checkOptions(studyOptions, { tuning: options.tuning }, "the hand-over's options");
  const { base, model } = await bareBase(options.model);
  const scale = await openScale("paper", { data: options.data }, settings);
  const prompts = (await scale.prompts("test")).slice(0, options.prompts);
  const runs: HandedRun[] = [];
  for (const arm of options.arms) {
    const template = templates[arm.template];
    const rules = arm.rules && ruleAdapter(base.tokenizer, scale.rules(arm.rules)).plain();
    const asked = prompts.map(({ id, instruction }) => ({
      id,
      instruction,
      ids: base.tokenizer.encode(formatPrompt(template, instruction)),
    }));
    const seeds = arm.tuning ? Array.from({ length: options.seeds }, (_, i) => i + 1) : [0];
    for (const seed of seeds) {
      runs.push({
        name: `${arm.name.replaceAll(":", ".")}-${seed}`,
        training: arm.tuning && await trainingOf(scale, base, arm, seed, options),
        prompts: asked.filter(({ ids }) => ids.length < base.model.config.contextLength),
        maxTokens: options.maxTokens ?? scale.maxTokens,
        rules,
        about: { arm: arm.name, armHash: armHash(arm), seed, schedule: options.schedule ?? "code" },
      });
    }
  }
  return await writeHandover(options.out, model, runs, options.command);
}

/** A base without its weights, which only the other machine needs. */
async function bareBase(name: string): Promise<{ base: Base; model: HandedModel }> {
  const local = localPath(name, projectRoot());
  const { folder, revision } = await bareCheckpoint(local ?? name);
  const tokenizer = await loadTokenizer(folder);
  const config = alignStops(await loadConfig(folder), tokenizer);
  return {
    base: { name, tokenizer, model: { name, config, parameters: new Map(), hash: "", folder } },
    model: {
      name: local === null ? name : resolve(local),
      revision,
      tokenizer: tokenizer.hash,
      eosIds: config.eosIds,
      size: {
        parameters: parameterCount(config),
        layers: config.layers,
        hidden: config.hiddenSize,
        intermediate: config.intermediateSize,
        vocabulary: config.vocabSize,
      },
    },
  };
}

/** The batches and rates that `tune` would take, as data. */
async function trainingOf(
  scale: Scale,
  base: Base,
  arm: Arm,
  seed: number,
  { tuning, schedule = "code" }: HandoverOptions,
): Promise<Training> {
  const { steps: given, epochs, batchSize, learningRate: peak, adapter, ...rest } = {
    ...publishedFor(base.name, arm),
    batchSize: 64,
    ...schedules[schedule],
    ...tuning,
    ...arm.tuning,
  };
  const { accumulate = 1, reduction = "example-mean", finalFraction } = rest;
  const batch = batchSize * accumulate;
  const rows = await encodedExamples(scale, base, arm, seed);
  const steps = given ?? Math.max(1, Math.floor(rows.length * epochs / batch));
  const batches = tuningBatches(rows, { batchSize: batch, seed, multiple: 1 });
  const rate = { learningRate: peak, schedule: rest.schedule, warmup: rest.warmup, finalFraction };
  if (reduction === "sum") {
    throw new Error(
      `Expected a reduction that TRL has (example-mean, token-mean), but found "sum" for ` +
        `${arm.name}: leave it out.`,
    );
  }
  if (rest.weightDecay && rest.decayAll) {
    throw new Error("Expected no decayAll, since TRL decays matrices alone: leave it out.");
  }
  return {
    rows,
    order: Array.from({ length: steps }, (_, step) => batches(step)[0]!.examples).flat(),
    batch,
    rates: Array.from(
      { length: steps },
      (_, step) =>
        schedule === "huggingface" && step < Math.ceil(rest.warmup * steps)
          ? peak * step / Math.ceil(rest.warmup * steps) // its first step has a rate of 0
          : learningRate(step, steps, rate),
    ),
    reduction,
    optimizer: {
      betas: rest.betas ?? [0.9, 0.999],
      epsilon: rest.epsilon ?? 1e-8,
      weightDecay: rest.weightDecay ?? 0,
      clip: rest.clip === undefined ? 1 : rest.clip,
    },
    maxLength: longestExample(scale, base),
    ...(adapter ? { adapters: startOf(arm, adapter, base, seed) } : {}),
  };
}

/** The arrays that a LoRA arm starts from here. */
function startOf(
  arm: Arm,
  adapter: Adapter,
  { model }: Base,
  seed: number,
): NonNullable<Training["adapters"]> {
  const { name, rank, alpha } = adapter as typeof adapter & { rank?: number; alpha?: number };
  if (name === "lora" && rank && alpha) {
    return { rank, alpha, arrays: adapter.init(model.config, seed) };
  }
  throw new Error(
    `Expected ${arm.name} to train all weights or lora(), which PEFT has too, but found ${name}: ` +
      `leave it out.`,
  );
}

/**
 * Arms by their names, or the paper's.
 *
 * @param adapter what is trained in place of all weights; the arms are named for it
 * @throws if there is none of a name; the error lists those there are.
 */
export function armsNamed(names: string, model: string, adapter?: Adapter): Arm[] {
  const known = [...paperArms("llama"), ...both.map(withoutRestating), arms.shuffledPairs];
  const chosen = names === "paper" ? paperArms(model) : names.split(",").map((name) => {
    const arm = known.find((one) => one.name === name.trim());
    if (arm) return arm;
    throw new Error(
      `Expected "paper" or arms among ${known.map((one) => one.name).join(", ")}, but found ` +
        `"${name}".`,
    );
  });
  return chosen.map((arm) =>
    adapter && arm.tuning
      ? { ...arm, name: `${arm.name}:${adapter.name}`, tuning: { ...arm.tuning, adapter } }
      : arm
  );
}
