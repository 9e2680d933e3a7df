import { deepEqual, equal } from "node:assert/strict";
import type { Example } from "./example.ts";
import { lengthStatistics, previewExamples } from "./statistics.ts";
import { templates } from "./template.ts";
import { createTokenizer } from "@implicit/decoder";

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

Deno.test("lengthStatistics() counts tokens of the whole, the prompt and the targets", () => {
  // prompt: instruction and newline; targets: response and EOS
  const examples = [
    example("a", "b"),
    example("aa", "bbbb"),
    example("a", "ab"),
    example("aaaa", "b"),
  ];
  const options = { maxLength: 5 };
  const { rows, truncated, dropped, firstTokens } = lengthStatistics(
    examples,
    tokenizer,
    templates.none,
    options,
  );
  deepEqual(rows.map((r) => [r.part, r.count, r.min, r.median, r.max]), [
    ["whole", 3, 4, 5, 5],
    ["prompt", 3, 2, 2, 3],
    ["targets", 3, 2, 2, 3],
  ]);
  equal(rows[0]!.mean, 14 / 3);
  deepEqual([truncated, dropped], [2, 1]);
  deepEqual(firstTokens, [{ token: "b", count: 2 }, { token: "a", count: 1 }]);
});

Deno.test("previewExamples() shows the first few, cut between characters", () => {
  const rows = previewExamples([example("hi 🦙🦙🦙", "a", "b"), example("x", "y")], 1, 5);
  deepEqual(rows, [{ number: 1, instruction: "hi 🦙…", response: "a", turns: 2 }]);
  equal(previewExamples([example("x", "y")]).length, 1);
});
