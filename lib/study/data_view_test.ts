import { deepEqual, match } from "node:assert/strict";
import { createTokenizer } from "@implicit/decoder";
import type { Example } from "@implicit/hub";
import { arms } from "./arm.ts";
import { viewData } from "./data_view.ts";
import type { Study } from "./study.ts";

/** One token a character of these. */
const tokenizer = createTokenizer(JSON.stringify({
  added_tokens: [{ id: 0, content: "</s>", special: true, normalized: false }],
  normalizer: null,
  pre_tokenizer: null,
  post_processor: null,
  decoder: { type: "Fuse" },
  model: { type: "BPE", merges: [], vocab: { "</s>": 0, a: 1, b: 2, "\n": 3 } },
}));
const example = (instruction: string, ...responses: string[]): Example => ({
  messages: responses.flatMap((response) => [
    { role: "user", content: instruction } as const,
    { role: "assistant", content: response } as const,
  ]),
});
const studyOf = (examples: Example[]) =>
  ({
    scale: { examples: () => Promise.resolve(examples), maxLength: 5 },
    base: { tokenizer, model: { config: { contextLength: 9 } } },
    seeds: [1],
  }) as unknown as Study;
const arm = { ...arms.instructionTuning, template: "none" as const };

Deno.test("viewData() counts tokens of the whole, the prompt and the targets", async () => {
  // prompt: instruction and newline; targets: response and EOS
  const examples = [["a", "b"], ["aa", "bbbb"], ["a", "ab"], ["aaaa", "b"]]
    .map(([instruction, response]) => example(instruction!, response!));
  const [view] = await viewData(studyOf(examples), [arm]);
  deepEqual(view!.lengths, {
    arm: "instruction-tuning",
    examples: 4,
    "median prompt": 2,
    "median response": 2,
    "90 % of responses up to": 2.8, // between 2 and 3
    longest: 5,
    "cut at 5": 2,
    "nothing left": 1,
    "first tokens": 2,
  });
});

Deno.test("viewData() shows the first three, cut between characters, or why there are none", async () => {
  const long = example("🦙".repeat(200), "a", "b");
  const study = studyOf([long, ...Array(4).fill(example("a", "b"))]);
  const [view, none] = await viewData(study, [arm, arms.base]);
  deepEqual(view!.examples.length, 3);
  deepEqual(view!.examples[0], {
    number: 1,
    instruction: `${"🦙".repeat(159)}…`,
    response: "a",
    turns: 2,
  });
  match(none!.account, /Expected an arm that is tuned/);
});
