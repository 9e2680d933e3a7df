import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import {
  argmax,
  createDecoder,
  createTokenizer,
  loadCheckpoint,
  loadTokenizer,
  type LogitsProcessor,
  normalGenerator,
  type StepContext,
  type Tokenizer,
  transformersProcessor,
} from "@implicit/decoder";
import { tinyModel } from "@implicit/decoder/testing";
import { formatPrompt, templates } from "../text/template.ts";
import { eosRamp } from "./eos_ramp.ts";
import { rules } from "./published_rules.ts";
import { repetitionPenalty } from "./repetition_penalty.ts";
import { type Rule, ruleAdapter } from "./rules.ts";
import { naiveRule, onlyRule, type RuleName } from "../testing/naive_rules.ts";
import { tokenIds } from "./tokens.ts";
import { traceRules } from "./trace.ts";
import { uniformChanges } from "./uniform_changes.ts";

const testdata = fileURLToPath(new URL("../../../shared/testdata", import.meta.url));
const hasTestdata = existsSync(testdata);
if (!hasTestdata) console.log("skipped: no ../shared/testdata");

const llama2 = () =>
  createTokenizer(readFileSync(`${testdata}/tokenizers/llama2.tokenizer.json`, "utf8"), {
    eos_token: "</s>",
  });

/** A byte-level vocabulary of single letters and a few words. */
function byteLevel(): Tokenizer {
  const words = ["<eos>", "I", "ĠI", "Ċ", "We", ".", ",", "a", "b", "c"];
  return {
    vocabSize: words.length,
    bosId: null,
    eosId: 0,
    padId: null,
    hash: "",
    encode: () => [],
    decode: () => "",
    tokenId: (token) => words.includes(token) ? words.indexOf(token) : undefined,
    token: (id) => words[id]!,
  };
}

/** Non-zero scores that an adapter's processor adds at a step. */
function scores(processor: LogitsProcessor, context: StepContext, size: number) {
  const logits = new Float32Array(size);
  processor(logits, context);
  return Object.fromEntries(
    [...logits.entries()].filter(([, x]) => x !== 0).map(([id, x]) => [id, Number(x.toFixed(4))]),
  );
}

Deno.test({
  name: "rules.llama2() names the ids and weights of the authors' code (needs ../shared/testdata)",
  ignore: !hasTestdata,
  fn() {
    const expected: Record<number, number> = {
      29966: -4,
      529: -4,
      29989: -4,
      306: -5,
      29902: -5,
      1334: -3,
      5618: -5,
      881: -6,
      334: 1,
      448: 1,
      1678: 1,
      396: 1,
      444: 1,
      13: 1,
      29991: 1,
    };
    const tokenizer = llama2();
    const uniform = (variant: "paper" | "code") =>
      ruleAdapter(tokenizer, rules.llama2(variant)).explain().filter((row) =>
        row.rule === "uniform"
      );
    const found = Object.fromEntries(uniform("code").map(({ ids, weight }) => [ids[0]!, weight]));
    assert.deepEqual(found, expected);
    assert.ok(uniform("code").every(({ ids }) => ids.length === 1));
    const what = uniform("paper").find(({ string }) => string === "What");
    assert.deepEqual(what, { rule: "uniform", string: "What", ids: [5618], weight: -3 });
    const eos = ruleAdapter(tokenizer, rules.llama2()).explain()[0]!;
    assert.deepEqual([eos.string, eos.ids, eos.weight], ["</s>", [2], 0.06]);
  },
});

Deno.test({
  name: "rules.llama2() counts from the last tags, as the authors' code (needs ../shared/testdata)",
  ignore: !hasTestdata,
  fn() {
    const tokenizer = llama2();
    const prompt = tokenizer.encode(formatPrompt(templates.tulu, "Name a color"));
    assert.deepEqual(prompt.slice(-6), [29989, 465, 22137, 29989, 29958, 13]);
    const at = (variant: "paper" | "code", rule: RuleName, ids: number[]) => {
      const adapter = onlyRule(tokenizer, variant, rule);
      const context = { row: 0, ids, promptLength: prompt.length };
      return scores(adapter.processor, context, tokenizer.vocabSize);
    };
    const after = (count: number) => [...prompt, ...new Array(count).fill(4000)];
    assert.deepEqual(at("code", "eos", after(0)), {});
    assert.deepEqual(at("code", "eos", after(100)), { 2: 6 });
    assert.deepEqual(at("code", "eos", after(249)), { 2: 14.94 });
    assert.deepEqual(at("code", "eos", after(250)), {});
    assert.deepEqual(at("code", "eos", after(1025)), {});
    assert.deepEqual(at("paper", "eos", after(250)), {});
    assert.deepEqual(at("paper", "eos", after(1025)), { 2: 100 });
    // A model that writes the assistant's tag itself restarts the clock.
    assert.deepEqual(at("code", "eos", [...after(7), ...prompt.slice(-6), 5, 5]), { 2: 0.12 });

    assert.deepEqual(at("paper", "repetition", after(0)), {});
    assert.deepEqual(at("paper", "repetition", after(3)), { 4000: -1.5 });
    const code = Object.keys(at("code", "repetition", after(3))).map(Number);
    const instruction = [1170, 263, 2927]; // "Name", "▁a", "▁color"
    const tag = [13, 29966, 29989, 465, 22137, 29958]; // "\n<|assistant|>\n"
    const all = new Set([...instruction, ...tag, 4000]);
    assert.deepEqual(new Set(code), all);
  },
});

Deno.test("ruleAdapter() finds a string's tokens with and without a space, and says which are none", () => {
  const adapter = ruleAdapter(byteLevel(), [
    eosRamp({ slope: 0.5 }),
    repetitionPenalty({ weight: -2, scope: "response", exempt: [".", "\n"] }),
    uniformChanges([
      { string: "I", weight: -4 },
      { string: "We", weight: -3 },
      { string: "We", weight: 1, exact: true },
      { string: "You", weight: -1 },
      { string: "\n", weight: 2 },
    ]),
  ]);
  assert.deepEqual(adapter.explain(), [
    { rule: "eos", string: "<eos>", ids: [0], weight: 0.5 },
    { rule: "repetition", string: "(every token of response)", ids: [], weight: -2 },
    { rule: "repetition", string: ".", ids: [5], weight: 0 },
    { rule: "repetition", string: "\n", ids: [3], weight: 0 },
    { rule: "uniform", string: "I", ids: [1, 2], weight: -4 },
    { rule: "uniform", string: "We", ids: [4], weight: -3 },
    { rule: "uniform", string: "We", ids: [4], weight: 1 },
    { rule: "uniform", string: "You", ids: [], weight: -1 },
    { rule: "uniform", string: "\n", ids: [3], weight: 2 },
  ]);
  const context = { row: 0, ids: [9, 8, 7, 7, 5, 3], promptLength: 2 };
  assert.deepEqual(scores(adapter.processor, context, 10), {
    0: 2,
    1: -4,
    2: -4,
    3: 2,
    4: 1,
    7: -2,
  });
  assert.throws(
    () => ruleAdapter(byteLevel(), [uniformChanges([{ string: "You", weight: 1 }])]),
    /none of "You" in the vocabulary/,
  );
});

/** A model of the tests' vocabulary, whatever it would say. */
function randomLogits(size: number, seed: number): Float32Array {
  const normal = normalGenerator(seed);
  return Float32Array.from({ length: size }, () => 4 * normal());
}

/** Softmax in double precision. */
function softmax(logits: ArrayLike<number>): number[] {
  const most = Math.max(...Array.from(logits));
  const powers = Array.from(logits, (x) => Math.exp(x - most));
  const sum = powers.reduce((a, b) => a + b);
  return powers.map((power) => power / sum);
}

Deno.test("adding scores to logits is the product of experts of equations 4 and 5", () => {
  const tokenizer = byteLevel();
  const three = [
    eosRamp({ slope: 0.3 }),
    repetitionPenalty({ weight: -1.5, scope: "instruction", exempt: ["."] }),
    uniformChanges([{ string: "I", weight: -5 }, { string: "\n", weight: 1 }]),
  ];
  const size = tokenizer.vocabSize;
  const context = { row: 0, promptLength: 2, ids: [7, 8, 8, 5, 1, 9, 9] };
  const changed = new Set<number>();
  for (let seed = 1; seed <= 200; seed++) {
    const logits = randomLogits(size, seed);
    const base = softmax(logits);
    // Equation 5: the rules as a distribution of their own, each an expert (what is not named has e⁰).
    const experts = three.map((rule) => {
      const scores = new Array<number>(size).fill(0);
      ruleAdapter(tokenizer, [rule]).parts.get(rule.name)!(context, (id, weight) => {
        scores[id]! += weight;
      });
      return softmax(scores);
    });
    // Equation 4: p_base · p_rules / Z.
    const product = base.map((p, id) => experts.reduce((all, expert) => all * expert[id]!, p));
    const z = product.reduce((a, b) => a + b);
    const added = logits.slice();
    ruleAdapter(tokenizer, three).processor(added, context);
    softmax(added).forEach((p, id) => assert.ok(Math.abs(p - product[id]! / z) < 1e-6));
    const best = product.indexOf(Math.max(...product));
    assert.equal(argmax(added), best);
    changed.add(Number(best !== argmax(logits)));
  }
  assert.equal(changed.size, 2, "expected the rules to change some choices, and not all");
});

Deno.test("a rule that a cell writes changes the tokens, beside the library's", async () => {
  const shouting: Rule<number[]> & { weight: number } = {
    name: "shouting",
    weight: 100,
    resolve: (tokenizer) => tokenIds(tokenizer, "We"),
    score({ t, resolved }, add) {
      if (t >= 2) { for (const id of resolved) add(id, this.weight); }
    },
  };
  const decoder = await createDecoder(tinyModel(), { threads: 1 });
  const generate = async (all: readonly Rule[]) => {
    const { processor } = ruleAdapter(byteLevel(), all);
    const options = { maxTokens: 5, eosId: null, processors: [processor] };
    return (await decoder.generate([[7, 8, 9]], options))[0]!;
  };
  const plain = await generate([]);
  assert.ok(!plain.includes(4));
  assert.deepEqual(await generate([shouting]), [...plain.slice(0, 2), 4, 4, 4]);
  const quiet = uniformChanges([{ string: "We", weight: -100 }]);
  assert.deepEqual(await generate([shouting, quiet]), plain);
  const silent = { ...shouting, weight: 0 };
  assert.deepEqual(await generate([silent]), plain);
  decoder.dispose();
});

Deno.test("ruleAdapter() refuses two rules of one name, and scores that are none", () => {
  const two = [
    uniformChanges([{ string: "I", weight: 1 }]),
    eosRamp({ slope: 1, name: "uniform" }),
  ];
  assert.throws(
    () => ruleAdapter(byteLevel(), two),
    /"uniform" twice, as number 1 \(.*"weight":1.*\) and number 2 \(.*"slope":1.*\)/,
  );
  const wrong = (id: number, weight: number): Rule => ({
    name: "wrong",
    resolve: () => null,
    score: (_, add) => add(id, weight),
  });
  const context = { row: 0, ids: [1], promptLength: 1 };
  for (const [id, weight] of [[10, 1], [-1, 1], [0.5, 1], [1, NaN]] as const) {
    const { processor } = ruleAdapter(byteLevel(), [wrong(id, weight)]);
    assert.throws(
      () => processor(new Float32Array(10), context),
      /rule "wrong" to add numbers .* vocabulary of 10, but found/,
    );
  }
});

Deno.test({
  name: "ruleAdapter() chooses the naive rules' tokens on stories260K (needs ../shared/testdata)",
  ignore: !hasTestdata,
  async fn() {
    const folder = `${testdata}/models/stories260K`;
    const loaded = await loadTokenizer(folder);
    // This model ends its stories with the next one's BOS.
    const tokenizer = { ...loaded, eosId: loaded.bosId! };
    const options = { maxTokens: 250, eosId: tokenizer.eosId };
    const decoder = await createDecoder(await loadCheckpoint(folder));
    const head = tokenizer.encode("<|user|>\n");
    const prompts = ["Tell me about a cat!", "What did Tom do?", "I"].map((text) =>
      tokenizer.encode(formatPrompt(templates.tulu, text))
    );
    for (const prompt of prompts) assert.deepEqual(prompt.slice(0, head.length), head);
    const plain = await decoder.generate(prompts, options);
    for (const variant of ["paper", "code"] as const) {
      for (const rule of ["eos", "repetition", "uniform"] as const) {
        const adapter = onlyRule(tokenizer, variant, rule);
        const found = await decoder.generate(prompts, {
          ...options,
          processors: [adapter.processor],
        });
        const bias = naiveRule(rule, variant, tokenizer, head.length);
        const expected = await decoder.generate(prompts, {
          ...options,
          processors: [(logits, { ids, promptLength }) => {
            for (const [id, weight] of bias(ids, promptLength)) logits[id]! += weight;
          }],
        });
        assert.deepEqual(found, expected, `${rule}, ${variant}`);
        assert.notDeepEqual(found, plain, `expected ${rule} (${variant}) to change something`);

        const steps = await traceRules(decoder, tokenizer, prompts[0]!, adapter, options);
        const ids = steps.map(({ id }) => id).filter((id) => id !== tokenizer.eosId);
        assert.deepEqual(ids, found[0]);
        assert(steps.some(({ rival }) => rival), `${rule} (${variant}) beats no rival`);
        steps.forEach(({ id, base, adapted, pushes, rival }, i) => {
          const before = [...prompts[0]!, ...ids.slice(0, i)];
          const added = bias(before, prompts[0]!.length);
          assert.equal(pushes[rule], added.get(id) ?? 0);
          if (!rival) return;
          assert.equal(rival.pushes[rule], added.get(rival.id) ?? 0);
          assert(rival.id !== id && rival.base >= base && rival.adapted <= adapted);
        });
      }
    }
    decoder.dispose();
  },
});

Deno.test("transformersProcessor() shows each row its own ids, without the padding", () => {
  const seen: StepContext[] = [];
  const process = transformersProcessor((logits, context) => {
    seen.push(context);
    logits[0] = context.ids.length;
  }, { padId: 9 });
  const logits = { dims: [2, 3], data: new Float32Array(6) };
  assert.equal(process([[9n, 9n, 4n], [5n, 9n, 6n]], logits), logits);
  assert.deepEqual([...logits.data], [1, 0, 0, 3, 0, 0]);
  process([[9n, 9n, 4n, 9n], [5n, 9n, 6n, 1n]], logits);
  assert.deepEqual(seen.slice(2), [
    { row: 0, ids: [4, 9], promptLength: 1 },
    { row: 1, ids: [5, 9, 6, 1], promptLength: 3 },
  ]);
  assert.throws(() => process([[1n]], { dims: [1, 1], data: new Uint16Array(1) }), /float32/);
});
