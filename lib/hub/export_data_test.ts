import { deepEqual, equal, match, rejects, throws } from "node:assert/strict";
import { existsSync } from "node:fs";
import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { encodeExample, type Example, IGNORED } from "../text/example.ts";
import { templates } from "../text/template.ts";
import { createTokenizer } from "../text/tokenizer.ts";
import { axolotlRows, trlConfig, trlRows, writeTrl } from "./export_data.ts";

const testdata = new URL("../../../shared/testdata/tokenizers/", import.meta.url);
const ignore = !existsSync(testdata);
if (ignore) console.log("export_data_test: ../shared/testdata is absent; Llama-2 skipped");

const dialogue: Example = {
  messages: [
    { role: "user", content: "Hi " },
    { role: "assistant", content: "Ho" },
    { role: "user", content: "" },
    { role: "assistant", content: "No\n" },
  ],
};
/** Enough of a tokenizer for its EOS. */
const tokenizer = createTokenizer(JSON.stringify({
  added_tokens: [{ id: 0, content: "</s>", special: true, normalized: false }],
  normalizer: null,
  pre_tokenizer: null,
  post_processor: null,
  decoder: null,
  model: { type: "BPE", vocab: { "</s>": 0 }, merges: [] },
}));
const options = { model: "lab/base", output: "out", learningRate: 1e-5, epochs: 15, seed: 1 };

Deno.test("trlRows() gives a row a response, without the EOS that TRL appends", () => {
  deepEqual(trlRows([dialogue], tokenizer, templates.tulu), [
    { prompt: "<|user|>\nHi\n<|assistant|>\n", completion: "Ho" },
    {
      prompt: "<|user|>\nHi\n<|assistant|>\nHo</s>\n<|user|>\n\n<|assistant|>\n",
      completion: "No",
    },
  ]);
});

Deno.test("axolotlRows() joins to the training text, targets labelled", () => {
  const [row] = axolotlRows([dialogue], tokenizer, templates.ab);
  deepEqual(row!.segments, [
    { label: false, text: "<|A|>\nHi\n<|B|>\n" },
    { label: true, text: "Ho</s>\n" },
    { label: false, text: "<|A|>\n\n<|B|>\n" },
    { label: true, text: "No</s>" },
  ]);
});

Deno.test({
  name:
    "trlRows() and axolotlRows() hold encodeExample()'s ids for Llama-2 (needs ../shared/testdata)",
  ignore,
  async fn() {
    const json = await readFile(new URL("llama2.tokenizer.json", testdata), "utf8");
    const llama = createTokenizer(json, { bos_token: "<s>", eos_token: "</s>" });
    const { ids, labels } = encodeExample(dialogue, llama, templates.tulu)!;
    const { prompt, completion } = trlRows([dialogue], llama, templates.tulu).at(-1)!;
    const promptIds = llama.encode(prompt);
    deepEqual([...llama.encode(prompt + completion), llama.eosId], ids);
    equal(labels.findLastIndex((label) => label === IGNORED) + 1, promptIds.length);
    const text = axolotlRows([dialogue], llama, templates.tulu)[0]!.segments.map((s) => s.text);
    deepEqual(llama.encode(text.join(""), { special: false }), ids); // BOS is written out
  },
});

Deno.test("trlConfig() has the authors' settings, or the paper's", () => {
  const yaml = trlConfig(options);
  match(yaml, /^lr_scheduler_type: "linear"\nwarmup_steps: 0.03$/m);
  match(yaml, /^gradient_accumulation_steps: 64$/m);
  match(yaml, /^learning_rate: 0.00001$/m);
  match(trlConfig({ ...options, learningRate: 3e-7 }), /^learning_rate: 3\.0e-7$/m);
  match(trlConfig({ ...options, schedule: "paper" }), /"cosine"\nwarmup_steps: 0.1\n/);
  match(trlConfig({ ...options, lora: { rank: 8, alpha: 16 } }), /lora_r: 8\nlora_alpha: 16\n/);
  throws(() => trlConfig({ ...options, perDevice: 3 }), /multiple of perDevice × devices = 3/);
});

Deno.test("writeTrl() writes both files, or nothing", async () => {
  const folder = await mkdtemp(join(tmpdir(), "trl-"));
  const rows = trlRows([dialogue], tokenizer, templates.tulu);
  await rejects(writeTrl(folder, rows, { ...options, perDevice: 3 }), /multiple of/);
  deepEqual(await readdir(folder), []);
  await writeTrl(folder, rows, options);
  deepEqual((await readdir(folder)).sort(), ["sft.yaml", "train.jsonl"]);
  const lines = (await readFile(join(folder, "train.jsonl"), "utf8")).trim().split("\n");
  deepEqual(lines.map((line) => JSON.parse(line)), rows);
  await rm(folder, { recursive: true });
});
