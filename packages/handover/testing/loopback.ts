/**
 * A server on this machine that speaks vLLM's completions, for tests: a decoder of this house behind
 * it, and on request the faults that servers have.
 */
import { Buffer } from "node:buffer";
import { createServer, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import type { Decoder, LogitsProcessor } from "@implicit/decoder";

/** What a server does otherwise than vLLM with rules_vllm.py. */
export type ServerFault =
  | "no token ids"
  | "scores new tokens only"
  | "no rules"
  | "impossible tokens"
  | "hangs"
  | "cuts"
  | "busy at first"
  | "short context"
  | "wants a key";

/** A server under test. */
export interface LoopbackServer {
  readonly url: string;
  /** Bodies of the completions that were asked for. */
  readonly asked: Record<string, unknown>[];
  close(): Promise<void>;
}

interface Asked {
  readonly prompt: number[];
  readonly max_tokens: number;
  readonly stop_token_ids?: number[];
  readonly prompt_logprobs?: number;
  readonly vllm_xargs?: { readonly rules: string };
}

/** Starts it. Of rules it knows the uniform ones; `root` is where it says that its model lies. */
export async function serveVllm(
  decoder: Decoder,
  fault?: ServerFault,
  root = "tiny",
): Promise<LoopbackServer> {
  const asked: Record<string, unknown>[] = [];
  const { contextLength } = decoder.model.config;
  let requests = 0;
  const json = (response: ServerResponse, value: unknown, status = 200) => {
    response.writeHead(status, { "content-type": "application/json" });
    response.end(JSON.stringify(value));
  };
  const answer = async (body: Asked) => {
    const { prompt, max_tokens: maxTokens, stop_token_ids: ends = [] } = body;
    const rules = fault === "no rules" ? "[]" : body.vllm_xargs?.rules ?? "[]";
    const processors: LogitsProcessor[] = JSON.parse(rules).map((
      { weights }: { weights: [number, number][] },
    ) =>
    (logits: Float32Array) => {
      for (const [id, weight] of weights) logits[id]! += weight;
    });
    const [found] = await decoder.generate([prompt], { maxTokens, processors, eosId: ends });
    const stopped = found!.length < Math.min(maxTokens, contextLength - prompt.length);
    const ids = stopped ? [...found!, ends[0]!] : found!;
    const scored = body.prompt_logprobs === undefined ? null : await Promise.all(
      prompt.map(async (id, i) => {
        if (i === 0) return null;
        const pair = { prompt: prompt.slice(0, i), response: [id] };
        const { sum } = (await decoder.score([pair]))[0]!;
        const logprob = fault === "impossible tokens" && i === prompt.length - 1 ? -9999 : sum;
        return { [id]: { logprob } };
      }),
    );
    return {
      choices: [{
        text: "",
        finish_reason: stopped ? "stop" : "length",
        ...(fault === "no token ids" ? {} : { token_ids: ids }),
        prompt_token_ids: prompt,
        prompt_logprobs: fault === "scores new tokens only" ? scored && [null] : scored,
      }],
    };
  };
  const server = createServer(async (request, response) => {
    const chunks: Uint8Array[] = [];
    for await (const chunk of request) chunks.push(chunk);
    if (fault === "busy at first" && requests++ % 2 === 0) return json(response, {}, 503);
    if (fault === "wants a key" && request.headers.authorization !== "Bearer secret-key") {
      return json(response, { error: `not ${request.headers.authorization}` }, 401);
    }
    if (request.url === "/v1/models") {
      const length = fault === "short context" ? contextLength - 1 : contextLength;
      return json(response, { data: [{ id: "tiny", root, max_model_len: length }] });
    }
    if (fault === "hangs") return;
    if (fault === "cuts") {
      response.writeHead(200, { "content-length": "1000" });
      response.write('{"choices": [');
      return response.socket!.destroySoon();
    }
    const body = JSON.parse(new TextDecoder().decode(Buffer.concat(chunks)));
    asked.push(body);
    json(response, await answer(body));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1`,
    asked,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}
