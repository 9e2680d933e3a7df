/**
 * A model behind an OpenAI-compatible `/v1/completions` endpoint (vLLM and others) in the place of a
 * local decoder: it generates, and scores given responses through echoed log-probabilities. It
 * speaks token ids, so that nothing is tokenised differently on the other side.
 */
import type { Decoder, GenerateOptions, Scored } from "../decode/decoder.ts";
import type { Tokenizer } from "../text/tokenizer.ts";
import { Client, type Endpoint, forEachConcurrently } from "./http.ts";

export interface RemoteOptions {
  /** The model's name on the endpoint. */
  readonly model: string;
  /** Of that very model: checks the echo and turns generated text back into ids. */
  readonly tokenizer: Tokenizer;
  /** False for an endpoint that is to generate alone; then it is not probed. */
  readonly scoring?: boolean;
}

export interface RemoteGenerateOptions extends GenerateOptions {
  /** Added to the logits of these ids at every step: the uniform rule, the one that travels. */
  readonly logitBias?: Readonly<Record<number, number>>;
}

/** A decoder whose weights are elsewhere. */
export interface RemoteDecoder extends Omit<Decoder, "model" | "generate"> {
  generate(
    prompts: readonly (readonly number[])[],
    options?: RemoteGenerateOptions,
  ): Promise<number[][]>;
}

interface CompletionChoice {
  readonly text?: string;
  readonly logprobs?: { readonly token_logprobs?: readonly (number | null)[] } | null;
}

const choiceOf = (reply: unknown) => (reply as { choices: CompletionChoice[] }).choices[0]!;

/** The request that echoes a prompt with the log-probability of each of its tokens. */
const echo = (model: string, prompt: readonly number[]) => ({
  path: "/completions",
  body: { model, prompt, max_tokens: 1, temperature: 0, logprobs: 1, echo: true },
});

/**
 * The log-probabilities in an echo: one a token of the prompt, of which the first has none, and one
 * for the token that had to be generated.
 *
 * @returns what is wrong, or the values
 */
function readEcho(reply: unknown, promptLength: number): string | readonly (number | null)[] {
  const values = choiceOf(reply).logprobs?.token_logprobs;
  if (!Array.isArray(values)) return "no token_logprobs";
  if (values.length !== promptLength + 1) return `${values.length} token_logprobs`;
  const odd = values.slice(1).find((value) => typeof value !== "number" || !(value <= 1e-3));
  return odd === undefined ? values : `${odd} where a log-probability should be`;
}

/** The options that a request can carry, under the endpoint's names (the last three are vLLM's). */
function requestOptions(options: RemoteGenerateOptions, row: number): Record<string, unknown> {
  const { maxTokens, minTokens, temperature = 0, topP, seed = 0, eosId, logitBias } = options;
  if (maxTokens === undefined) {
    throw new Error(
      "Expected maxTokens but found none: an endpoint does not say how much its context leaves",
    );
  }
  return {
    max_tokens: maxTokens,
    temperature,
    // Each row draws its own stream; a greedy row needs none, and its answer is kept whatever the seed.
    ...(temperature > 0 ? { seed: seed + row } : {}),
    ...(topP === undefined ? {} : { top_p: topP }),
    ...(logitBias === undefined ? {} : { logit_bias: logitBias }),
    ...(minTokens === undefined ? {} : { min_tokens: minTokens }),
    ...(typeof eosId === "number" ? { stop_token_ids: [eosId] } : {}),
    ...(eosId === null ? { ignore_eos: true } : {}),
  };
}

/**
 * Connects to an endpoint, after checking that it can score prompts: some (llama.cpp among them)
 * return log-probabilities of what they generated only, and ranking by those would be silent chance.
 *
 * Answers are kept like a judge's: what was asked before is not asked again.
 *
 * @throws if the probe finds that the endpoint does not echo one log-probability for each token of
 *   the prompt and one for the generated token
 * @example
 * const endpoint = { baseUrl: "http://localhost:8000/v1", cache: ".cache/http" };
 * const decoder = await connectCompletions(endpoint, { model: "meta-llama/Llama-2-7b-hf", tokenizer });
 * const ranked = await rankResponses(decoder.score, examples, pairs);
 */
export async function connectCompletions(
  endpoint: Endpoint,
  { model, tokenizer, scoring = true }: RemoteOptions,
): Promise<RemoteDecoder> {
  const client = new Client(endpoint);
  if (scoring) {
    const probe = tokenizer.encode("The capital of France is Paris.");
    const { reply } = await client.ask(echo(model, probe), { fresh: true });
    const found = readEcho(reply, probe.length);
    if (typeof found === "string") {
      throw new Error(
        `Expected ${endpoint.baseUrl} to echo ${probe.length + 1} token_logprobs for a prompt of ` +
          `${probe.length} tokens but found ${found}: it cannot score prompts. Use one that can ` +
          "(vLLM), or pass scoring: false to generate only",
      );
    }
  }
  return {
    async generate(prompts, options = {}) {
      if (options.processors?.length) {
        throw new Error(
          `Expected no logits processors but found ${options.processors.length}: they do not ` +
            "travel over HTTP. The uniform rule does, as logitBias; for the others load a " +
            "processor into the server",
        );
      }
      const responses = new Array<number[]>(prompts.length);
      await forEachConcurrently(prompts, client.concurrency, async (prompt, row) => {
        const body = { model, prompt, ...requestOptions(options, row) };
        const { reply } = await client.ask({ path: "/completions", body }, {
          signal: options.signal,
        });
        const { text } = choiceOf(reply);
        if (typeof text !== "string") {
          throw new Error(`Expected a text in the completion of prompt ${row} but found ${text}`);
        }
        const ids = responses[row] = tokenizer.encode(text, { special: false });
        for (const id of ids) options.onToken?.(row, id);
      });
      return responses;
    },
    async score(pairs) {
      if (!scoring) {
        throw new Error("Expected an endpoint connected for scoring but found scoring: false");
      }
      const scores = new Array<Scored>(pairs.length);
      await forEachConcurrently(pairs, client.concurrency, async ({ prompt, response }, i) => {
        if (prompt.length === 0 || response.length === 0) {
          throw new Error(`Expected a prompt and a response but found one empty in pair ${i}`);
        }
        const ids = [...prompt, ...response];
        const { reply } = await client.ask(echo(model, ids));
        const found = readEcho(reply, ids.length);
        if (typeof found === "string") {
          throw new Error(
            `Expected ${ids.length + 1} echoed log-probabilities of pair ${i} but found ${found}`,
          );
        }
        const values = found.slice(prompt.length, ids.length) as number[];
        const sum = values.reduce((total, value) => total + value, 0);
        scores[i] = { sum, mean: sum / values.length, tokens: values.length };
      });
      return scores;
    },
    dispose() {},
  };
}
