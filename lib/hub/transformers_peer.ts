/**
 * Generates with transformers.js, for the tests to compare with. Runs in a process of its own: the
 * package is large and no dependency of the project.
 *
 * One argument, JSON {folder, prompts, maxTokens, eosId?, rules?: [variant, rule][]}; prints JSON, the
 * responses to the prompts as one batch padded on the left, without and then with each of the rules.
 */
import { dirname } from "node:path";
import { chooseRules, type Rule, ruleAdapter, rules } from "../decode/rules.ts";
import { transformersProcessor } from "../decode/transformers_processor.ts";
import { loadTokenizer } from "../text/tokenizer.ts";

const specifier = "npm:@huggingface/transformers@4.3.1";
const { AutoModelForCausalLM, Tensor, env } = await import(specifier);
const request: {
  folder: string;
  prompts: number[][];
  maxTokens: number;
  eosId?: number;
  rules?: ["paper" | "code", Rule][];
} = JSON.parse(Deno.args[0]!);

env.allowRemoteModels = false;
env.localModelPath = `${dirname(request.folder)}/`;
const model = await AutoModelForCausalLM.from_pretrained(request.folder.split("/").at(-1));
const tokenizer = await loadTokenizer(request.folder);
const eosId = request.eosId ?? tokenizer.eosId;
const adapted = { ...tokenizer, eosId };

const length = Math.max(...request.prompts.map((prompt) => prompt.length));
const padded = request.prompts.map((prompt) => [
  ...new Array(length - prompt.length).fill(0),
  ...prompt,
]);
const mask = request.prompts.map((prompt) => [
  ...new Array(length - prompt.length).fill(0),
  ...prompt.map(() => 1),
]);
const tensor = (rows: number[][]) =>
  new Tensor("int64", BigInt64Array.from(rows.flat(), BigInt), [rows.length, length]);

async function generate(processors: unknown[]): Promise<number[][]> {
  const output = await model.generate({
    inputs: tensor(padded),
    attention_mask: tensor(mask),
    max_new_tokens: request.maxTokens,
    do_sample: false,
    eos_token_id: eosId,
    pad_token_id: 0,
    logits_processor: processors,
  });
  return output.tolist().map((row: bigint[]) => {
    const ids = row.slice(length).map(Number);
    const end = ids.indexOf(eosId);
    return end < 0 ? ids : ids.slice(0, end);
  });
}

const responses = [await generate([])];
for (const [variant, rule] of request.rules ?? []) {
  const adapter = ruleAdapter(adapted, chooseRules(rules.llama2(variant), [rule]));
  responses.push(await generate([transformersProcessor(adapter.processor, { padId: 0 })]));
}
console.log(JSON.stringify(responses));
