/**
 * When does it appear, and does ranking predict it? The same recipe with more and more to read: how the
 * base ranks responses, and what response tuning makes of it. Each base has had its whole schedule, so
 * that none is judged in the middle of its pretraining.
 */
import { recipe } from "@implicit/world";
import { arms } from "../study/arm.ts";
import { both, following, ranking } from "./measures.ts";
import { type Cell, crossed, type Plan } from "./plan.ts";
import { studySize } from "./pretrained.ts";

const compared = {
  base: arms.base,
  "instruction tuning": arms.instructionTuning,
  "response tuning": arms.responseTuning,
};
type ArmName = keyof typeof compared;

interface ReadingCell extends Cell {
  /** Millions of tokens. */
  readonly factors: { readonly tokens: number; readonly arm: ArmName };
}

export const emergence: Plan<ReadingCell> = {
  name: "emergence",
  question: "When in pretraining does it appear, and does ranking predict it?",
  expected:
    "Ranking is above chance after a quarter of a million tokens and nearly done after one; " +
    "following after response tuning needs two or more, since answering needs facts and copying. So " +
    "ranking comes first and predicts following only among bases that rank alike.",
  contradicted: "Following grows in step with ranking, or before it.",
  code: "lib/answers/emergence.ts",
  cells(size) {
    const isSmoke = size === "smoke";
    return crossed({
      seed: isSmoke ? [1] : [1, 2, 3],
      tokens: isSmoke ? [0.05, 0.1] : [0.25, 0.5, 1, 2, 3],
      arm: Object.keys(compared) as ArmName[],
    }).map(({ seed, tokens, arm }) => ({
      factors: { tokens, arm },
      base: {
        name: `${tokens} M tokens`,
        seed,
        tokens: tokens * 1e6,
        size: studySize,
        corpus: recipe.corpus,
      },
      seed: 1,
    }));
  },
  async measure(study, { factors, seed }) {
    const arm = compared[factors.arm];
    return both(await following(study, arm, seed), await ranking(study, arm, seed));
  },
};
