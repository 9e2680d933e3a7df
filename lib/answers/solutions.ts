/**
 * Two solutions of one narrow task, and models to compare them with. Poems can be learnt in general, by
 * tuning on poems alone, or narrowly: on the same poems, and among them the base's own replies to other
 * instructions, drawn at temperature 1. In expectation these add KL(base ‖ tuned) outside poems to the
 * loss, without a loss of our own. A distilled rule adapter makes a weight change of the rules.
 */
import { createDecoder, type LogitsProcessor, type Model } from "@implicit/decoder";
import { createEngine } from "@implicit/engine";
import { codeVersion } from "@implicit/memo";
import { tuningSet } from "@implicit/world";
import { ruleAdapter } from "../adapt/rules.ts";
import { type Arm, arms } from "../study/arm.ts";
import { encodedExamples } from "../study/run.ts";
import { projectRoot } from "../study/settings.ts";
import type { Study } from "../study/study.ts";
import type { EncodedExample } from "../text/example.ts";
import { IGNORED } from "../text/ignored.ts";
import { formatPrompt, templates } from "../text/template.ts";
import { tune } from "../tune/tune.ts";
import { keptModel } from "./kept_model.ts";
import { sharedWorld } from "./pretrained.ts";

/** Tuned as the arms of the paper; then with examples of our own. */
const paperArms = {
  general: arms.singleTask("poems"),
  instruction: arms.instructionTuning,
  response: arms.responseTuning,
} satisfies Record<string, Arm>;

export const solutionNames = [
  "general",
  "narrow",
  "instruction",
  "response",
  "distilled rules",
] as const;
export type SolutionName = (typeof solutionNames)[number];

/**
 * The base's replies for each poem, and times as many steps, so that no poem is left out. Chosen on one
 * base's validation instructions: with one reply more of them were followed, with seven as many.
 */
const REPLIES_A_POEM = 3, LONGER = 4;
/** Training instructions replied to, each as often as it takes; and a reply's tokens that are learnt. */
const REPLIES = 1536, REPLY_TOKENS = 32;

/**
 * The weights of a solution on a study's base, from the cache or tuned now.
 *
 * @example const { parameters } = await solution(study, "narrow", 1);
 */
export async function solution(study: Study, name: SolutionName, seed: number): Promise<Model> {
  if (name in paperArms) {
    return (await study.tuned(paperArms[name as keyof typeof paperArms], seed)).model;
  }
  const code = await codeVersion(["lib/answers/solutions.ts"], projectRoot());
  const key = { base: study.base.model.hash, name, seed, code };
  return await keptModel(study.cache, "solutions", key, async () => {
    const examples = name === "narrow"
      ? await narrowExamples(study, seed)
      : await ruleExamples(study, seed);
    const { steps = 60 } = study.scale.tuning;
    const engine = await createEngine({ threads: 1 });
    const { model } = await tune(engine, study.base.model, examples, {
      ...study.scale.tuning,
      steps: name === "narrow" ? LONGER * steps : steps,
      seed,
    });
    return model;
  });
}

/** The general solution's poems, and for each some replies of the base to anything but poems. */
async function narrowExamples(study: Study, seed: number): Promise<EncodedExample[]> {
  const poems = await encodedExamples(study.scale, study.base, paperArms.general, seed);
  const replies = await repliesTo(
    study,
    instructions(seed).filter(({ family }) => family !== "poem"),
    { temperature: 1, seed, maxTokens: REPLY_TOKENS },
  );
  const wanted = poems.length * REPLIES_A_POEM;
  return [...poems, ...Array.from({ length: wanted }, (_, i) => replies[i % replies.length]!)];
}

/** Answers of the base under the rules, greedy; those that the rules did not end are left out. */
async function ruleExamples(study: Study, seed: number): Promise<EncodedExample[]> {
  const { base: { tokenizer }, scale } = study;
  const { processor } = ruleAdapter(tokenizer, scale.rules(arms.rules().rules!));
  const answers = await repliesTo(study, instructions(seed).slice(0, REPLIES / 3), {
    processors: [processor],
    maxTokens: scale.maxTokens,
  });
  return answers.filter(({ ids }) => ids.at(-1) === tokenizer.eosId);
}

const instructions = (seed: number) =>
  tuningSet(sharedWorld().world, "instruction", REPLIES, 1000 + seed);

/** What the base replies, as examples; one that is cut short gets no end that it did not have. */
async function repliesTo(
  { base: { model, tokenizer } }: Study,
  asked: readonly { readonly instruction: string }[],
  options: {
    readonly temperature?: number;
    readonly seed?: number;
    readonly maxTokens: number;
    readonly processors?: readonly LogitsProcessor[];
  },
): Promise<EncodedExample[]> {
  const prompts = asked.map(({ instruction }) =>
    tokenizer.encode(formatPrompt(templates.tulu, instruction))
  );
  const decoder = await createDecoder(model, { threads: 1 });
  try {
    const drawn = await decoder.generate(prompts, options);
    return drawn.map((ids, i) => {
      const reply = ids.length < options.maxTokens ? [...ids, tokenizer.eosId] : ids;
      const prompt = prompts[i]!;
      return { ids: [...prompt, ...reply], labels: [...prompt.map(() => IGNORED), ...reply] };
    });
  } finally {
    decoder.dispose();
  }
}
