/**
 * A vLLM server as a decoder: generates greedily and scores, prompts and answers as token ids, with
 * rules that its logits processor adds. Probes the server before anything is asked of it.
 *
 * Does NOT know what rules mean, nor what is generated.
 */
import type { Decoder, GenerateOptions, Model, Scored } from "@implicit/decoder";
import { z } from "zod";
import { askServer, type ServerOptions } from "./http.ts";

/** A server, which of its models, and what rules_vllm.py adds to the logits. */
export interface VllmOptions extends ServerOptions {
  /** As the server names it; default: the only one that it has. */
  readonly served?: string;
  readonly rules?: readonly unknown[];
}

const served = z.object({
  data: z.array(z.object({ id: z.string(), root: z.string().nullish(), max_model_len: z.int() }))
    .min(1),
});
const entry = z.record(z.string(), z.object({ logprob: z.number() })).nullable();
const completion = z.object({
  choices: z.array(z.object({
    finish_reason: z.string().nullable(),
    token_ids: z.array(z.int()).nullish(),
    prompt_token_ids: z.array(z.int()).nullish(),
    prompt_logprobs: z.array(entry).nullish(),
  })).length(1),
});
type Choice = z.infer<typeof completion>["choices"][number];

/** What a server writes for a log-probability of −∞, which JSON has not. */
const IMPOSSIBLE = -9999;

/** Added to one token by the probe: more than any difference of logits. */
const PROBE_WEIGHT = 1e4;

/**
 * Opens a server's model as a decoder of `model`, whose weights may be anywhere.
 *
 * @throws where the server has another model or a shorter context, does not give token ids, scores
 *   no prompts, or applies no rules though some are given: the error says how to serve it.
 * @example
 * const decoder = await vllmDecoder(model, { url: "http://localhost:8000/v1" });
 * const [response] = await decoder.generate([prompt], { maxTokens: 100 });
 */
export async function vllmDecoder(model: Model, options: VllmOptions): Promise<Decoder> {
  const { url, rules = [], concurrency = 32 } = options;
  const { id, contextLength } = await servedModel(options);
  const { config } = model;
  if (contextLength < config.contextLength) {
    throw new Error(
      `Expected ${url} to serve ${id} with a context of ${config.contextLength}, but found ` +
        `${contextLength}. Serve it with --max-model-len ${config.contextLength}.`,
    );
  }
  const complete = async (
    body: Record<string, unknown>,
    xargs: readonly unknown[],
    signal?: AbortSignal,
  ): Promise<Choice> => {
    const whole = {
      model: id,
      temperature: 0,
      return_token_ids: true,
      ...body,
      ...(xargs.length > 0 ? { vllm_xargs: { rules: JSON.stringify(xargs) } } : {}),
    };
    const reply = completion.safeParse(await askServer(options, "completions", whole, signal));
    if (reply.success) return reply.data.choices[0]!;
    throw new Error(
      `Expected a completion with one choice from ${url}, but found ${
        reply.error.issues[0]!.path
          .join(".")
      }: ${reply.error.issues[0]!.message}.`,
    );
  };
  const scoreOne = async (prompt: readonly number[], response: readonly number[]) => {
    const ids = [...prompt, ...response];
    const choice = await complete({ prompt: ids, max_tokens: 1, prompt_logprobs: 0 }, []);
    return scoredFrom(choice, ids, prompt.length, url);
  };
  const probe = [config.bosId ?? config.eosIds[0] ?? 0, 1, 2];
  await probeServer(probe, rules.length > 0, url, complete);
  let scores: Promise<unknown> | null = null;

  return {
    model,
    async generate(prompts, given: GenerateOptions = {}) {
      checkGreedy(given);
      const { maxTokens = Infinity, eosId, signal } = given;
      const ends = eosId === undefined ? config.eosIds : [eosId ?? []].flat();
      return await parallel(prompts, concurrency, async (prompt, row) => {
        const room = Math.min(maxTokens, config.contextLength - prompt.length);
        const choice = await complete(
          {
            prompt,
            max_tokens: room,
            min_tokens: given.minTokens ?? 0,
            ignore_eos: true, // the ends that are asked for, whatever the server's config has
            stop_token_ids: ends,
          },
          rules,
          signal,
        );
        const tokens = tokensOf(choice, url);
        const [last] = tokens.slice(-1);
        const ended = choice.finish_reason === "stop";
        if (!ended && tokens.length < room) {
          throw new Error(
            `Expected ${room} tokens from ${url}, or an end, but found ${tokens.length} and ` +
              `finish_reason ${choice.finish_reason}.`,
          );
        }
        const kept = last !== undefined && ends.includes(last) ? tokens.slice(0, -1) : tokens;
        kept.forEach((token) => given.onToken?.(row, token));
        return kept;
      });
    },
    async score(pairs, { processors = [] } = {}) {
      if (processors.length + rules.length > 0) {
        throw new Error("Expected to score without rules: vLLM applies them to new tokens alone.");
      }
      await (scores ??= scoreOne(probe.slice(0, 1), probe.slice(1)));
      return await parallel(
        pairs,
        concurrency,
        ({ prompt, response }) => scoreOne(prompt, response),
      );
    },
    dispose() {},
  };
}

/** The model that is asked for, or the only one. */
async function servedModel(options: VllmOptions) {
  const { url, served: name } = options;
  const parsed = served.safeParse(await askServer(options, "models"));
  if (!parsed.success) {
    throw new Error(
      `Expected ${url} to list models as vLLM does, with max_model_len, but it does not.`,
    );
  }
  const { data } = parsed.data;
  const names = data.map(({ id }) => id).join(", ");
  const found = name === undefined
    ? data.length === 1 ? data[0] : null
    : data.find(({ id }) => id === name);
  if (found) return { id: found.id, contextLength: found.max_model_len };
  throw new Error(
    `Expected ${url} to serve ${name ?? "one model"}, but found ${names}. Name one of these.`,
  );
}

type Complete = (body: Record<string, unknown>, rules: readonly unknown[]) => Promise<Choice>;

/** @throws unless token ids come back, and rules (if any are to be applied) change what is chosen. */
async function probeServer(
  ids: readonly number[],
  hasRules: boolean,
  url: string,
  complete: Complete,
) {
  const body = { prompt: ids, max_tokens: 1, ignore_eos: true };
  const plain = await complete(body, []);
  const [token] = tokensOf(plain, url);
  if (plain.prompt_token_ids && plain.prompt_token_ids.join() !== ids.join()) {
    throw new Error(
      `Expected ${url} to take the prompt ${ids} as it is, but found ${plain.prompt_token_ids}. ` +
        `Take a server that takes prompts as token ids.`,
    );
  }
  if (!hasRules) return;
  const other = token === ids[1] ? ids[2]! : ids[1]!;
  const rule = { kind: "uniform", weights: [[other, PROBE_WEIGHT]] };
  const [nudged] = tokensOf(await complete(body, [rule]), url);
  if (nudged === other) return;
  throw new Error(
    `Expected ${url} to apply rules, but found the same token with ${PROBE_WEIGHT} added to ` +
      `another. Serve it with --logits-processors rules_vllm:Rules (rules_vllm.py of the hand-over).`,
  );
}

/** @throws where a server speaks of texts alone */
function tokensOf({ token_ids }: Choice, url: string): number[] {
  if (token_ids) return token_ids;
  throw new Error(
    `Expected token ids from ${url} (return_token_ids), but found none. Take vLLM 0.10.2 or later.`,
  );
}

/** @throws where the server gave no log-probabilities, or those of other tokens */
function scoredFrom(
  { prompt_logprobs: all }: Choice,
  ids: readonly number[],
  start: number,
  url: string,
): Scored {
  if (all?.length !== ids.length) {
    throw new Error(
      `Expected ${url} to score the ${ids.length} tokens of a prompt, but found ` +
        `${all ? `${all.length} scores` : "no prompt_logprobs"}. Take a server that does, as vLLM.`,
    );
  }
  let sum = 0;
  for (let i = start; i < ids.length; i++) {
    const found = all[i]?.[String(ids[i])]?.logprob;
    if (found === undefined || found > 0) {
      throw new Error(
        `Expected a log-probability of token ${ids[i]} from ${url}, but found ${found}.`,
      );
    }
    sum += found <= IMPOSSIBLE ? -Infinity : found;
  }
  return { sum, mean: sum / (ids.length - start), tokens: ids.length - start };
}

/** @throws where another setting than greedy is asked for */
function checkGreedy({ temperature = 0, topP = 1, processors = [] }: GenerateOptions): void {
  if (temperature === 0 && topP === 1 && processors.length === 0) return;
  throw new Error(
    `Expected greedy generation without processors, which run here and not on the server, but ` +
      `found temperature ${temperature}, topP ${topP} and ${processors.length} processors. Give ` +
      `rules when the server is opened.`,
  );
}

/** Maps with so many at once; the first failure stops what has not begun. */
async function parallel<T, R>(
  items: readonly T[],
  most: number,
  work: (item: T, index: number) => Promise<R>,
): Promise<R[]> {
  const results = new Array<R>(items.length);
  let next = 0;
  const worker = async () => {
    try {
      for (let i = next++; i < items.length; i = next++) results[i] = await work(items[i]!, i);
    } catch (error) {
      next = items.length;
      throw error;
    }
  };
  await Promise.all(Array.from({ length: most }, worker));
  return results;
}
