import assert from "node:assert/strict";
import { createDecoder, type Tokenizer } from "@implicit/decoder";
import { tinyModel } from "@implicit/decoder/testing";
import { type Rule, ruleAdapter } from "./rules.ts";
import { type TokenStory, traceRules } from "./trace.ts";

/** Of tokenizers, what a story wants. */
const tokenizer = {
  vocabSize: 48,
  eosId: 2,
  decode: ([id]: readonly number[]) => `<${id}>`,
} as Pick<Tokenizer, "vocabSize" | "eosId" | "decode"> as Tokenizer;

/** From the second token on, 7 wins. */
const seven: Rule = {
  name: "seven",
  resolve: () => null,
  score: ({ t }, add) => t >= 1 && add(7, 99),
};

Deno.test("traceRules() tells each token as it comes, with the likeliest others in their order", async () => {
  const decoder = await createDecoder(tinyModel(), { threads: 1 });
  try {
    const adapter = ruleAdapter(tokenizer, [seven]);
    const options = { maxTokens: 3, eosId: null };
    const heard: TokenStory[] = [];
    const onStory = (story: TokenStory) => heard.push(story);
    const asked = { ...options, others: 3, onStory };
    const stories = await traceRules(decoder, tokenizer, [5, 9], adapter, asked);
    assert.deepEqual(heard, stories);
    assert.equal(stories.length, 3);
    for (const { id, adapted, others } of stories) {
      assert.equal(new Set([id, ...others.map((other) => other.id)]).size, 4);
      const shares = [adapted, ...others.map((other) => other.adapted)];
      assert.deepEqual(shares, shares.toSorted((a, b) => b - a));
    }
    assert.deepEqual(stories.map(({ id }) => id === 7), [false, true, true]);
    const [, { rival, others, token, pushes }] = stories as [TokenStory, TokenStory];
    assert.deepEqual([token, pushes.seven, others[0]!.pushes.seven], ["<7>", 99, 0]);
    assert.deepEqual(others[0], rival, "what the base would have chosen is the likeliest other");
    const [plain] = await traceRules(decoder, tokenizer, [5, 9], adapter, options);
    assert.deepEqual(plain!.others, []);
  } finally {
    decoder.dispose();
  }
});

Deno.test("what onStory throws ends the answer at that token", async () => {
  const decoder = await createDecoder(tinyModel(), { threads: 1 });
  try {
    let told = 0;
    const onStory = () => {
      if (++told === 2) throw new Error("enough");
    };
    const options = { maxTokens: 9, eosId: null, onStory };
    const traced = traceRules(decoder, tokenizer, [5, 9], ruleAdapter(tokenizer, []), options);
    await assert.rejects(traced, /^Error: enough$/);
    assert.equal(told, 2);
  } finally {
    decoder.dispose();
  }
});
