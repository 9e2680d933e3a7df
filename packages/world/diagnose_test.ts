import assert from "node:assert/strict";
import type { Decoder, LogitsProcessor } from "@implicit/decoder";
import { diagnose } from "./diagnose.ts";
import { createWorld } from "./facts.ts";
import { tokenizerFiles, tokenizerOf } from "./pretraining.ts";
import { worldSeed } from "./recipe.ts";
import { evaluationSet } from "./tasks.ts";
import { unitsOf } from "./units.ts";

const world = createWorld(worldSeed);
const tokenizer = tokenizerOf(tokenizerFiles(world));
const tasks = evaluationSet(world, "validation", 32);
const encode = (text: string) => tokenizer.encode(text, { special: false });
const isGood: LogitsProcessor = () => {};

/** Opens every answer with "I", or the right answer where it has three sentences; ends with 1/8. */
const known: Pick<Decoder, "generate" | "score"> = {
  score: (pairs) =>
    Promise.resolve(pairs.map(({ response }) => {
      const sum = Math.log(response[0] === tokenizer.eosId ? 1 / 8 : 1 / 2);
      return { sum, mean: sum / response.length, tokens: response.length };
    })),
  generate(prompts, { maxTokens, processors = [] } = {}) {
    return Promise.resolve(prompts.map((ids, row) => {
      const right = tasks[row]!.plainResponse;
      if (maxTokens === 1) {
        const logits = new Float32Array(tokenizer.vocabSize).fill(-Infinity);
        logits[encode("I")[0]!] = 0;
        if (unitsOf(right).length > 2) logits[encode(right)[0]!] = Math.log(3);
        for (const processor of processors) processor(logits, { row, ids, promptLength: 1 });
        return [];
      }
      return processors.includes(isGood) ? encode(right) : Array(24).fill(encode(" loop.")).flat();
    }));
  },
};

Deno.test("diagnose() reads openings, repeats and ends off a base, by family and over all", async () => {
  const { all, families, greedy } = await diagnose(known as Decoder, tokenizer, world, {
    tasks,
    prompt: (instruction) => `<user> ${instruction}\n`,
    rules: { none: [], good: [isGood] },
    named: ["I", "We"],
    maxTokens: 72,
  });
  const close = (value: number | undefined, wanted: number) =>
    assert.ok(Math.abs(value! - wanted) < 1e-6, `${value} is not ${wanted}`);
  close(families.animal?.opensAnswer, 3 / 4);
  close(families.animal?.opensNamed, 1 / 4);
  close(families.animal?.answers, 1);
  close(families.sum?.opensChatter, 1);
  close(families.sum?.answers, 0);
  const share = tasks.filter((task) => unitsOf(task.plainResponse).length > 2).length / 32;
  close(all.answers, share);
  close(all.repeats1, 1 / 2);
  close(all.repeats3, 1 / 2);
  close(all.endsAnswer, 1 / 8);
  close(all.endsLoop, 1 / 8);
  assert.ok(Number.isNaN(families.sum?.repeats1));
  assert.deepEqual(greedy.none, { loops: 1, stops: 0, passes: 0 });
  assert.deepEqual(greedy.good, { loops: 0, stops: 1, passes: 1 });
});
