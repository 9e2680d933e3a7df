/**
 * Why chess fails, and what predicts it: single tasks and turned versions of them, with numbers that
 * are known before tuning (and two that are not) beside what each wins on families it never saw.
 */
import { gzipSync } from "node:zlib";
import { mean } from "simple-statistics";
import { createDecoder, type Model, type Parameters } from "@implicit/decoder";
import { createEngine } from "@implicit/engine";
import type { Example } from "@implicit/hub";
import { type Arm, arms } from "../study/arm.ts";
import { studyLike } from "../study/open_study.ts";
import { encodedExamples } from "../study/run.ts";
import type { Study } from "../study/study.ts";
import { tuningBatches } from "../text/batch.ts";
import { type EncodedExample, splitAtTarget } from "../text/example.ts";
import { flatState, layOut } from "../tune/flat.ts";
import { createGradients, forwardOf } from "../tune/gradients.ts";
import { narrowSets } from "./narrow_sets.ts";
import { outcomesOf } from "./measures.ts";
import { type Cell, type Plan, shippedBases } from "./plan.ts";
import { sharedWorld } from "./pretrained.ts";
import { cosine, normOf, weightChange } from "./weight_changes.ts";

interface NarrowCell extends Cell {
  readonly factors: { readonly set: string; readonly dial: string };
  /** Of tuning; the scale's where there are none. */
  readonly steps?: number;
}

export const narrowTasks: Plan<NarrowCell> = {
  name: "narrow-tasks",
  question: "Why does tuning on chess fail, and which number predicts it before one tunes?",
  expected:
    "The cosine of a set's gradient with instruction tuning's predicts best what the set wins on " +
    "families it never saw, the base's loss on the responses comes next, and the entropy of the first " +
    "token says little. A free first word or common words in place of squares do not rescue the " +
    "game; one fixed first line costs the poems little; one fixed poem, and words at random, win " +
    "nothing.",
  contradicted:
    "The game with any first word, or in words, wins more than half of what poems win; the entropy " +
    "of the first token orders held-out tasks better than the gradient's cosine; or one fixed poem " +
    "wins as much as poems.",
  code: "lib/answers/narrow_tasks.ts",
  cells(size) {
    const isSmoke = size === "smoke";
    const few = ["poems", "game", "game in words"];
    return narrowSets.filter(({ name }) => !isSmoke || few.includes(name)).flatMap((
      { name, dial },
    ) =>
      (isSmoke ? shippedBases.slice(0, 1) : shippedBases).map((base) => ({
        factors: { set: name, dial: dial ?? "none" },
        base,
        seed: 1,
        ...isSmoke ? { steps: 8 } : {},
      }))
    );
  },
  async measure(study, { factors, seed, steps }) {
    const { name, family, examples } = narrowSets.find((set) => set.name === factors.set)!;
    const mine = examples(sharedWorld().world, seed);
    const own = await studyLike(study, { scale: { examples: () => Promise.resolve(mine) } });
    const tuning = { ...arms.singleTask(name).tuning!, ...steps ? { steps } : {} };
    const arm: Arm = { ...arms.singleTask(name), tuning };
    const run = await own.run(arm, seed);
    const { outcomes, figures } = await outcomesOf(
      study,
      run,
      seed,
      (answer) => answer.family !== family,
    );
    const { outcomes: { win: winAll } } = await outcomesOf(study, run, seed);
    const set = await encodedExamples(own.scale, own.base, arm, seed);
    const general = await encodedExamples(study.scale, study.base, arms.instructionTuning, seed);
    return {
      outcomes: { ...outcomes, winAll }, // its own family too, for the matrix of transfer
      figures: {
        ...figures,
        ...textFigures(mine, set, general),
        ...await baseLosses(study, set),
        gradientCosine: cosine(
          await gradientOf(study, set),
          await generalGradient(study, seed, general),
        ),
        ...changeFigures(
          study.base.model,
          (await own.tuned(arm, seed)).model,
          (await study.tuned(arms.instructionTuning, seed)).model,
        ),
      },
    };
  },
};

/** What the texts say by themselves; entropies in bits, `length` in tokens with EOS. */
function textFigures(
  examples: readonly Example[],
  set: readonly EncodedExample[],
  general: readonly EncodedExample[],
) {
  const responses = set.map((example) => splitAtTarget(example).response);
  const texts = examples.map(({ messages }) => messages.at(-1)!.content).join("\n");
  const [own, other] = [responses, general.map((example) => splitAtTarget(example).response)]
    .map((list) => sharesOf(list.flat())) as [Map<number, number>, Map<number, number>];
  const mixture = new Map([...own.keys(), ...other.keys()].map((id) => [
    id,
    ((own.get(id) ?? 0) + (other.get(id) ?? 0)) / 2,
  ]));
  return {
    firstEntropy: entropy(sharesOf(responses.map(([first]) => first!))),
    /** Of a response as a whole: what it takes when all are compressed together. */
    responseEntropy: 8 * gzipSync(texts).length / examples.length,
    length: responses.flat().length / responses.length,
    /** Of the tokens from those of instruction tuning's responses: Jensen–Shannon, 0 to 1. */
    divergence: entropy(mixture) - (entropy(own) + entropy(other)) / 2,
  };
}

function sharesOf(ids: readonly number[]): Map<number, number> {
  const counts = new Map<number, number>();
  for (const id of ids) counts.set(id, (counts.get(id) ?? 0) + 1);
  return new Map([...counts].map(([id, count]) => [id, count / ids.length]));
}

const entropy = (shares: ReadonlyMap<number, number>) =>
  [...shares.values()].reduce((sum, share) => sum - share * Math.log2(share), 0);

/** Examples on which losses and gradients are taken. */
const LOOKED_AT = 64;

/** The base's loss on the responses, in nats: a token, and of the first token. */
async function baseLosses({ base }: Study, set: readonly EncodedExample[]) {
  const pairs = set.slice(0, LOOKED_AT).map(splitAtTarget);
  const decoder = await createDecoder(base.model, { threads: 1 });
  try {
    const all = await decoder.score(pairs);
    const firsts = await decoder.score(
      pairs.map(({ prompt, response }) => ({ prompt, response: response.slice(0, 1) })),
    );
    return {
      baseLoss: -mean(all.map((scored) => scored.mean)),
      baseLossFirst: -mean(firsts.map((scored) => scored.mean)),
    };
  } finally {
    decoder.dispose();
  }
}

/** Instruction tuning's gradients, by base and seed: many cells compare with one. */
const generalGradients = new Map<string, Promise<Parameters>>();

function generalGradient(study: Study, seed: number, set: readonly EncodedExample[]) {
  const key = `${study.base.model.hash} ${seed}`;
  const gradient = generalGradients.get(key) ?? gradientOf(study, set);
  generalGradients.set(key, gradient);
  return gradient;
}

/** The gradient of the base's loss in all weights, over some of the examples. */
async function gradientOf(
  { base, scale }: Study,
  set: readonly EncodedExample[],
): Promise<Parameters> {
  const { config, parameters } = base.model;
  const engine = await createEngine({ threads: scale.threads });
  const state = flatState(layOut(parameters), parameters);
  const gradients = createGradients({
    engine,
    forward: forwardOf(config),
    parameters,
    state,
    reduction: "example-mean",
  });
  try {
    const options = { batchSize: LOOKED_AT, seed: 1, maxLength: config.contextLength };
    await gradients.compute(tuningBatches(set, options)(0));
    const data = state.gradients.slice();
    return new Map([["all", { shape: [data.length], data }]]);
  } finally {
    gradients.dispose();
  }
}

/** How far tuning has moved the weights, and how much in instruction tuning's direction. */
function changeFigures(base: Model, tuned: Model, instructed: Model) {
  const change = weightChange(tuned, base);
  return {
    changeNorm: normOf(change),
    changeCosine: cosine(change, weightChange(instructed, base)),
  };
}
