/**
 * A judge on the loopback interface that fails in every way an endpoint can. For tests alone.
 */
import { createHash } from "node:crypto";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

export type Fault =
  | "429"
  | "500"
  | "cut connection"
  | "malformed JSON"
  | "no logprobs"
  | "error with status 200"
  | "slow";

export interface LoopbackOptions {
  /** The fault of the n-th request, if it has one. */
  readonly fault?: (request: number) => Fault | undefined;
  /** Replaces the answer altogether: a body, or a status with a body and headers. */
  readonly reply?: (body: LoopbackBody, request: LoopbackRequest) => LoopbackReply | undefined;
  /** Milliseconds each answer takes. */
  readonly delay?: number;
}

export interface LoopbackReply {
  readonly status?: number;
  readonly body: unknown;
  readonly headers?: Readonly<Record<string, string>>;
}

/** Where a request went, and with which headers. */
export interface LoopbackRequest {
  readonly path: string;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
}

export interface LoopbackBody {
  readonly messages: { readonly content: string }[];
  readonly [field: string]: unknown;
}

export interface Loopback extends AsyncDisposable {
  readonly baseUrl: string;
  /** Text of the last message → how often it was answered whole and well. */
  readonly answered: Map<string, number>;
  /** Every request: when it came, its text, its authorization header. */
  readonly requests: { readonly at: number; readonly text: string; readonly key?: string }[];
}

/** The judge's probability for the first output, from the text alone. */
export function loopbackProbability(text: string): number {
  return createHash("sha256").update(text).digest().readUInt32LE() / 2 ** 32;
}

/** A reply with this text, and its first token's log-probabilities. */
export const chat = (content: string, tops: Record<string, number>) => ({
  choices: [{
    message: { role: "assistant", content },
    logprobs: {
      content: [{
        top_logprobs: Object.entries(tops).map(([token, logprob]) => ({ token, logprob })),
      }],
    },
  }],
});

/** The loopback judge's reply to a text, with log-probabilities or without. */
export function verdict(text: string, logprobs = true) {
  const p = loopbackProbability(text);
  const content = p > 0.5 ? "m" : "M";
  const top_logprobs = [["m", p], ["M", 1 - p], ["The", 1e-9]].map(([token, probability]) => ({
    token,
    logprob: Math.log(probability as number),
  }));
  return {
    choices: [{
      index: 0,
      message: { role: "assistant", content },
      ...(logprobs ? { logprobs: { content: [{ token: content, top_logprobs }] } } : {}),
    }],
    usage: { prompt_tokens: 100, completion_tokens: 1, total_tokens: 101 },
  };
}

async function bodyOf(request: IncomingMessage): Promise<LoopbackBody> {
  let text = "";
  for await (const chunk of request) text += chunk;
  return JSON.parse(text);
}

export async function startLoopback(
  { fault = () => undefined, reply, delay = 0 }: LoopbackOptions = {},
): Promise<Loopback> {
  const answered: Loopback["answered"] = new Map();
  const requests: Loopback["requests"] = [];
  const handle = async (request: IncomingMessage, response: ServerResponse) => {
    const at = performance.now();
    const body = await bodyOf(request);
    const text = body.messages.at(-1)!.content;
    requests.push({ at, text, key: request.headers.authorization });
    const send = (status: number, value: unknown, headers = {}) =>
      response.writeHead(status, { "content-type": "application/json", ...headers })
        .end(typeof value === "string" ? value : JSON.stringify(value));
    const own = reply?.(body, { path: request.url!, headers: request.headers });
    if (own) return send(own.status ?? 200, own.body, own.headers);
    const kind = fault(requests.length - 1);
    if (kind === "429") return send(429, "slow down", { "retry-after": "0.02" });
    if (kind === "500") return send(500, "<html>oops");
    if (kind === "malformed JSON") return send(200, '{"choices": [{"mess');
    if (kind === "error with status 200") return send(200, { error: { message: "overloaded" } });
    if (kind === "cut connection") {
      response.writeHead(200, { "content-length": "1000" }).write('{"choices"');
      return void setTimeout(() => response.destroy(), 1);
    }
    if (kind !== "no logprobs") answered.set(text, (answered.get(text) ?? 0) + 1);
    const whole = verdict(text, kind !== "no logprobs");
    setTimeout(() => send(200, whole), delay + (kind === "slow" ? 150 : 0));
  };
  const server = createServer((request, response) => {
    handle(request, response).catch(() => response.destroy()); // whoever asked has gone
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    baseUrl: `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1`,
    answered,
    requests,
    [Symbol.asyncDispose]: () =>
      new Promise<void>((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}
