/**
 * What most studies measure of an arm on a base: whether it follows instructions, and whether it ranks
 * the right response first.
 */
import { familyNegatives, randomNegatives } from "../study/negatives.ts";
import { createDecoder } from "@implicit/decoder";
import { encodePair } from "../text/example.ts";
import { formatPrompt, templates } from "../text/template.ts";
import { type Arm, arms } from "../study/arm.ts";
import { rankingAccuracy, rankResponses } from "../study/rank.ts";
import { unseenFamilies, winTable } from "../study/results.ts";
import type { Answer, Run } from "../study/run.ts";
import type { Study } from "../study/study.ts";
import { rankingSet, unitsOf } from "@implicit/world";
import { sharedWorld } from "./pretrained.ts";
import type { Measured } from "./plan.ts";

/** Instructions of a study's cell: six a family. */
export const PROMPTS = 96;

/**
 * How an arm follows: `win` against the instruction-tuned model of the same base and seed, `pass`
 * (right, complete, nothing else, ended by itself); shares of answers that stop and that repeat a
 * sentence. The family that a single task was trained on does not count.
 *
 * @param own where the arm is run, if not in `study` itself: with other examples or other tags.
 */
export async function following(
  study: Study,
  arm: Arm,
  seed: number,
  own: Study = study,
): Promise<Measured> {
  const counts = unseenFamilies(study, arm);
  return await outcomesOf(study, await own.run(arm, seed), seed, counts);
}

/**
 * A run, wherever it was made, as {@link following} has it.
 *
 * @param counts which answers count, default all
 * @example
 * outcomesOf(study, run, 1, ({ family }) => family !== "poem")
 */
export async function outcomesOf(
  study: Study,
  run: Run,
  seed: number,
  counts: (answer: Answer) => boolean = () => true,
) {
  const reference = await study.run(arms.instructionTuning, seed);
  const [wins = []] = await winTable(study, [run], [reference]);
  const { answers } = run;
  const counted = (values: readonly number[]) =>
    values.map((value, i) => counts(answers[i]!) ? value : NaN);
  return {
    outcomes: {
      win: counted(wins),
      pass: counted(answers.map(({ passed }) => passed ? 1 : 0)),
    },
    figures: habitsOf(answers.filter(counts)),
  };
}

/** Shares of answers that end by themselves and that say a sentence twice, and their mean length. */
export function habitsOf(answers: readonly Answer[]) {
  const share = (holds: (answer: Answer) => boolean) =>
    answers.filter(holds).length / answers.length;
  const repeats = (text: string) => new Set(unitsOf(text)).size < unitsOf(text).length;
  return {
    stops: share(({ stopped }) => stopped),
    repeats: share(({ response }) => repeats(response)),
    tokens: answers.reduce((sum, { tokens }) => sum + tokens, 0) / answers.length,
  };
}

/**
 * Response ranking (§4.2) by an arm's model: against responses to any instruction (`rankMean`, and by
 * `rankSum` and `rankPmi`), and against responses to instructions of the same family
 * (`rankFamily`, by the mean).
 */
export async function ranking(study: Study, arm: Arm, seed: number): Promise<Measured> {
  const { tokenizer } = study.base;
  const { world } = sharedWorld();
  const template = templates[arm.template];
  const examples = rankingSet(world, "test", study.prompts.length).map((task) => ({
    ...encodePair(task.instruction, task.response, tokenizer, template, Infinity)!,
    family: task.family,
  }));
  const empty = tokenizer.encode(formatPrompt(template, ""));
  const { model, prefix, processors } = await study.tuned(arm, seed);
  const decoder = await createDecoder(model, { threads: 1, prefix, processors });
  try {
    const score = decoder.score.bind(decoder);
    const any = await rankResponses(score, examples, randomNegatives(examples.length), empty);
    const same = await rankResponses(score, examples, familyNegatives(examples), empty);
    const of = (pairs: typeof any, scoring: "mean" | "sum" | "pmi") =>
      rankingAccuracy(pairs, scoring, examples.length).byExample;
    return {
      outcomes: {
        rankMean: of(any, "mean"),
        rankSum: of(any, "sum"),
        rankPmi: of(any, "pmi"),
        rankFamily: of(same, "mean"),
      },
    };
  } finally {
    decoder.dispose();
  }
}

/** Two measurements of one cell as one. */
export function both(a: Measured, b: Measured): Measured {
  return {
    outcomes: { ...a.outcomes, ...b.outcomes },
    figures: { ...a.figures, ...b.figures },
  };
}
