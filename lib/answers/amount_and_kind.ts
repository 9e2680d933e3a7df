/**
 * How much, how long, of what? Response tuning on one response or a thousand, for one update or three
 * hundred; on text that answers nothing; on examples some of which have their instruction; and
 * response tuning and instruction tuning one after the other.
 */
import { pair } from "@implicit/hub";
import { documents, recipe } from "@implicit/world";
import { type Arm, arms, tuningOf } from "../study/arm.ts";
import { studyLike } from "../study/open_study.ts";
import type { Study } from "../study/study.ts";
import { type Example, toResponseTuning } from "../text/example.ts";
import { both, following, ranking } from "./measures.ts";
import { type Cell, crossed, type Plan, shippedBases } from "./plan.ts";
import { sharedWorld } from "./pretrained.ts";

/** Texts that stand in place of responses: genres of the pretraining corpus. */
const genres = {
  "ship's log": "logs",
  "encyclopedia": "encyclopedia",
  "refrains": "refrains",
  "requests": "homework",
} as const;
/** Seeds of such texts start here: bases read documents of other seeds. */
const TEXT_SEED = 1000;
/** Shares of the examples that keep their instruction. */
const mixtures = { "a tenth with instructions": 0.1, "half with instructions": 0.5 } as const;
/** Two tunings, each of half the steps. */
const orders = {
  "responses, then instructions": ["responses", "instructions"],
  "instructions, then responses": ["instructions", "responses"],
} as const;
const plain = {
  "responses": arms.responseTuning,
  "instructions": arms.instructionTuning,
  "shuffled pairs": arms.shuffledPairs,
  "poems alone": {
    ...arms.singleTask("poems"),
    tuning: { data: "single-task", task: "poems", responsesOnly: true },
  },
} as const satisfies Record<string, Arm>;

type Kind =
  | "nothing"
  | keyof typeof plain
  | keyof typeof genres
  | keyof typeof mixtures
  | keyof typeof orders;

interface AmountCell extends Cell {
  readonly factors: {
    readonly tunedOn: Kind;
    /** How many different ones. */
    readonly examples: number;
    /** Updates on sixteen examples each. */
    readonly steps: number;
  };
}

const { examples: MOST, steps: STEPS } = recipe.tuning;

/** Every amount of responses for every length; the longest for some. */
const amounts: readonly AmountCell["factors"][] = [
  { tunedOn: "nothing", examples: 0, steps: 0 },
  ...[
    ...crossed({ examples: [1, 10, 30, 100, 300, MOST], steps: [1, 4, 15, STEPS] }),
    ...crossed({ examples: [10, 100, MOST], steps: [120] }),
    { examples: MOST, steps: 300 },
  ].map((amount) => ({ tunedOn: "responses" as const, ...amount })),
  ...[1, 4, 15, STEPS, 120, 300]
    .map((steps) => ({ tunedOn: "instructions" as const, examples: MOST, steps })),
];

/** Text of other kinds, for a moment and for the recipe's length; and what has that length alone. */
const kinds: readonly AmountCell["factors"][] = [
  ...crossed({
    tunedOn: ["shuffled pairs", "poems alone", ...Object.keys(genres)] as Kind[],
    steps: [4, STEPS],
  }),
  ...crossed({
    tunedOn: [...Object.keys(mixtures), ...Object.keys(orders)] as Kind[],
    steps: [STEPS],
  }),
].map(({ tunedOn, steps }) => ({ tunedOn, examples: MOST, steps }));
/** Half the length and a tenth of the examples, to hold mixtures and orders against. */
const comparisons: readonly AmountCell["factors"][] = [
  { tunedOn: "responses", examples: MOST, steps: STEPS / 2 },
  { tunedOn: "instructions", examples: MOST, steps: STEPS / 2 },
  { tunedOn: "instructions", examples: MOST / 10, steps: STEPS },
];

/** What a smoke test leaves of it. */
const few: readonly Kind[] = [
  "nothing",
  "ship's log",
  "a tenth with instructions",
  "responses, then instructions",
];

export const amountAndKind: Plan<AmountCell> = {
  name: "amount-and-kind",
  question: "How many responses, for how long, and of what kind?",
  expected:
    "Little is enough: ten responses bring more than half of what 960 bring in as many updates, and " +
    "beyond a hundred, or two epochs, little is gained; ranking hardly moves on the way. Text that " +
    "answers nothing teaches when to stop, not to answer: after the ship's log and the encyclopedia a " +
    "base follows no better than before, after refrains it repeats itself. A tenth of the examples " +
    "with instructions does nearly as much as all; of two tunings the last one decides.",
  contradicted:
    "Following that grows with the number of responses up to 960, or falls from two epochs on; text " +
    "that answers nothing as good as responses; ranking that grows as following does; or a share " +
    "of instructions that counts in proportion, in whichever order.",
  code: "lib/answers/amount_and_kind.ts",
  cells(size) {
    const all = [...amounts, ...kinds, ...comparisons];
    if (size === "full") {
      return crossed({ base: shippedBases, factors: all }).map((cell) => ({ ...cell, seed: 1 }));
    }
    return all.filter(({ tunedOn, steps }) => few.includes(tunedOn) || steps === 1)
      .map((factors) => ({ factors, base: "base-1", seed: 1 }));
  },
  async measure(study, { factors, seed }) {
    const { arm, own } = await armOf(study, factors, seed);
    const follows = await following(study, arm, seed, own);
    const { tunedOn, examples, steps } = factors;
    const isCurve = tunedOn === "responses" || tunedOn === "instructions";
    const isRanked = tunedOn === "nothing" || (isCurve && examples === MOST && steps !== STEPS / 2);
    return isRanked ? both(follows, await ranking(study, arm, seed)) : follows;
  },
};

/** What is tuned, and the study in which its examples, or its base, are those that it wants. */
async function armOf(
  study: Study,
  { tunedOn, examples, steps }: AmountCell["factors"],
  seed: number,
): Promise<{ arm: Arm; own: Study }> {
  const sized = (arm: Arm, of = steps): Arm => (
    { ...arm, tuning: { ...tuningOf(arm), examples, steps: of } }
  );
  if (tunedOn === "nothing") return { arm: arms.base, own: study };
  if (isIn(plain, tunedOn)) return { arm: sized(plain[tunedOn]), own: study };
  if (isIn(orders, tunedOn)) {
    const [first, second] = orders[tunedOn];
    const { model } = await study.tuned(sized(plain[first], steps / 2), seed);
    const own = await studyLike(study, {
      base: { ...study.base, model: { ...model, folder: null } },
    });
    return { arm: sized(plain[second], steps / 2), own };
  }
  const made = isIn(genres, tunedOn)
    ? Promise.resolve(textsOf(genres[tunedOn], examples, seed))
    : study.scale.examples({ data: "instructions", examples }, seed)
      .then((all) => mixed(all, mixtures[tunedOn]));
  return {
    arm: sized(arms.responseTuning),
    own: await studyLike(study, { scale: { examples: () => made } }),
  };
}

const isIn = <T extends object>(table: T, name: PropertyKey): name is keyof T =>
  Object.hasOwn(table, name);

/** Documents of one genre as responses to empty instructions. */
export function textsOf(
  genre: (typeof genres)[keyof typeof genres],
  count: number,
  seed: number,
): Example[] {
  const corpus = { ...recipe.corpus, shares: { [genre]: 1 } };
  const stream = documents(sharedWorld().world, TEXT_SEED + seed, corpus);
  return Array.from({ length: count }, () => pair("", stream.next().value!));
}

/** The first examples keep their instruction, a share of all; order does not matter, tuning shuffles. */
export function mixed(examples: readonly Example[], share: number): Example[] {
  const asked = Math.round(share * examples.length);
  return examples.map((example, i) => i < asked ? example : toResponseTuning(example));
}
