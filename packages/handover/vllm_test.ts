import assert from "node:assert/strict";
import process from "node:process";
import { createDecoder } from "@implicit/decoder";
import { spread, tinyModel } from "@implicit/decoder/testing";
import { type ServerFault, serveVllm } from "./testing/loopback.ts";
import { vllmDecoder, type VllmOptions } from "./vllm.ts";

const model = spread(tinyModel());
const prompts = [[1, 5, 9], [1, 7], [1, 30, 31, 32, 33]];
const nudge = { kind: "uniform", weights: [[11, 3], [12, 3.5]] };

/** Runs `work` against a server of the tiny model. */
async function against<T>(
  fault: ServerFault | undefined,
  work: (url: string, asked: Record<string, unknown>[]) => Promise<T>,
): Promise<T> {
  const decoder = await createDecoder(model, { threads: 1 });
  const server = await serveVllm(decoder, fault);
  try {
    return await work(server.url, server.asked);
  } finally {
    await server.close();
    decoder.dispose();
  }
}

const fast = { backoff: 1, attempts: 3, timeout: 1500 };
const open = (url: string, options: Partial<VllmOptions> = {}) =>
  vllmDecoder(model, { url, ...fast, ...options });

Deno.test("vllmDecoder() generates and scores as the decoder behind the server does", async () => {
  const local = await createDecoder(model, { threads: 1 });
  const expected = await local.generate(prompts, { maxTokens: 12 });
  const pairs = prompts.map((prompt) => ({ prompt, response: [20, 21, 2] }));
  const scores = await local.score(pairs);
  await against(undefined, async (url, asked) => {
    const decoder = await open(url);
    assert.deepEqual(await decoder.generate(prompts, { maxTokens: 12 }), expected);
    for (const { temperature, stop_token_ids } of asked.slice(1)) {
      assert.deepEqual([temperature, stop_token_ids], [0, [2]]);
    }
    for (const [i, { sum, mean, tokens }] of (await decoder.score(pairs)).entries()) {
      assert.ok(Math.abs(sum - scores[i]!.sum) < 1e-4, `${sum} ${scores[i]!.sum}`);
      assert.ok(Math.abs(mean - sum / 3) < 1e-9);
      assert.equal(tokens, 3);
    }
  });
  local.dispose();
});

Deno.test("vllmDecoder() sends rules with every request", async () => {
  const processors = [(logits: Float32Array) => {
    logits[11]! += 3;
    logits[12]! += 3.5;
  }];
  const local = await createDecoder(model, { threads: 1 });
  const expected = await local.generate(prompts, { maxTokens: 8, processors });
  assert.notDeepEqual(expected, await local.generate(prompts, { maxTokens: 8 }));
  local.dispose();
  await against(undefined, async (url) => {
    const decoder = await open(url, { rules: [nudge] });
    assert.deepEqual(await decoder.generate(prompts, { maxTokens: 8 }), expected);
    await assert.rejects(
      decoder.score([{ prompt: [1], response: [2] }]),
      /Expected to score without rules/,
    );
  });
});

Deno.test("vllmDecoder() asks again where a server is busy, and sends the key without showing it", async () => {
  await against("busy at first", async (url) => {
    assert.equal((await (await open(url)).generate(prompts, { maxTokens: 2 })).length, 3);
  });
  await against("wants a key", async (url) => {
    process.env.HANDOVER_TEST_KEY = "wrong-key";
    try {
      await assert.rejects(
        open(url, { keyVariable: "HANDOVER_TEST_KEY" }),
        (error: Error) => /status 401/.test(error.message) && !/wrong-key/.test(error.message),
      );
      process.env.HANDOVER_TEST_KEY = "secret-key";
      await open(url, { keyVariable: "HANDOVER_TEST_KEY" });
    } finally {
      delete process.env.HANDOVER_TEST_KEY;
    }
  });
});

const refusals: readonly (readonly [ServerFault, Partial<VllmOptions>, RegExp])[] = [
  ["no token ids", {}, /Expected token ids from .*Take vLLM/],
  ["no rules", { rules: [nudge] }, /to apply rules, .*--logits-processors rules_vllm:Rules/],
  ["short context", {}, /with a context of 64, but found 63.*--max-model-len 64/],
  ["hangs", { attempts: 2, timeout: 100 }, /at the last of 2 attempts/],
  ["cuts", { attempts: 2 }, /at the last of 2 attempts/],
];
for (const [fault, options, message] of refusals) {
  Deno.test(`vllmDecoder() refuses a server that ${fault}`, async () => {
    await against(fault, (url) => assert.rejects(open(url, options), message));
  });
}

Deno.test("vllmDecoder() refuses to score where only new tokens are scored, and reads −9999 as −∞", async () => {
  const pair = { prompt: [1, 5], response: [20, 2] };
  await against("scores new tokens only", async (url) => {
    const decoder = await open(url); // it generates
    await assert.rejects(decoder.score([pair]), /to score the 3 tokens of a prompt, but found 1/);
  });
  await against("impossible tokens", async (url) => {
    assert.equal((await (await open(url)).score([pair]))[0]!.sum, -Infinity);
  });
});

Deno.test("vllmDecoder() refuses what is not greedy, and a model that is not served", async () => {
  await against(undefined, async (url) => {
    const decoder = await open(url);
    await assert.rejects(decoder.generate(prompts, { temperature: 1 }), /Expected greedy/);
    await assert.rejects(decoder.generate(prompts, { processors: [() => {}] }), /1 processors/);
    await assert.rejects(open(url, { served: "other" }), /to serve other, but found tiny/);
  });
});
