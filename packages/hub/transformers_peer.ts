/**
 * Generates with transformers.js, for the tests to compare with. Runs in a process of its own: the
 * package is large and no dependency of the project.
 *
 * One argument, JSON: a list of requests. Prints JSON: for each its prompts' responses, made as one
 * batch padded on the left, without and then with each of its processors.
 */
import { basename, dirname } from "node:path";
import process from "node:process";
import {
  loadTokenizer,
  type LogitsProcessor,
  type Tokenizer,
  transformersProcessor,
} from "@implicit/decoder";

const specifier = "npm:@huggingface/transformers@4.3.1";
const { AutoModelForCausalLM, Tensor, env } = await import(specifier);

interface Request {
  folder: string;
  prompts: number[][];
  maxTokens: number;
  eosId?: number;
  /** A module whose `processorOf` makes a logits processor of the tokenizer and each of `cases`. */
  processors?: { module: string; cases: unknown[] };
}

interface Processors {
  processorOf(tokenizer: Tokenizer, options: unknown): LogitsProcessor;
}

/** The responses without processors, then with each of them. */
async function answer({ folder, prompts, maxTokens, ...request }: Request): Promise<number[][][]> {
  env.localModelPath = `${dirname(folder)}/`;
  const model = await AutoModelForCausalLM.from_pretrained(basename(folder));
  const loaded = await loadTokenizer(folder);
  const eosId = request.eosId ?? loaded.eosId;
  const tokenizer = { ...loaded, eosId };

  const length = Math.max(...prompts.map((prompt) => prompt.length));
  const pad = (row: number[]) => [...new Array(length - row.length).fill(0), ...row];
  const tensor = (rows: number[][]) =>
    new Tensor("int64", BigInt64Array.from(rows.flatMap(pad), BigInt), [rows.length, length]);

  const generate = async (processors: unknown[]): Promise<number[][]> => {
    const output = await model.generate({
      inputs: tensor(prompts),
      attention_mask: tensor(prompts.map((prompt) => prompt.map(() => 1))),
      max_new_tokens: maxTokens,
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
  };
  const responses = [await generate([])];
  const { module, cases = [] } = request.processors ?? {};
  const { processorOf }: Partial<Processors> = module ? await import(module) : {};
  for (const options of cases) {
    const processor = processorOf!(tokenizer, options);
    responses.push(await generate([transformersProcessor(processor, { padId: 0 })]));
  }
  return responses;
}

env.allowRemoteModels = false;
const answers: number[][][][] = [];
for (const request of JSON.parse(process.argv[2]!) as Request[]) {
  answers.push(await answer(request));
}
console.log(JSON.stringify(answers));
