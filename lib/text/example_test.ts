import { deepEqual, equal, throws } from "node:assert/strict";
import { existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { encodeExample, type Example, explainMask, toResponseTuning } from "./example.ts";
import { formatPrompt, templates } from "./template.ts";
import { createTokenizer } from "@implicit/decoder";

const testdata = new URL("../../../shared/testdata/tokenizers/", import.meta.url);
const ignore = !existsSync(testdata);
if (ignore) console.log("example_test: ../shared/testdata is absent; golden masks skipped");
const read = (path: string) => readFile(new URL(path, testdata), "utf8");
const llama2 = async () =>
  createTokenizer(await read("llama2.tokenizer.json"), { bos_token: "<s>", eos_token: "</s>" });

/** One token a character, and "$" for EOS: mask boundaries can be read off. */
const characters = () => {
  const vocab = Object.fromEntries(
    ["$", ...Array.from({ length: 95 }, (_, i) => String.fromCharCode(32 + i)), "\n"]
      .filter((c, i, all) => all.indexOf(c) === i).map((c, i) => [c, i]),
  );
  return createTokenizer(
    JSON.stringify({
      added_tokens: [{ id: 0, content: "$", special: true, normalized: false }],
      normalizer: null,
      pre_tokenizer: null,
      post_processor: null,
      decoder: { type: "Fuse" },
      model: { type: "BPE", vocab, merges: [] },
    }),
    { bos_token: "$", eos_token: "$" },
  );
};
const dialogue: Example = {
  messages: [
    { role: "user", content: " Hi " },
    { role: "assistant", content: "Ho\n" },
    { role: "user", content: "Go" },
    { role: "assistant", content: "No" },
  ],
};
const targets = (example: Example, options = {}, template = templates.tulu) => {
  const t = characters();
  const encoded = encodeExample(example, t, template, options)!;
  return explainMask(encoded, t).map((x) => x.target ? x.text : ".").join("").replace(/\.+/g, ".");
};

Deno.test("encodeExample() trains on responses, EOS and the newline between turns", () => {
  equal(targets(dialogue), ".Ho$\n.No$");
  equal(targets(dialogue, { turnNewline: false }), ".Ho$.No$");
  equal(targets(toResponseTuning(dialogue)), ".Ho$\n.No$");
});

Deno.test("encodeExample() keeps the whole text, truncates at the limit, drops what has no target", () => {
  const t = characters();
  const text = "<|user|>\nHi\n<|assistant|>\nHo$\n<|user|>\nGo\n<|assistant|>\nNo$";
  const encoded = encodeExample(dialogue, t, templates.tulu)!;
  equal(t.decode(encoded.ids, { skipSpecial: false }), text);
  const prompt = formatPrompt(templates.tulu, "Hi").length;
  equal(encodeExample(dialogue, t, templates.tulu, { maxLength: prompt }), null);
  const cut = encodeExample(dialogue, t, templates.tulu, { maxLength: prompt + 1 })!;
  deepEqual(cut.labels, [...Array(prompt).fill(-100), t.tokenId("H")]);
});

Deno.test("encodeExample() puts the evaluation prompt's ids before the response, for every template", () => {
  const t = characters();
  for (const template of Object.values(templates)) {
    for (const instruction of ["", "Hi"]) {
      const messages = [
        { role: "user", content: instruction },
        { role: "assistant", content: "Ho" },
      ] as const;
      const { ids, labels } = encodeExample({ messages }, t, template)!;
      const prompt = t.encode(formatPrompt(template, instruction));
      deepEqual(ids.slice(0, prompt.length), prompt, template.name);
      deepEqual(labels, [...prompt.map(() => -100), ...t.encode("Ho$")], template.name);
    }
  }
});

Deno.test("encodeExample() refuses what is no conversation", () => {
  const encode = (messages: unknown) => () =>
    encodeExample({ messages } as Example, characters(), templates.tulu);
  throws(encode([]), /at least one message/);
  throws(encode([{ role: "human", content: "" }]), /message 0 but found "human"/);
  throws(encode([{ role: "user", content: 3 }]), /message 0 \(user\) but found number/);
});

Deno.test({
  name: "encodeExample() equals the golden masks of Llama-2 and OLMo (needs ../shared/testdata)",
  ignore,
  async fn() {
    const tokenizers = {
      llama2: await llama2(),
      olmo: createTokenizer(await read("olmo_dolma_v1_5.tokenizer.json"), {
        eos_token: "<|endoftext|>",
      }),
    };
    const { cases } = JSON.parse(await read("golden_masks.json"));
    equal(cases.length, 9);
    for (const { name, messages, max_length, ...expected } of cases) {
      for (const [key, tokenizer] of Object.entries(tokenizers)) {
        const options = { maxLength: max_length };
        const encoded = encodeExample({ messages }, tokenizer, templates.tulu, options);
        const { ids, labels } = expected[key];
        const dropped = labels.every((label: number) => label === -100);
        deepEqual(encoded, dropped ? null : { ids, labels }, `${name}, ${key}`);
      }
    }
  },
});

Deno.test({
  name:
    "formatPrompt() of an empty instruction has the paper's 15 Llama-2 ids (needs ../shared/testdata)",
  ignore,
  async fn() {
    deepEqual(
      (await llama2()).encode(formatPrompt(templates.tulu, "")),
      // deno-fmt-ignore
      [1, 529, 29989, 1792, 29989, 29958, 13, 13, 29966, 29989, 465, 22137, 29989, 29958, 13],
    );
  },
});
