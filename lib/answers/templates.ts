/**
 * Do the tags matter? Tuned in one chat template and asked in another: tags with a meaning, without
 * one, swapped, none but a newline, those that pretraining had, and no tag for the user.
 */
import { type Arm, arms } from "../study/arm.ts";
import { studyLike } from "../study/open_study.ts";
import type { Study } from "../study/study.ts";
import { type ChatTemplate, templates } from "../text/template.ts";
import { following } from "./measures.ts";
import { type Cell, crossed, type Plan, shippedBases } from "./plan.ts";

type Tags = Pick<ChatTemplate, "user" | "assistant">;

const tags = {
  semantic: templates.tulu,
  "A and B": templates.ab,
  swapped: templates.swapped,
  newline: templates.none,
  /** One pair of the markers that threads of the pretraining corpus draw. */
  "as in threads": { user: "[user]\n", assistant: "[assistant]\n" },
  "no user tag": { user: "", assistant: templates.tulu.assistant },
} as const satisfies Record<string, Tags>;
type TagsName = keyof typeof tags;

interface TemplateCell extends Cell {
  readonly factors: {
    readonly arm: "base" | "response tuning" | "instruction tuning";
    /** The base is tuned in none. */
    readonly tuned: TagsName | "–";
    readonly asked: TagsName;
  };
}

/**
 * An instruction between tags, but for the last newline, which the template without tags adds: so
 * any tags can be tried as a part of the text, token for token as if they were the template's. Where
 * there is neither a user's tag nor an instruction, training strips the newline before the rest.
 *
 * @example inTags(templates.tulu, "Hi") // "<|user|>\nHi\n<|assistant|>"
 */
export function inTags({ user, assistant }: Tags, instruction: string): string {
  return (user + instruction + "\n" + assistant).slice(0, -1);
}

/** The study with its examples in one template and its prompts in another. */
function between(study: Study, tuned: Tags, asked: Tags): Promise<Study> {
  const { scale } = study;
  return studyLike(study, {
    scale: {
      examples: async (tuning, seed) =>
        (await scale.examples(tuning, seed)).map(({ messages }) => ({
          messages: messages.map((message) =>
            message.role === "user"
              ? { ...message, content: inTags(tuned, message.content) }
              : message
          ),
        })),
      prompts: async (split) =>
        (await scale.prompts(split)).map((prompt) => (
          { ...prompt, instruction: inTags(asked, prompt.instruction) }
        )),
    },
  });
}

const compared: Readonly<Record<TemplateCell["factors"]["arm"], Arm>> = {
  base: { ...arms.base, template: "none" },
  "response tuning": { ...arms.responseTuning, template: "none" },
  "instruction tuning": { ...arms.instructionTuning, template: "none" },
};

const all = Object.keys(tags) as TagsName[];
const few: TagsName[] = ["semantic", "newline"];

export const templatesStudy: Plan<TemplateCell> = {
  name: "templates",
  question: "Do the tags of the chat template matter, and must they be those of the tuning?",
  expected:
    "Any tags do that are the same in tuning and asking: response tuning in A and B, swapped, or " +
    "a newline alone follows within ten points of tags with a meaning, and needs no tag for the " +
    "user. Asked in other tags than those of its tuning, it keeps more than half of its gain over " +
    "the base.",
  contradicted:
    "A template in which response tuning follows more than ten points worse than in another, tuned " +
    "and asked in it; or tuning in one template that leaves the base as it is in another.",
  code: "lib/answers/templates.ts",
  cells(size) {
    const isSmoke = size === "smoke";
    const bases = isSmoke ? (["base-1"] as const) : shippedBases;
    const asked = isSmoke ? few : all;
    const tunedIn = {
      base: ["–"],
      "response tuning": asked,
      "instruction tuning": isSmoke ? [] : all.slice(0, 4),
    } as const;
    return crossed({ base: bases, arm: Object.keys(tunedIn) as (keyof typeof tunedIn)[] })
      .flatMap(({ base, arm }) =>
        crossed({ tuned: tunedIn[arm], asked })
          .map(({ tuned, asked }) => ({ factors: { arm, tuned, asked }, base, seed: 1 }))
      );
  },
  async measure(study, { factors: { arm, tuned, asked }, seed }) {
    const own = await between(study, tags[tuned === "–" ? asked : tuned], tags[asked]);
    return await following(study, compared[arm], seed, own);
  },
};
