/**
 * The miniature scale: the micro-world's instructions, its shipped bases, its exact checkers.
 * Offline, minutes on two cores.
 */
import { existsSync } from "node:fs";
import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { loadCheckpoint, loadTokenizer } from "@implicit/decoder";
import { type Example, pair } from "@implicit/hub";
import {
  createWorld,
  evaluationSet,
  grade,
  recipe,
  singleTasks,
  type Task,
  tuningSet,
} from "@implicit/world";
import { eosRamp } from "../adapt/eos_ramp.ts";
import { repetitionPenalty } from "../adapt/repetition_penalty.ts";
import { uniformChanges } from "../adapt/uniform_changes.ts";
import { shuffledOrder } from "../text/batch.ts";
import { toResponseTuning } from "../text/example.ts";
import { type Rules, type Tuning, useRules } from "./arm.ts";
import { modelEmbedding } from "./embedding.ts";
import type { Scale } from "./scale.ts";
import { projectRoot } from "./settings.ts";

/** Seeds of tuning sets start here, so that no tuning set is drawn with an evaluation set's seed. */
const TUNING_SEED = 1000;

export async function miniature(): Promise<Scale> {
  const folder = join(projectRoot(), "data", "world");
  const names = existsSync(folder) ? await readdir(folder) : [];
  const bases = names.filter((name) => existsSync(join(folder, name, "config.json"))).sort();
  if (bases.length === 0) {
    throw new Error(
      `Expected a base model in ${folder}, but found none: restore data/world from the ` +
        "repository, or run `deno task pretrain`.",
    );
  }
  const world = createWorld(recipe.worldSeed);
  const tasksById = new Map<string, Task>();
  return {
    name: "miniature",
    bases,
    singleTasks: Object.keys(singleTasks),
    code: ["lib/study/miniature.ts"],
    familyOf: (task) => singleTasks[task]?.family ?? null,
    inStyle: (task, response) => singleTasks[task]?.style.test(response) ?? false,
    tuning: {
      steps: recipe.tuning.steps,
      batchSize: recipe.tuning.batchSize,
      learningRate: recipe.tuning.learningRate,
      warmup: recipe.tuning.warmupSteps / recipe.tuning.steps,
      finalFraction: recipe.tuning.finalFraction,
    },
    maxTokens: recipe.evaluation.maxTokens,
    threads: 1, // so that a run's bits depend on no number of cores
    async loadBase(name) {
      const path = join(folder, name);
      return { name, model: await loadCheckpoint(path), tokenizer: await loadTokenizer(path) };
    },
    examples: (tuning, seed) =>
      Promise.resolve(
        tuningExamples(tuning, seed, (kind, count) =>
          tuningSet(world, kind, count, TUNING_SEED + seed)),
      ),
    prompts(split) {
      const asked = split === "ranking" ? "test" : split;
      const drawn = evaluationSet(world, asked, recipe.evaluation[asked]);
      for (const task of drawn) tasksById.set(task.id, task);
      return Promise.resolve(drawn.map(({ id, family, instruction, response }) => (
        { id, family, instruction, response }
      )));
    },
    grade: ({ id }, response) => grade(world, tasksById.get(id)!, response),
    judge: null, // its checker
    embedding: ({ model, tokenizer }) => modelEmbedding(model, tokenizer),
    rules: worldRules,
  };
}

type Draw = (kind: "instruction" | `single:${string}`, count: number) => Task[];

function tuningExamples(tuning: Tuning, seed: number, draw: Draw): Example[] {
  const count = tuning.examples ?? recipe.tuning.examples;
  const single = tuning.data === "single-task";
  const drawn = draw(single ? `single:${tuning.task}` : "instruction", count);
  const responses = drawn.map((t) => tuning.restate === false ? t.plainResponse : t.response);
  const paired = tuning.data === "shuffled-pairs" ? rotateShuffled(responses, seed) : responses;
  const examples = drawn.map((task, i) => pair(task.instruction, paired[i]!));
  const empty = tuning.data === "responses" || tuning.responsesOnly === true;
  return empty ? examples.map(toResponseTuning) : examples;
}

/** Gives every place another place's entry: neighbours on a seeded random cycle change places. */
export function rotateShuffled<T>(list: readonly T[], seed: number): T[] {
  const order = shuffledOrder(list.length, seed, 0);
  const moved = new Array<T>(list.length);
  order.forEach((place, i) => moved[place] = list[order[(i + 1) % list.length]!]!);
  return moved;
}

/**
 * The recipe's rules with the arm's changes. As the paper has it, the repetition rule covers the
 * response; as the code has it, the instruction too.
 */
function worldRules({ variant = "paper", eosSlope, eosHorizon, repetitionWeight, ...arm }: Rules) {
  const { eosSlope: slope, repetition: weight, exempt, uniform } = recipe.rules;
  const beyond = eosHorizon !== undefined && variant === "paper"
    ? { from: eosHorizon, weight: 100 }
    : undefined;
  return useRules(arm.use, {
    eos: eosRamp({ slope: eosSlope ?? slope, horizon: eosHorizon, beyond }),
    repetition: repetitionPenalty({
      weight: repetitionWeight ?? weight,
      scope: variant === "paper" ? "response" : "instruction",
      exempt,
    }),
    uniform: uniformChanges(
      arm.uniform ?? uniform.map(([string, weight]) => ({ string, weight })),
    ),
  });
}
