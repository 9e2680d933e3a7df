/** When a judge stops, and what it keeps and says then. */
import { deepStrictEqual, ok, rejects, strictEqual } from "node:assert/strict";
import { readdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { comparisons, judge, price, quick, settings, withCache } from "./testing/judging.ts";
import { chat, startLoopback } from "./testing/loopback.ts";

Deno.test("httpJudge() gives up on an endpoint that is gone, and keeps what it has", async () => {
  await withCache(async (cache) => {
    await using server = await startLoopback({ fault: (n) => n >= 10 ? "500" : undefined });
    const endpoint = quick(server.baseUrl, cache, { concurrency: 1, attempts: 3 });
    const run = judge(comparisons(50), { settings, endpoint, price });
    await rejects(
      run,
      /status 500: <html>oops at the last of 3 attempts\. 40 of 50 rows have no verdict \(10, 11,/,
    );
    strictEqual(server.requests.length, 10 + 3 * 3);
    strictEqual(readdirSync(cache).length, 10);
  });
});

Deno.test("httpJudge() stops when key, credit or model are gone, in the endpoint's words", async () => {
  const late: [number, unknown, RegExp][] = [
    [402, { error: { message: "No funds left" } }, /402: No funds left/],
    [400, { error: { message: "Key ran out\u001b[31m\u202e" } }, /400: Key ran out\./],
    [401, { error: "key withdrawn" }, /401: key withdrawn/],
    [403, { detail: "project closed" }, /403: project closed/],
    [404, { message: "model retired" }, /404: model retired/],
    [429, { error: { code: "insufficient_quota", message: "Quota spent" } }, /429: Quota spent/],
    [200, { error: { code: 402, message: "No funds left" } }, /402: No funds left/],
  ];
  for (const [status, body, words] of late) {
    await withCache(async (cache) => {
      let n = 0;
      await using server = await startLoopback({
        reply: () => ++n > 12 ? { status, body } : undefined,
      });
      const endpoint = quick(server.baseUrl, cache, { concurrency: 4 });
      const rows = comparisons(60);
      await rejects(judge(rows, { settings, price, endpoint }), (error: Error) => {
        ok(words.test(error.message), error.message);
        ok(/48 of 60 rows have no verdict .*run again/.test(error.message), error.message);
        ok(!/[\p{Cc}\p{Cf}]/u.test(error.message), "no escape reaches a terminal");
        return true;
      });
      ok(server.requests.length <= 12 + 3 + 4, `${status}: ${server.requests.length} requests`);
      strictEqual(readdirSync(cache).length, 12, "what was answered is kept");
    });
  }
});

Deno.test("httpJudge() goes on where single texts are refused, however many in a row", async () => {
  await withCache(async (cache) => {
    let n = 0;
    const refusals = [
      { status: 400, body: { error: { message: "maximum context length is 512 tokens" } } },
      { status: 403, body: { error: { message: "your input was flagged" } } },
    ];
    await using server = await startLoopback({
      reply: () => ++n === 1 || (n > 6 && n < 20) ? refusals[n % 2] : undefined,
    });
    const endpoint = quick(server.baseUrl, cache, { concurrency: 1 });
    const { missing } = await judge(comparisons(30), { settings, price, endpoint });
    deepStrictEqual([missing, server.requests.length], [14, 30]);
  });
  await withCache(async (cache) => {
    const body = { error: { message: "prompt too long" } };
    await using server = await startLoopback({ reply: () => ({ status: 400, body }) });
    const endpoint = quick(server.baseUrl, cache, { concurrency: 1 });
    for (const count of [2, 30]) {
      await rejects(
        judge(comparisons(count), { settings, price, endpoint }),
        /400: prompt too long/,
      );
    }
    strictEqual(server.requests.length, 2 + 5);
  });
});

Deno.test("httpJudge() stops a run whose first answers all make no sense, before it is paid", async () => {
  const nonsense: [string, Record<string, number>][] = [
    ["<reason>", { "<reason>": -0.1, Well: -3 }],
    [" M", { " M": -0.1, " m": -3 }],
    ["", {}],
  ];
  for (const [content, tops] of nonsense) {
    await withCache(async (cache) => {
      await using server = await startLoopback({ reply: () => ({ body: chat(content, tops) }) });
      const options = { settings, price, endpoint: quick(server.baseUrl, cache) };
      for (let again = 0; again < 2; again++) {
        await rejects(judge(comparisons(60), options), (error: Error) => {
          ok(error.message.includes(`the last "${content.trim()}"`), error.message);
          return /settings do not fit this judge/.test(error.message);
        });
        strictEqual(server.requests.length, 5, "the second time from what is kept");
      }
    });
  }
  await withCache(async (cache) => {
    let n = 0; // another model answers from the eleventh question on
    await using server = await startLoopback({
      reply: () => ++n > 10 ? { body: chat("Sure!", { Sure: -0.1 }) } : undefined,
    });
    const endpoint = quick(server.baseUrl, cache, { concurrency: 1 });
    const run = judge(comparisons(100), { settings, price, endpoint });
    await rejects(run, /found none in 20 in a row, the last "Sure!"/);
    strictEqual(server.requests.length, 30);
  });
});

Deno.test("httpJudge() asks nothing if answers cannot be kept, and stops at the first that cannot", async () => {
  await withCache(async (cache) => {
    let onAsked = () => {};
    await using server = await startLoopback({ reply: () => void onAsked() });
    writeFileSync(join(cache, "file"), "");
    const rows = comparisons(40);
    // Below a file there is no folder; in a path as long as paths may be there is no room for names.
    for (
      const folder of [join(cache, "file", "x"), join(cache, ...Array(80).fill("y".repeat(50)))]
    ) {
      const run = judge(rows, { settings, price, endpoint: quick(server.baseUrl, folder) });
      await rejects(run, /Expected a folder to keep answers in .*Nothing was asked/s);
    }
    strictEqual(server.requests.length, 0);
    const inner = join(cache, "inner");
    onAsked = () => {
      if (server.requests.length !== 9) return;
      rmSync(inner, { recursive: true });
      writeFileSync(inner, "a file where the folder was");
    };
    const endpoint = quick(server.baseUrl, inner, { concurrency: 2 });
    const run = judge(rows, { settings, price, endpoint });
    await rejects(run, /Expected to keep an answer in .* 3\d of 40 rows have no verdict/s);
    ok(server.requests.length <= 9 + 2, `${server.requests.length} requests`);
  });
});
