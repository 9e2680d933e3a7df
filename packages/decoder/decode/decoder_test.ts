import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { loadCheckpoint } from "../model/checkpoint.ts";
import { spread, tinyModel } from "../testing/mod.ts";
import { loadTokenizer } from "../tokenizer.ts";
import { createDecoder } from "./decoder.ts";

const golden = fileURLToPath(new URL("../../../../shared/golden", import.meta.url));
const stories = fileURLToPath(
  new URL("../../../../shared/testdata/models/stories260K", import.meta.url),
);
const hasGolden = existsSync(golden), hasStories = existsSync(stories);
if (!hasGolden) console.log("skipped: no ../shared/golden");
if (!hasStories) console.log("skipped: no ../shared/testdata");

const readJson = async (path: string) => JSON.parse(await readFile(path, "utf8"));

/** Weights far apart, so that responses differ. */
const tiny = () => spread(tinyModel({ vocab_size: 61, max_position_embeddings: 40 }));

const prompts = [[5, 9, 12], [7], [3, 4, 5, 6, 8, 30, 31], [40, 41], [50, 1, 60, 59], [11, 12]];

for (
  const name of [
    "llama-mha",
    "llama-gqa-tied-rope3",
    "mistral",
    "olmo",
    "olmo-clip",
    "olmo2",
    "qwen2",
    "qwen3",
    "gpt-neox",
  ]
) {
  Deno.test({
    name:
      `createDecoder() gives the reference's tokens and loss for ${name} (needs ../shared/golden)`,
    ignore: !hasGolden,
    async fn() {
      const gold = await readJson(`${golden}/${name}/golden.json`);
      const decoder = await createDecoder(await loadCheckpoint(`${golden}/${name}`));
      const found = await decoder.generate([gold.greedy.prompt], { maxTokens: 16, minTokens: 16 });
      assert.deepEqual(found, [gold.greedy.ids]);
      // Targets are the labels other than −100, the first position apart, which nothing predicts.
      const pairs = gold.input_ids.map((ids: number[], i: number) => {
        const labels: number[] = gold.labels[i];
        const start = Math.max(1, labels.findIndex((label) => label !== -100));
        const end = labels.findLastIndex((label) => label !== -100) + 1;
        return { prompt: ids.slice(0, start), response: ids.slice(start, end) };
      });
      const scores = await decoder.score(pairs);
      const sum = scores.reduce((all, one) => all + one.sum, 0);
      const tokens = scores.reduce((all, one) => all + one.tokens, 0);
      assert.ok(Math.abs(-sum / tokens - gold.loss) < 1e-5 * gold.loss, `loss ${-sum / tokens}`);
      decoder.dispose();
    },
  });
}

Deno.test({
  name:
    "createDecoder() gives stories260K's 200 tokens and its texts' loss (needs ../shared/testdata)",
  ignore: !hasStories,
  async fn() {
    const gold = await readJson(`${stories}/golden.json`);
    const tokenizer = await loadTokenizer(stories);
    const decoder = await createDecoder(await loadCheckpoint(stories));
    const [bos, ...rest] = gold.greedy_from_bos.ids;
    const [made] = await decoder.generate([[bos]], { maxTokens: rest.length });
    assert.deepEqual(made, rest);
    const pairs = gold.cases.map((one: { text: string; ids: number[] }) => {
      assert.deepEqual(tokenizer.encode(one.text), one.ids);
      return { prompt: one.ids.slice(0, 1), response: one.ids.slice(1) };
    });
    const scores = await decoder.score(pairs);
    gold.cases.forEach((one: { mean_nll: number }, i: number) => {
      assert.ok(Math.abs(-scores[i]!.mean - one.mean_nll) < 1e-4, `case ${i}: ${scores[i]!.mean}`);
    });
    decoder.dispose();
  },
});

Deno.test("generate() gives a batch what its rows get one by one, whatever the batch size", async () => {
  const model = tiny();
  const one = await createDecoder(model, { threads: 1, batchSize: 1 });
  const free = await one.generate(prompts, { maxTokens: 12, eosId: null });
  const options = { maxTokens: 12, eosId: free[2]![4]! }; // rows end at different times
  const alone = await one.generate(prompts, options);
  one.dispose();
  assert.ok(new Set(alone.map((ids) => ids.length)).size > 1, "expected rows of several lengths");
  for (const batchSize of [2, 4, 32]) {
    const decoder = await createDecoder(model, { threads: 2, batchSize });
    assert.deepEqual(await decoder.generate(prompts, options), alone);
    decoder.dispose();
  }
});

Deno.test("generate() keeps to the lengths asked for, and to the context", async () => {
  const decoder = await createDecoder(tiny());
  const free = await decoder.generate(prompts, { eosId: null });
  assert.deepEqual(free.map((ids) => ids.length), prompts.map((prompt) => 40 - prompt.length));
  assert.deepEqual(await decoder.generate([[5]], { maxTokens: 0 }), [[]]);
  // Where a token of the free continuation is made EOS, the response ends there, unless it is too short.
  const eosId = free[0]![3]!;
  const at = free[0]!.indexOf(eosId);
  assert.deepEqual(await decoder.generate([prompts[0]!], { eosId }), [free[0]!.slice(0, at)]);
  const [longer] = await decoder.generate([prompts[0]!], {
    eosId,
    minTokens: at + 1,
    maxTokens: 9,
  });
  assert.ok(longer!.length > at && !longer!.slice(0, at + 1).includes(eosId));
  decoder.dispose();
});

Deno.test("generate() streams tokens, applies processors in turn and can be aborted", async () => {
  const decoder = await createDecoder(tiny());
  const streamed: number[][] = prompts.map(() => []);
  const seen: string[] = [];
  const made = await decoder.generate(prompts, {
    maxTokens: 6,
    eosId: null,
    onToken: (row, id) => streamed[row]!.push(id),
    processors: [
      (logits, { row, ids, promptLength }) => {
        assert.deepEqual(ids.slice(0, promptLength), prompts[row]);
        if (row === 1) logits[33] = 1e6;
        seen.push(`${row}:${ids.length - promptLength}`);
      },
      (logits, { row }) => {
        if (row === 1 && logits[33] === 1e6) logits[34] = 2e6;
      },
    ],
  });
  assert.deepEqual(streamed, made);
  assert.deepEqual(made[1], [34, 34, 34, 34, 34, 34]);
  assert.equal(new Set(seen).size, prompts.length * 6);
  const stop = new AbortController();
  const aborted = decoder.generate([[5]], {
    eosId: null,
    signal: stop.signal,
    onToken: () => stop.abort(new Error("enough")),
  });
  await assert.rejects(aborted, /enough/);
  decoder.dispose();
});

Deno.test("generate() draws the same with the same seed, and within top-p", async () => {
  const decoder = await createDecoder(tiny());
  const draw = (seed: number, topP = 0.9, temperature = 1.5) =>
    decoder.generate(prompts, { maxTokens: 10, eosId: null, temperature, topP, seed });
  assert.deepEqual(await draw(1), await draw(1));
  assert.notDeepEqual(await draw(1), await draw(2));
  const greedy = await decoder.generate(prompts, { maxTokens: 10, eosId: null });
  assert.deepEqual(await draw(3, 1e-6), greedy); // the nucleus is the likeliest token alone
  assert.notDeepEqual(await draw(3, 1), greedy);
  decoder.dispose();
});

Deno.test("score() agrees with the greedy tokens' own probabilities and with any batch", async () => {
  const decoder = await createDecoder(tiny());
  const responses = await decoder.generate(prompts, { maxTokens: 8, eosId: null });
  const sums = prompts.map(() => 0);
  await decoder.generate(prompts, {
    maxTokens: 8,
    eosId: null,
    processors: [(logits, { row }) => {
      const most = Math.max(...logits);
      sums[row]! -= Math.log(logits.reduce((sum, x) => sum + Math.exp(x - most), 0));
    }],
  });
  const pairs = prompts.map((prompt, i) => ({ prompt, response: responses[i]! }));
  const scores = await decoder.score(pairs);
  scores.forEach(({ sum, mean, tokens }, i) => {
    assert.equal(tokens, 8);
    assert.ok(Math.abs(sum - sums[i]!) < 1e-4, `${sum} against ${sums[i]}`);
    assert.ok(Math.abs(mean - sum / 8) < 1e-12);
  });
  const many = await decoder.score(Array.from({ length: 60 }, (_, i) => pairs[i % pairs.length]!));
  many.forEach(({ sum }, i) => {
    assert.ok(Math.abs(sum - scores[i % pairs.length]!.sum) < 1e-4);
  });
  decoder.dispose();
});

Deno.test("generate() and score() refuse what they cannot do", async () => {
  const decoder = await createDecoder(tiny());
  await assert.rejects(decoder.generate([]), /empty batch/);
  await assert.rejects(decoder.score([]), /empty batch/);
  await assert.rejects(decoder.generate([[]]), /prompt 0 to have at least one token/);
  await assert.rejects(decoder.generate([[1], [61]]), /prompt 1 to lie in .* 61 but found 61/);
  await assert.rejects(
    decoder.generate([new Array(40).fill(1)]),
    /prompt 0 to be shorter than the model's context of 40 tokens but found 40/,
  );
  await assert.rejects(
    decoder.score([{ prompt: [1], response: new Array(41).fill(1) }]),
    /context of 40 tokens but found 42/,
  );
  await assert.rejects(decoder.generate([[1]], { temperature: -1 }), /temperature of 0 or more/);
  await assert.rejects(decoder.generate([[1]], { topP: 0 }), /topP above 0/);
  decoder.dispose();
});
