/**
 * What must pretraining contain? Bases whose corpora differ in one thing: how often requests are
 * answered, whether answers fit, in how many formats, and how often the chat template's tags occur.
 */
import { arms } from "../study/arm.ts";
import { corpora } from "./corpora.ts";
import { both, following, ranking } from "./measures.ts";
import { type Cell, crossed, type Plan } from "./plan.ts";
import { studySize, studyTokens } from "./pretrained.ts";

const compared = {
  base: arms.base,
  "instruction tuning": arms.instructionTuning,
  "response tuning": arms.responseTuning,
  poems: arms.singleTask("poems"),
  sums: arms.singleTask("sums"),
  rules: arms.rules(),
};
type ArmName = keyof typeof compared;

interface ArmCell extends Cell {
  readonly factors: { readonly corpus: string; readonly arm: ArmName };
}

export const pretrainingContents: Plan<ArmCell> = {
  name: "pretraining-contents",
  question:
    "What must pretraining contain, so that implicit tuning makes a base follow instructions?",
  expected:
    "Following after response tuning rises with the share of documents in which requests are " +
    "answered, from a threshold near 1 %; ranking is there from far fewer, since it needs only that " +
    "answers share words with requests.",
  contradicted:
    "Response tuning follows as well where no request was ever answered; or ranking and " +
    "following rise at the same share.",
  code: "lib/answers/pretraining_contents.ts",
  cells(size) {
    const isSmoke = size === "smoke";
    const grid = crossed({
      seed: isSmoke ? [1] : [1, 2, 3],
      corpus: isSmoke ? ["answered 0 %", "answered 30 %"] : Object.keys(corpora),
      arm: Object.keys(compared) as ArmName[],
    });
    const base = (corpus: string, seed: number) => ({
      name: corpus,
      seed,
      tokens: isSmoke ? 50_000 : studyTokens,
      size: studySize,
      corpus: corpora[corpus]!,
    });
    return grid.map(({ seed, corpus, arm }) => (
      { factors: { corpus, arm }, base: base(corpus, seed), seed: 1 }
    ));
  },
  async measure(study, { factors, seed }) {
    const arm = compared[factors.arm];
    const follows = await following(study, arm, seed);
    return arm.rules ? follows : both(follows, await ranking(study, arm, seed));
  },
};
