import { deepStrictEqual, ok, rejects, strictEqual } from "node:assert/strict";
import { readdirSync } from "node:fs";
import { guessTokens, type Usage } from "./cost.ts";
import { httpJudge } from "./http_judge.ts";
import { isSwitched } from "./settings.ts";
import {
  comparisons,
  expected,
  judge,
  price,
  quick,
  settings,
  textOf,
  textSettings,
  withCache,
} from "./testing/judging.ts";
import { chat, type Fault, startLoopback } from "./testing/loopback.ts";
import { winRate } from "./win_rate.ts";

const faults: readonly Fault[] = [
  "429",
  "500",
  "cut connection",
  "malformed JSON",
  "no logprobs",
  "error with status 200",
  "slow",
];

Deno.test("httpJudge() finishes 805 comparisons with 10 % faults, each answered once", async () => {
  await withCache(async (cache) => {
    await using server = await startLoopback({
      fault: (n) => n % 10 === 9 ? faults[Math.floor(n / 10) % faults.length] : undefined,
    });
    const rows = comparisons(805);
    const { annotations, spent, missing, estimate, done } = await judge(rows, {
      settings,
      price,
      endpoint: quick(server.baseUrl, cache),
    });
    strictEqual(annotations.length, 805);
    strictEqual(missing, 0);
    strictEqual(done, 805);
    strictEqual(server.answered.size, 805);
    deepStrictEqual([...new Set(server.answered.values())], [1], "each answered well exactly once");
    strictEqual(spent.calls, 805);
    ok(Math.abs(spent.cost - 805 * (100 * 10 + 30) / 1e6) < 1e-9, "by the endpoint's own count");
    strictEqual(estimate.calls, 805);
    ok(server.requests.length > 870, "the faults did happen");
    annotations.forEach((row, i) => {
      ok(Math.abs(row.preference - expected(rows[i]!)) < 1e-9, `row ${i}`);
    });
    // Again: all from disk.
    const before = server.requests.length;
    const again = await judge(rows, { settings, price, endpoint: quick(server.baseUrl, cache) });
    strictEqual(server.requests.length, before);
    strictEqual(again.spent.calls, 0);
    deepStrictEqual(
      again.annotations.map((r) => r.preference),
      annotations.map((r) => r.preference),
    );
  });
});

Deno.test("httpJudge() counts identical outputs as draws without a call, and asks twins once", async () => {
  await withCache(async (cache) => {
    await using server = await startLoopback({ delay: 5 });
    const [a] = comparisons(1);
    const same = { ...a!, instruction: "same", output_1: "x", output_2: "x" };
    const empty = { ...a!, instruction: "empty", output_1: null, output_2: "" };
    const rows = [same, a!, a!, empty];
    const { annotations, spent } = await judge(rows, {
      settings,
      price,
      endpoint: quick(server.baseUrl, cache),
    });
    deepStrictEqual([annotations[0]!.preference, annotations[3]!.preference], [1.5, 1.5]);
    strictEqual(annotations[1]!.preference, annotations[2]!.preference);
    strictEqual(server.requests.length, 1);
    strictEqual(spent.calls, 1);
  });
});

Deno.test("httpJudge() estimates first, and its ceiling stops it before and while it asks", async () => {
  await withCache(async (cache) => {
    await using server = await startLoopback();
    const rows = comparisons(20);
    const endpoint = quick(server.baseUrl, cache, { concurrency: 1 });
    let estimate: Usage | undefined;
    const free = httpJudge({
      settings,
      endpoint,
      price,
      ceiling: 0,
      onEstimate: (e) => estimate = e,
    });
    await rejects(free(rows), /at most 0\.0000 but found an estimate of .* for 20 calls/);
    ok(estimate);
    const text = settings.template.map((message) => message.content).join("\n");
    ok(estimate.inputTokens > 20 * guessTokens(text) && estimate.outputTokens === 20);
    const low = { settings, endpoint, price, ceiling: estimate.cost * 0.99 };
    await rejects(judge(rows, low), /estimate of .* for 20 calls.*Nothing was asked/);
    strictEqual(server.requests.length, 0);
    await judge(rows.slice(0, 1), { settings, endpoint, price, ceiling: estimate.cost });
    await rejects(free(rows), /for 19 calls/);
    strictEqual(server.requests.length, 1);
    await rejects(judge(rows, { ...low, ceiling: NaN }), /ceiling of 0 or more/);
  });
  await withCache(async (cache) => {
    // The endpoint counts ten times the tokens of the estimate.
    const body = {
      choices: [{ message: { content: "m" } }],
      usage: { prompt_tokens: 4000, completion_tokens: 1 },
    };
    await using server = await startLoopback({ reply: () => ({ body }) });
    const endpoint = quick(server.baseUrl, cache, { concurrency: 1 });
    const run = judge(comparisons(20), { settings: textSettings, endpoint, price, ceiling: 0.2 });
    await rejects(run, /0\.2.* spent after 5 calls/);
    strictEqual(readdirSync(cache).length, 5, "what was paid for is kept");
  });
});

Deno.test("httpJudge() counts nonsense and refusals as missing, and names what makes all fail", async () => {
  await withCache(async (cache) => {
    const rows = comparisons(6);
    const nonsense = textOf(rows[2]!), refused = textOf(rows[4]!);
    const top_logprobs = [{ token: "Both", logprob: -0.1 }];
    await using server = await startLoopback({
      reply: ({ messages }) => {
        const text = messages.at(-1)!.content;
        if (text === refused) return { status: 400, body: { error: "too long" } };
        if (text !== nonsense) return undefined;
        return {
          body: {
            choices: [{ message: { content: "Both" }, logprobs: { content: [{ top_logprobs }] } }],
          },
        };
      },
    });
    const endpoint = quick(server.baseUrl, cache, { concurrency: 1 });
    const { annotations, missing } = await judge(rows, { settings, endpoint, price });
    strictEqual(missing, 2);
    const rate = winRate(annotations);
    deepStrictEqual([rate.n_total, rate.n_missing], [4, 2]);
    ok(JSON.stringify(annotations[4]!.raw_completion).includes("too long"));
    strictEqual(server.requests.length, 6, "an answer is an answer, nonsense too");
  });
  await withCache(async (cache) => {
    const body = { choices: [{ message: { content: "m" } }] };
    await using server = await startLoopback({ reply: () => ({ body }) });
    const endpoint = quick(server.baseUrl, cache, { concurrency: 1 });
    const run = judge(comparisons(50), { settings, endpoint, price });
    await rejects(run, /without log-probabilities: use settings that read the answer as text/);
    strictEqual(server.requests.length, 3, "stops at once");
    const text = await judge(comparisons(50), { settings: textSettings, endpoint, price });
    const values = text.annotations.map((row) => isSwitched(row.instruction) ? 2 : 1);
    deepStrictEqual(text.annotations.map((row) => row.preference), values);
  });
});

Deno.test("httpJudge() believes no count of tokens that cannot be: the ceiling holds", async () => {
  const counts = [-1e9, 0, 1e308, 2 ** 60, 1.5, NaN, "4", null];
  for (const tokens of counts) {
    await withCache(async (cache) => {
      const usage = { prompt_tokens: tokens, completion_tokens: tokens };
      const body = { ...chat("m", { m: -0.1, M: -2 }), usage };
      await using server = await startLoopback({ reply: () => ({ body }) });
      const endpoint = quick(server.baseUrl, cache);
      const { spent, estimate, annotations } = await judge(comparisons(12), {
        settings,
        price,
        endpoint,
      });
      ok(Math.abs(spent.cost - estimate.cost) < 1e-9, `${tokens}: ${spent.cost}`);
      ok(annotations.every((row) => row.price_per_example! > 0), `${tokens}`);
    });
  }
});
