import { deepEqual, ok } from "node:assert/strict";
import { createDecoder, initParameters, parseConfig } from "@implicit/decoder";
import { configOf, evaluationSet } from "@implicit/world";
import { sharedWorld } from "./pretrained.ts";
import { chatterLines, kindChances, replyKinds } from "./reply_kinds.ts";

Deno.test("chatter has its eighteen lines", () => {
  deepEqual(chatterLines().length, 18);
  ok(chatterLines().includes("You never know."));
});

Deno.test("kindChances() of a model that holds one reply for certain gives its kind", async () => {
  const { world, tokenizer } = sharedWorld();
  const { instruction } = evaluationSet(world, "test", 1)[0]!;
  const prompt = tokenizer.encode(`> ${instruction}\n`);
  const config = parseConfig(
    configOf(tokenizer, { hiddenSize: 8, layers: 1, heads: 1, intermediateSize: 8, context: 128 }),
  );
  const parameters = initParameters(config, 1);
  const model = { name: "random", config, parameters, hash: "", folder: null };
  const replies = {
    answer: "The otter eats plums.",
    question: "What does the hen eat?",
    chatter: "I think it will rain.",
    echo: `You ask: ${instruction}`,
    nothing: "",
  };
  for (const kind of replyKinds) {
    const reply = [...tokenizer.encode(replies[kind], { special: false }), tokenizer.eosId];
    const decoder = await createDecoder(model, {
      threads: 1,
      processors: [(logits, { ids, promptLength }) => {
        logits.fill(0)[reply[ids.length - promptLength] ?? 0] = 40;
      }],
    });
    const [chances] = await kindChances(decoder, tokenizer, [{ instruction, prompt }]);
    ok(chances![kind] > 0.99, `${kind}: ${JSON.stringify(chances)}`);
    decoder.dispose();
  }
});
