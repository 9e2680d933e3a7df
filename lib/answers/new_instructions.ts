/**
 * What is new to a base: instructions of two requests, names that the world does not have, instructions
 * and answers that its documents never held word for word. Who answers them, and is what is right
 * remembered or made? One arm is tuned on responses whose facts are those of another world.
 */
import { knownMean } from "./estimates.ts";
import { pair } from "@implicit/hub";
import { createWorld, grade, recipe, tasks, tuningSet } from "@implicit/world";
import { type Arm, arms } from "../study/arm.ts";
import { studyLike } from "../study/open_study.ts";
import { answerPrompts } from "../study/run.ts";
import { asTuned } from "../study/scale.ts";
import type { Study } from "../study/study.ts";
import { both, following } from "./measures.ts";
import { composed, gradeComposed, named, namedGrader, nameSorts } from "./novel_requests.ts";
import { type Cell, crossed, type Measured, type Plan, shippedBases } from "./plan.ts";
import { sharedWorld } from "./pretrained.ts";
import { readBy } from "./read_before.ts";

const compared = {
  base: arms.base,
  rules: arms.rules(),
  poems: arms.singleTask("poems"),
  "instruction tuning": arms.instructionTuning,
  "response tuning": arms.responseTuning,
  "response tuning, false": arms.responseTuning,
};
type ArmName = keyof typeof compared;

interface NewCell extends Cell {
  readonly factors: { readonly arm: ArmName };
}

/** Two answers are longer than one. */
const COMPOSED_TOKENS = 120;

export const newInstructions: Plan<NewCell> = {
  name: "new-instructions",
  question: "Who answers instructions of a kind that was never seen, and is it memory?",
  expected:
    "Of two requests in one, every tuned model answers one at most: instruction tuning passes fewer " +
    "than 5 % of what it passes one by one, response tuning no more. Names that were never read cost " +
    "every model most of its answers, names in a new role less than half. Instructions that were read " +
    "word for word are passed no more often than others of their family, and responses with false " +
    "facts teach response tuning as much as true ones.",
  contradicted:
    "Response tuning loses more than instruction tuning where instructions are new; or instructions " +
    "that were read are passed more often than others by 10 points; or false facts cost 10 points.",
  code: "lib/answers/new_instructions.ts",
  cells: (size) =>
    crossed({
      base: size === "smoke" ? ["base-1"] : shippedBases,
      arm: size === "smoke"
        ? ["base", "response tuning"] as const
        : Object.keys(compared) as ArmName[],
    }).map(({ base, arm }) => ({ factors: { arm }, base, seed: 1 })),
  async measure(study, { factors, base, seed }) {
    const own = factors.arm.endsWith("false") ? await onFalseFacts(study) : study;
    const arm = compared[factors.arm];
    const answer = answerer(own, arm, seed);
    const counts = countsFor(own, arm);
    const read = readBy(String(base));
    const parts = [
      await requestsInOne(answer, counts),
      await newNames(answer, counts),
      await readInstructions(answer, read),
      await rightAnswers(own, arm, seed, read),
      await following(study, arm, seed, own),
    ];
    return parts.reduce(both);
  },
};

/** The responses to instructions, and whether each ended by itself. */
type Answerer = (
  instructions: readonly string[],
  maxTokens?: number,
) => Promise<{ readonly response: string; readonly stopped: boolean }[]>;

/** Lets an arm answer any instructions. */
function answerer(study: Study, arm: Arm, seed: number): Answerer {
  return async (instructions, maxTokens = study.scale.maxTokens) => {
    const scale = { ...study.scale, maxTokens, grade: () => null };
    const prompts = instructions.map((instruction, i) => (
      { id: `${i}`, family: "new", instruction, response: null }
    ));
    return await answerPrompts(scale, study.base, await study.tuned(arm, seed), arm, prompts);
  };
}

/** Leaves out what a single task was trained on. */
function countsFor({ scale }: Study, { tuning }: Arm) {
  const trained = tuning?.task === undefined ? null : scale.familyOf(tuning.task);
  return (families: readonly string[], value: boolean) =>
    trained !== null && families.includes(trained) ? NaN : value ? 1 : 0;
}
type Counts = ReturnType<typeof countsFor>;

/** The study with responses that tell the facts of another world. */
async function onFalseFacts(study: Study): Promise<Study> {
  const other = createWorld(recipe.worldSeed + 1);
  const examples: typeof study.scale.examples = (tuning, seed) => {
    const told = tuningSet(other, "instruction", recipe.tuning.examples, 1000 + seed);
    const pairs = told.map(({ instruction, response }) => pair(instruction, response));
    return Promise.resolve(asTuned(pairs, tuning, seed));
  };
  return await studyLike(study, { scale: { examples } });
}

/**
 * Two requests in one: `first`, `second` and `bothAnswered`, whatever stands around; `clean`, both,
 * nothing else, ended. `oneByOne`: both parts pass when each is asked alone.
 */
async function requestsInOne(answer: Answerer, counts: Counts): Promise<Measured> {
  const { world } = sharedWorld();
  const asked = composed(world, 4);
  const answers = await answer(asked.map(({ instruction }) => instruction), COMPOSED_TOKENS);
  const grades = answers.map(({ response, stopped }, i) => {
    const { first, second, clean } = gradeComposed(world, asked[i]!, response);
    return { first, second, bothAnswered: first && second, clean: clean && stopped };
  });
  const parts = asked.flatMap(({ parts }) => parts);
  const alone = (await answer(parts.map(({ instruction }) => instruction)))
    .map(({ response, stopped }, i) => stopped && grade(world, parts[i]!, response).passed);
  const counted = (holds: (i: number) => boolean) =>
    asked.map(({ parts }, i) => counts(parts.map(({ family }) => family), holds(i)));
  const outcomes = {
    first: counted((i) => grades[i]!.first),
    second: counted((i) => grades[i]!.second),
    bothAnswered: counted((i) => grades[i]!.bothAnswered),
    clean: counted((i) => grades[i]!.clean),
    oneByOne: counted((i) => alone[2 * i]! && alone[2 * i + 1]!),
  };
  return {
    outcomes,
    figures: { lostInOne: 100 * (knownMean(outcomes.oneByOne) - knownMean(outcomes.bothAnswered)) },
  };
}

/**
 * Answers in the right form about names that are `seen`, `moved` into a new role, and `unseen`; and
 * those that begin with a sentence of the right kind, whatever its names (`seenKind` …).
 */
async function newNames(answer: Answerer, counts: Counts): Promise<Measured> {
  const { world } = sharedWorld();
  const gradeNamed = namedGrader(world);
  const outcomes: Record<string, number[]> = {};
  for (const sort of nameSorts) {
    const asked = named(world, sort, 4);
    const answers = await answer(asked.map(({ instruction }) => instruction));
    const grades = answers.map(({ response }, i) => gradeNamed(asked[i]!, response));
    const counted = (holds: (i: number) => boolean) =>
      asked.map(({ task }, i) => counts([task.family], holds(i)));
    outcomes[sort] = counted((i) => grades[i]!.form && answers[i]!.stopped);
    outcomes[`${sort}Kind`] = counted((i) => grades[i]!.kind);
  }
  const { seen, moved, unseen } = outcomes;
  return {
    outcomes,
    figures: {
      lostMoved: 100 * (knownMean(seen!) - knownMean(moved!)),
      lostUnseen: 100 * (knownMean(seen!) - knownMean(unseen!)),
    },
  };
}

/**
 * Sums and operations on three words, whose instructions are many: `passRead` of those that the base
 * has read word for word, `passNew` of the others.
 */
async function readInstructions(
  answer: Answerer,
  read: (text: string) => boolean,
): Promise<Measured> {
  const { world } = sharedWorld();
  const three = tasks(world, "text", "test", 400, 5).filter(({ params }) => params.length === 4);
  const asked = [...tasks(world, "sum", "test", 32, 5), ...three.slice(0, 32)];
  const answers = await answer(asked.map(({ instruction }) => instruction));
  const passed = answers.map(({ response, stopped }, i) =>
    stopped && grade(world, asked[i]!, response).passed ? 1 : 0
  );
  const wasRead = asked.map(({ instruction }) => read(instruction));
  const only = (which: boolean) => passed.map((value, i) => wasRead[i] === which ? value : NaN);
  const [passRead, passNew] = [only(true), only(false)];
  return {
    outcomes: { passRead, passNew },
    figures: { gainRead: 100 * (knownMean(passRead) - knownMean(passNew)) },
  };
}

/** Of the right answers, those that the base has read word for word: `remembered`. */
async function rightAnswers(
  study: Study,
  arm: Arm,
  seed: number,
  read: (text: string) => boolean,
): Promise<Measured> {
  const { answers } = await study.run(arm, seed);
  const remembered = answers.map(({ response, passed }) => passed ? read(response) ? 1 : 0 : NaN);
  return { outcomes: { remembered } };
}
