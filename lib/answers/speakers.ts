/**
 * Who replies to instructions: an arm's model with its rules, asked in the chat template, plainly or
 * after a turn that shows what kind of thread this is. Does not know what is measured.
 */
import { createDecoder, type Decoder, type Tokenizer } from "@implicit/decoder";
import { tuningSet } from "@implicit/world";
import { ruleAdapter } from "../adapt/rules.ts";
import type { Arm } from "../study/arm.ts";
import type { Prompt } from "../study/scale.ts";
import type { Study } from "../study/study.ts";
import { formatPrompt, templates } from "../text/template.ts";
import { sharedWorld } from "./pretrained.ts";
import { type Asked, chatterLines, type ReplyKind } from "./reply_kinds.ts";

/** Longest turn that is shown as evidence, in tokens. */
const SHOWN = 48;

/** A model, and what stands in front of an instruction. */
export interface Speaker {
  readonly decoder: Decoder;
  ask(prompts: readonly Prompt[]): Asked[];
}

/** An arm's model with its rules, asked plainly or after a turn of a kind. */
export async function speakerOf(
  study: Study,
  arm: Arm,
  seed: number,
  shown: ReplyKind | null,
): Promise<Speaker> {
  const { model, prefix, processors = [] } = await study.tuned(arm, seed);
  const rules = ruleAdapter(study.base.tokenizer, arm.rules ? study.scale.rules(arm.rules) : []);
  const all = [...processors, ...arm.rules ? [rules.processor] : []];
  const decoder = await createDecoder(model, { threads: 1, prefix, processors: all });
  return { decoder, ask: asking(study, shown) };
}

/** Puts instructions into the chat template, after a turn whose reply is of the given kind. */
export function asking({ base: { tokenizer } }: Study, shown: ReplyKind | null): Speaker["ask"] {
  const turns = shown === null ? [] : shownTurns(tokenizer, shown);
  return (prompts) =>
    prompts.map(({ instruction, family }, i) => {
      const others = turns.filter((turn) => turn.family !== family);
      const before = others[i % others.length]?.text ?? "";
      const prompt = tokenizer.encode(before + formatPrompt(templates.tulu, instruction));
      return { instruction, prompt };
    });
}

/** Turns about training instructions, short enough to leave room. */
function shownTurns(tokenizer: Tokenizer, kind: ReplyKind) {
  const tasks = tuningSet(sharedWorld().world, "instruction", 256, 0);
  const lines = chatterLines();
  return tasks.map(({ family, instruction, plainResponse }, i) => {
    const next = tasks[(i + 1) % tasks.length]!.instruction;
    const reply = kind === "answer"
      ? plainResponse
      : kind === "question"
      ? next
      : lines[i % lines.length]!;
    return { family, text: `${formatPrompt(templates.tulu, instruction)}${reply}\n` };
  }).filter(({ text }) => tokenizer.encode(text).length <= SHOWN);
}
