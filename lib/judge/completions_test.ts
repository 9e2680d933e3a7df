import { deepStrictEqual, rejects, strictEqual } from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { createServer } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { AddressInfo } from "node:net";
import type { Tokenizer } from "../text/tokenizer.ts";
import { connectCompletions } from "./completions.ts";
import type { Endpoint } from "./http.ts";

/** A tokenizer of single bytes, with BOS 256 and EOS 257. */
const tokenizer = {
  encode: (text: string, { special = true } = {}) => [
    ...(special ? [256] : []),
    ...new TextEncoder().encode(text),
  ],
} as Tokenizer;

interface Body {
  readonly prompt: number[];
  readonly echo?: boolean;
  readonly [field: string]: unknown;
}

/** An endpoint whose token `id` always has log-probability −id / 1000. */
async function withEndpoint(
  run: (endpoint: Endpoint, bodies: Body[]) => Promise<void>,
  edit: (values: (number | null)[]) => unknown = (values) => values,
): Promise<void> {
  const bodies: Body[] = [];
  const server = createServer(async (request, response) => {
    let text = "";
    for await (const chunk of request) text += chunk;
    const body = JSON.parse(text) as Body;
    bodies.push(body);
    const values = [null, ...body.prompt.slice(1).map((id) => -id / 1000), -1];
    const logprobs = { token_logprobs: edit(values) };
    response.end(JSON.stringify({ choices: [{ text: "hé", ...(body.echo ? { logprobs } : {}) }] }));
  });
  const cache = mkdtempSync(join(tmpdir(), "judge-"));
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  try {
    await run({ baseUrl: `http://127.0.0.1:${port}/v1`, cache, backoff: 1, attempts: 2 }, bodies);
  } finally {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
    rmSync(cache, { recursive: true });
  }
}

Deno.test("connectCompletions() scores the response's tokens and no others", async () => {
  await withEndpoint(async (endpoint) => {
    const decoder = await connectCompletions(endpoint, { model: "m", tokenizer });
    const [one, two] = await decoder.score([
      { prompt: [256, 10, 20], response: [30, 40] },
      { prompt: [256], response: [257] },
    ]);
    deepStrictEqual(one, { sum: -0.07, mean: -0.035, tokens: 2 });
    deepStrictEqual(two, { sum: -0.257, mean: -0.257, tokens: 1 });
    await rejects(decoder.score([{ prompt: [], response: [1] }]), /one empty in pair 0/);
  });
});

Deno.test("connectCompletions() generates, with the options that travel", async () => {
  await withEndpoint(async (endpoint, bodies) => {
    const decoder = await connectCompletions(endpoint, { model: "m", tokenizer });
    const tokens: number[] = [];
    const responses = await decoder.generate([[256, 65]], {
      maxTokens: 7,
      temperature: 0.5,
      seed: 3,
      eosId: 257,
      logitBias: { 5: -4 },
      onToken: (_, id) => tokens.push(id),
    });
    deepStrictEqual(responses, [[104, 195, 169]]);
    deepStrictEqual(tokens, responses[0]);
    deepStrictEqual(bodies.at(-1), {
      model: "m",
      prompt: [256, 65],
      max_tokens: 7,
      temperature: 0.5,
      seed: 3,
      logit_bias: { "5": -4 },
      stop_token_ids: [257],
    });
    await rejects(decoder.generate([[1]]), /Expected maxTokens/);
    await rejects(
      decoder.generate([[1]], { maxTokens: 1, processors: [() => {}] }),
      /do not travel/,
    );
  });
});

Deno.test("connectCompletions() refuses endpoints that cannot score prompts", async () => {
  const broken: [string, (values: (number | null)[]) => unknown, RegExp][] = [
    ["only what it generated", (values) => values.slice(-1), /33 token_logprobs .* found 1 token/],
    ["one too few", (values) => values.slice(1), /found 32 token_logprobs/],
    ["nothing", () => undefined, /found no token_logprobs/],
    ["nulls", (values) => values.map(() => null), /found null where a log-probability/],
    ["probabilities", (values) => values.map(() => 0.5), /found 0.5 where a log-probability/],
  ];
  for (const [name, edit, message] of broken) {
    await withEndpoint(async (endpoint, bodies) => {
      await rejects(connectCompletions(endpoint, { model: "m", tokenizer }), message, name);
      // A second try asks again: the server may have been exchanged meanwhile.
      await rejects(connectCompletions(endpoint, { model: "m", tokenizer }), message, name);
      strictEqual(bodies.length, 2);
      const only = await connectCompletions(endpoint, { model: "m", tokenizer, scoring: false });
      deepStrictEqual(await only.generate([[1]], { maxTokens: 1 }), [[104, 195, 169]]);
      await rejects(only.score([{ prompt: [1], response: [2] }]), /scoring: false/);
    }, edit);
  }
});
