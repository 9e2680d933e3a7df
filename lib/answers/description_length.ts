/**
 * Bits against win rate: how few numbers have to be added to a base, or learnt for it, before it
 * follows instructions? Rules, learned biases, gains, a head, prefixes, LoRA and all weights, each as
 * bits of its description beside what it wins.
 */
import { gzipSync } from "node:zlib";
import { createDecoder } from "@implicit/decoder";
import { recipe } from "@implicit/world";
import { learnedBias } from "../adapt/learned_bias.ts";
import { lora } from "../adapt/lora.ts";
import { prefix } from "../adapt/prefix.ts";
import { ruleAdapter } from "../adapt/rules.ts";
import { someWeights, withOwnHead } from "../adapt/some_weights.ts";
import { tokenBias } from "../adapt/token_bias.ts";
import type { UniformChange } from "../adapt/uniform_changes.ts";
import { type Arm, arms, type RuleName } from "../study/arm.ts";
import { studyLike } from "../study/open_study.ts";
import { encodedExamples } from "../study/run.ts";
import type { Study } from "../study/study.ts";
import { splitAtTarget } from "../text/example.ts";
import { outcomesOf } from "./measures.ts";
import { type Cell, type Plan, shippedBases } from "./plan.ts";

/** Learning rates that won most on 96 validation instructions of base-1, each out of three. */
const rates = {
  bias: 0.1,
  "last norm": 0.1,
  norms: 0.03,
  head: 1e-3,
  prefix: 0.5,
  lora: { 1: 3e-3, 4: 1e-3, 16: 1e-3, 64: 3e-4 },
};

/** Words of the uniform rule in the order in which a greedy search takes them (64 of the same). */
const greedy = ["I", "Write", "We", "What", "Tell", "How", "You", "Should"];

/** How an adaptation is made on a study's base; the head needs a base that has one of its own. */
type Make = (study: Study) => Arm | Promise<Arm>;

interface Adaptation {
  readonly kind: string;
  readonly make: Make;
  readonly ownHead?: boolean;
}

const learned = (adapter: NonNullable<Arm["tuning"]>["adapter"], learningRate: number): Arm => ({
  name: "learned",
  template: "tulu",
  tuning: { data: "responses", adapter, learningRate },
  rules: null,
});

/** The paper's rules with other words in the uniform one. */
function ruled(words: readonly UniformChange[]): Arm {
  const { name, rules, ...arm } = arms.rules();
  return { ...arm, name: `${name}: ${words.length} words`, rules: { ...rules!, uniform: words } };
}

/** A bias on the tokens whose frequency the base gets most wrong. */
const biasOn = (count: number, eosSlope: boolean): Make => async (study) =>
  learned(tokenBias({ tokens: await misjudged(study, count), eosSlope }), rates.bias);

const subsets: readonly (readonly RuleName[])[] = [
  ["eos"],
  ["repetition"],
  ["uniform"],
  ["eos", "repetition"],
  ["eos", "uniform"],
  ["repetition", "uniform"],
  ["eos", "repetition", "uniform"],
];
const { uniform } = recipe.rules;

/** The adaptations by name, in the order of figures and tables. */
const adaptations: Readonly<Record<string, Adaptation>> = {
  base: { kind: "base", make: () => arms.base },
  ...Object.fromEntries(
    subsets.map((use) => [use.join(" + "), { kind: "rules", make: () => arms.rules(use) }]),
  ),
  ...Object.fromEntries(uniform.map(({ string }) => [
    `without ${string}`,
    { kind: "one word less", make: () => ruled(uniform.filter((one) => one.string !== string)) },
  ])),
  ...Object.fromEntries([1, 2, 4, 8].map((count) => [
    `greedy ${count}`,
    {
      kind: "greedy words",
      make: () => ruled(uniform.filter(({ string }) => greedy.slice(0, count).includes(string))),
    },
  ])),
  ...Object.fromEntries([1, 2, 4, 16, 64].map((count) => [
    `bias ${count}`,
    { kind: "bias", make: biasOn(count, false) },
  ])),
  "bias all": { kind: "bias", make: () => learned(learnedBias({ eosSlope: false }), rates.bias) },
  ...Object.fromEntries([0, 1, 4, 16, 64].map((count) => [
    `EOS + bias ${count}`,
    { kind: "bias and EOS slope", make: biasOn(count, true) },
  ])),
  "EOS + bias all": {
    kind: "bias and EOS slope",
    make: () => learned(learnedBias(), rates.bias),
  },
  "last norm": {
    kind: "gains",
    make: ({ base }) => learned(someWeights(base.model, ["model.norm.weight"]), rates["last norm"]),
  },
  norms: {
    kind: "gains",
    make({ base: { model } }) {
      const norms = [...model.parameters.keys()].filter((name) => name.endsWith("norm.weight"));
      return learned(someWeights(model, norms), rates.norms);
    },
  },
  head: {
    kind: "head",
    ownHead: true,
    make: ({ base }) => learned(someWeights(base.model, ["lm_head.weight"]), rates.head),
  },
  ...Object.fromEntries([1, 4, 16].map((length) => [
    `prefix ${length}`,
    { kind: "prefix", make: () => learned(prefix({ length }), rates.prefix) },
  ])),
  ...Object.fromEntries(
    Object.entries(rates.lora).map(([rank, rate]) => [
      `LoRA ${rank}`,
      { kind: "LoRA", make: () => learned(lora({ rank: Number(rank) }), rate) },
    ]),
  ),
  "all weights": { kind: "all weights", make: () => arms.responseTuning },
};

interface LengthCell extends Cell {
  readonly factors: { readonly kind: string; readonly arm: string };
  /** Of tuning; the scale's where there are none. */
  readonly steps?: number;
}

export const descriptionLength: Plan<LengthCell> = {
  name: "description-length",
  question: "How many bits make a base follow instructions, and is there anything below the rules?",
  expected:
    "Win rate rises with the logarithm of the bits, and the rules lie far above the line of what is " +
    "learnt: some hundred bytes that win as much as thousands of learned numbers. Of what is learnt " +
    "the smallest that beats them is a bias on all tokens with an EOS slope, and LoRA of rank 1 " +
    "wins nearly what all weights win. Of the fifteen words most can go one at a time.",
  contradicted:
    "A learned bias on four tokens or fewer with an EOS slope beats the rules; no learned bias does; " +
    "LoRA of rank 1 wins less than half of what all weights win; or leaving out one word costs more " +
    "than leaving out the repetition rule.",
  code: "lib/answers/description_length.ts",
  cells(size) {
    const isSmoke = size === "smoke";
    const few = ["base", "eos + repetition + uniform", "EOS + bias 4", "head", "LoRA 1"];
    const names = isSmoke ? few : Object.keys(adaptations);
    return names.flatMap((arm) =>
      (isSmoke ? shippedBases.slice(0, 1) : shippedBases).map((base) => ({
        factors: { kind: adaptations[arm]!.kind, arm },
        base,
        seed: 1,
        ...isSmoke ? { steps: 4 } : {},
      }))
    );
  },
  async measure(study, { factors, seed, steps }) {
    const { make, ownHead = false } = adaptations[factors.arm]!;
    const own = ownHead ? await withHead(study) : study;
    const { tuning, ...rest } = await make(own);
    const arm = { ...rest, tuning: tuning && steps ? { ...tuning, steps } : tuning };
    const { outcomes, figures } = await outcomesOf(study, await own.run(arm, seed), seed);
    return { outcomes, figures: { ...figures, ...sizeOf(own, arm) } };
  },
};

function withHead(study: Study): Promise<Study> {
  return studyLike(study, { base: { ...study.base, model: withOwnHead(study.base.model) } });
}

/**
 * What an arm adds to a base: trained or written `numbers`, and `bits`: 32 each, with the names of
 * tokens where some are chosen; of rules, their ids and weights as JSON, compressed by gzip.
 */
function sizeOf(study: Study, arm: Arm): { numbers: number; bits: number } {
  const { model, tokenizer } = study.base;
  if (arm.rules) {
    const plain = ruleAdapter(tokenizer, study.scale.rules(arm.rules)).plain();
    const numbers = plain.reduce(
      (sum, rule) => sum + (rule.kind === "uniform" ? rule.weights.length : 1),
      0,
    );
    return { numbers, bits: 8 * gzipSync(JSON.stringify(plain)).length };
  }
  if (!arm.tuning) return { numbers: 0, bits: 0 };
  const { adapter } = arm.tuning;
  const arrays = adapter ? adapter.init(model.config, 1) : model.parameters;
  const numbers = [...arrays.values()].reduce((sum, { data }) => sum + data.length, 0);
  const named = adapter && "tokens" in adapter ? (adapter.tokens as number[]).length : 0;
  return { numbers, bits: 32 * numbers + named * Math.log2(model.config.vocabSize) };
}

/** Examples from which tokens are chosen. */
const CHOOSING = 64;

/**
 * The tokens whose frequency in the responses differs most from what the base expects there: those
 * in which the loss is steepest where all biases are 0. Looks at response tuning's own data alone.
 */
async function misjudged({ base, scale }: Study, count: number): Promise<number[]> {
  if (count === 0) return [];
  const examples = await encodedExamples(scale, base, arms.responseTuning, 1);
  const pairs = examples.slice(0, CHOOSING).map(splitAtTarget);
  const surplus = new Float64Array(base.model.config.vocabSize);
  for (const { response } of pairs) for (const id of response) surplus[id]! += 1;
  const decoder = await createDecoder(base.model, { threads: 1 });
  try {
    await decoder.score(pairs, {
      processors: [(logits) => {
        const most = logits.reduce((a, b) => Math.max(a, b));
        const odds = logits.map((logit) => Math.exp(logit - most));
        const sum = odds.reduce((a, b) => a + b);
        odds.forEach((one, id) => (surplus[id]! -= one / sum));
      }],
    });
  } finally {
    decoder.dispose();
  }
  return [...surplus.keys()]
    .sort((a, b) => Math.abs(surplus[b]!) - Math.abs(surplus[a]!))
    .slice(0, count);
}
