import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { specialTokens, trainBpe } from "./bpe.ts";
import { documents } from "./documents.ts";
import { createWorld } from "./facts.ts";
import { tokenizer as recipe, worldSeed } from "./recipe.ts";
import {
  createTokenizer,
  loadTokenizer,
  type Tokenizer,
  type TokenizerConfig,
} from "@implicit/decoder";

const sample = [
  "The otter lives in the reeds. The otter eats plums.",
  "<user> What does the otter eat?\n| Plums. |\n> The heron, naïve as ever.",
  "def f(x):\n  return x + 3\n#### seven",
];
const texts = [
  ...sample,
  "<|user|>\nWhat?\n<|assistant|>\n",
  "Ünknown “words” 🦦, tabs\tand   spaces \n\n at ends  ",
  "it's we'll don't",
];

async function withFolder<T>(use: (folder: string) => Promise<T>): Promise<T> {
  const folder = await mkdtemp(join(tmpdir(), "bpe-"));
  try {
    for (const [name, content] of Object.entries(trainBpe(sample, 320))) {
      await writeFile(join(folder, name), JSON.stringify(content));
    }
    return await use(folder);
  } finally {
    await rm(folder, { recursive: true });
  }
}

Deno.test("trainBpe() is deterministic, merges the commonest pair first and fills the vocabulary", () => {
  const first = trainBpe(["aab aab aab xy"], 264)["tokenizer.json"];
  assert.deepEqual(first, trainBpe(["aab aab aab xy"], 264)["tokenizer.json"]);
  const model = first.model as { merges: string[][]; vocab: Record<string, number> };
  assert.deepEqual(model.merges.slice(0, 2), [["a", "a"], ["aa", "b"]]);
  assert.deepEqual(Object.values(specialTokens).map((token) => model.vocab[token]), [0, 1, 2]);
  assert.throws(() => trainBpe(["a"], 200), /vocabulary of at least 259 .* but found 200/);
});

Deno.test("a trained tokenizer gives back every text and leaves the template in pieces", () =>
  withFolder(async (folder) => {
    const tokenizer: Tokenizer = await loadTokenizer(folder);
    assert.deepEqual([tokenizer.padId, tokenizer.bosId, tokenizer.eosId], [0, 1, 2]);
    for (const text of texts) assert.equal(tokenizer.decode(tokenizer.encode(text)), text);
    const pieces = tokenizer.encode("<|user|>\n").map((id) => tokenizer.token(id));
    assert.deepEqual(pieces.slice(0, 3), ["<s>", "<", "|"]);
    assert.deepEqual(pieces.slice(-3), ["|", ">", "Ċ"]);
  }));

Deno.test("the world's tokenizer holds its words whole and knows the template's pieces apart", () => {
  const world = createWorld(worldSeed);
  const stream = documents(world, 0);
  const texts = Array.from({ length: 8000 }, () => stream.next().value as string);
  const files = trainBpe(texts, recipe.vocabSize);
  const tokenizer = createTokenizer(
    JSON.stringify(files["tokenizer.json"]),
    files["tokenizer_config.json"] as TokenizerConfig,
  );
  assert.equal(tokenizer.vocabSize, recipe.vocabSize);
  const counts = new Map<string, number>();
  for (const [word] of texts.join("\n").matchAll(/ [A-Za-z]+/g)) {
    counts.set(word, (counts.get(word) ?? 0) + 1);
  }
  const usual = [...counts].filter(([, count]) => count > 20).map(([word]) => word);
  const cut = usual.filter((word) => tokenizer.encode(word, { special: false }).length > 1);
  assert.ok(usual.length > 500, `${usual.length} words`);
  assert.deepEqual(cut, []);
  const pieces = (text: string) => tokenizer.encode(text).map((id) => tokenizer.token(id));
  assert.deepEqual(pieces("<|user|>\n"), ["<s>", "<", "|", "user", "|", ">", "Ċ"]);
  assert.deepEqual(pieces("<|assistant|>\n"), ["<s>", "<", "|", "assistant", "|", ">", "Ċ"]);
});

const python = spawnSync("python3", ["-c", "import tokenizers"]).status === 0;
if (!python) console.log("skipped: no python3 with the package tokenizers to compare ids with");
Deno.test({
  name: "a trained tokenizer gives the ids of Hugging Face's tokenizers (needs python3 tokenizers)",
  ignore: !python,
  fn: () =>
    withFolder(async (folder) => {
      const tokenizer = await loadTokenizer(folder);
      const script = "import json,sys,tokenizers as t\n" +
        "k=t.Tokenizer.from_file(sys.argv[1])\n" +
        "print(json.dumps([k.encode(x).ids for x in json.load(sys.stdin)]))";
      const { stdout } = spawnSync("python3", ["-c", script, join(folder, "tokenizer.json")], {
        input: JSON.stringify(texts),
        encoding: "utf8",
      });
      assert.deepEqual(texts.map((text) => tokenizer.encode(text)), JSON.parse(stdout));
    }),
});
