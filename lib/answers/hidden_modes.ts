/**
 * The Bayes reading of implicit tuning: a thread's hidden mode decides whether the second voice
 * answers, asks on, or chatters. Does an adaptation re-weigh these modes and leave alone what is said
 * within them? KL(adapted ‖ base) is the sum of both parts, and the modes of this world are known.
 */
import { type Arm, arms } from "../study/arm.ts";
import { both, following } from "./measures.ts";
import { divergenceFigures, replyFigures } from "./mode_figures.ts";
import { type Cell, crossed, type Plan, shippedBases } from "./plan.ts";
import { asking, type Speaker, speakerOf } from "./speakers.ts";

const adaptations = {
  base: arms.base,
  "instruction tuning": arms.instructionTuning,
  "response tuning": arms.responseTuning,
  poems: arms.singleTask("poems"),
  game: arms.singleTask("game"),
  "shuffled pairs": arms.shuffledPairs,
  rules: arms.rules(),
} satisfies Record<string, Arm>;

/** The base, after one turn that shows which mode the thread is in: evidence in place of tuning. */
const evidence = {
  "base after an answer": "answer",
  "base after a question": "question",
  "base after chatter": "chatter",
} as const;
type Evidence = keyof typeof evidence;
type ArmName = keyof typeof adaptations | Evidence;

interface ModeCell extends Cell {
  readonly factors: { readonly arm: ArmName };
}

export const hiddenModes: Plan<ModeCell> = {
  name: "hidden-modes",
  question:
    "Is response tuning a re-weighting of the modes that pretraining left in the base, and nothing " +
    "more?",
  expected:
    "Response tuning moves nearly all probability to replies that answer, and that is more than half " +
    "of KL(tuned ‖ base); given that the reply is an answer, the right one becomes likelier by less " +
    "than the mode does, most of it by its form and its end. One answered turn shown to the base does " +
    "the same to the modes. A static bias explains most of the divergence at the first token and " +
    "less than half of it later.",
  contradicted:
    "The modes' share of KL(tuned ‖ base) is under a third; or, given that the reply is an answer, " +
    "the right one gains more than the mode; or an answered turn leaves the modes where they were.",
  code: "lib/answers/hidden_modes.ts",
  cells(size) {
    const isSmoke = size === "smoke";
    const smoke: ArmName[] = ["base", "response tuning", "base after an answer"];
    return crossed({
      base: isSmoke ? shippedBases.slice(0, 1) : shippedBases,
      arm: isSmoke ? smoke : [...Object.keys(adaptations), ...Object.keys(evidence)] as ArmName[],
    }).map(({ base, arm }) => ({ factors: { arm }, base, seed: 1 }));
  },
  async measure(study, { factors: { arm: name }, seed }) {
    const [arm, shown] = name in evidence
      ? [arms.base, evidence[name as Evidence]]
      : [adaptations[name as keyof typeof adaptations], null];
    const base = await speakerOf(study, arms.base, seed, null);
    const adapted = await speakerOf(study, arm, seed, shown);
    const shownAnswer: Speaker = { decoder: base.decoder, ask: asking(study, "answer") };
    try {
      const parts = await replyFigures(study, adapted, base);
      const moved = name === "base"
        ? {}
        : await divergenceFigures(study, adapted, base, shownAnswer, seed);
      const figures = { ...parts, ...moved };
      return shown === null ? both(await following(study, arm, seed), { figures }) : { figures };
    } finally {
      base.decoder.dispose();
      adapted.decoder.dispose();
    }
  },
};
