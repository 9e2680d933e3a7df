/**
 * The miniature scale: the micro-world's instructions, its shipped bases, its exact checkers.
 * Offline, minutes on two cores.
 */
import { existsSync } from "node:fs";
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { loadCheckpoint, loadTokenizer } from "@implicit/decoder";
import { pair } from "@implicit/hub";
import {
  createWorld,
  evaluationSet,
  grade,
  rankingSet,
  recipe,
  singleTasks,
  type Task,
  tuningSet,
} from "@implicit/world";
import { type Rules, rulesOf } from "./arm.ts";
import { modelEmbedding } from "./embedding.ts";
import { asTuned, type Scale } from "./scale.ts";
import { projectRoot } from "./settings.ts";

/** Seeds of tuning sets start here, so that no tuning set is drawn with an evaluation set's seed. */
const TUNING_SEED = 1000;

/**
 * The miniature.
 *
 * @throws if no base lies in data/world, or the weights of one are not those that were pretrained.
 */
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
      const [model, tokenizer] = [await loadCheckpoint(path), await loadTokenizer(path)];
      const { hashes } = JSON.parse(await readFile(join(path, "training.json"), "utf8"));
      if (model.hash !== hashes.parameters) {
        throw new Error(
          `Expected weights in ${path} with sha256 ${hashes.parameters}, as training.json has them, ` +
            `but found ${model.hash}: restore the folder, or pretrain the base again.`,
        );
      }
      return { name, model, tokenizer };
    },
    examples(tuning, seed) {
      const kind = tuning.data === "single-task" ? `single:${tuning.task}` as const : "instruction";
      const count = tuning.examples ?? recipe.tuning.examples;
      const examples = tuningSet(world, kind, count, TUNING_SEED + seed)
        .map(({ instruction, response, plainResponse }) =>
          pair(instruction, tuning.restate === false ? plainResponse : response)
        );
      return Promise.resolve(asTuned(examples, tuning, seed));
    },
    prompts(split) {
      const asked = split === "ranking" ? "test" : split;
      const draw = split === "ranking" ? rankingSet : evaluationSet;
      const drawn = draw(world, asked, recipe.evaluation[asked]);
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

/**
 * The recipe's rules with the arm's changes. As the paper has it, the repetition rule covers the
 * response, and EOS gets 100 beyond a horizon; as the code has it, the instruction too, and nothing.
 */
function worldRules(rules: Rules) {
  const { variant = "paper", eosHorizon } = rules;
  const { eosSlope: slope, repetition: weight, exempt, uniform } = recipe.rules;
  const isPaper = variant === "paper";
  return rulesOf(rules, {
    eos: {
      slope,
      beyond: isPaper && eosHorizon !== undefined ? { from: eosHorizon, weight: 100 } : undefined,
    },
    repetition: { weight, scope: isPaper ? "response" : "instruction", exempt },
    uniform,
  });
}
