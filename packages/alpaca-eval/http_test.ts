import { deepStrictEqual, ok, strictEqual } from "node:assert/strict";
import { createServer } from "node:http";
import { Client } from "./http.ts";
import { comparisons, judge, price, quick, settings, withCache } from "./testing/judging.ts";
import { startLoopback } from "./testing/loopback.ts";

Deno.test("httpJudge() waits as long as Retry-After says, and gives up on a lost answer", async () => {
  await withCache(async (cache) => {
    let first = true;
    await using server = await startLoopback({
      reply: () => first ? (first = false, { status: 503, body: "" }) : undefined,
    });
    const endpoint = quick(server.baseUrl, cache, { backoff: 1 });
    await judge(comparisons(1), { settings, endpoint, price });
    ok(server.requests[1]!.at - server.requests[0]!.at < 20_000, "no header, no long wait");
  });
  await withCache(async (cache) => {
    const times: number[] = [];
    const server = createServer((_, response) => {
      times.push(performance.now());
      if (times.length === 1) response.writeHead(429, { "retry-after": "1" }).end();
      else if (times.length === 2) return; // never answers
      else response.end('{"choices": [1]}');
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const { port } = server.address() as { port: number };
    const client = new Client(quick(`http://127.0.0.1:${port}/v1`, cache, { timeout: 200 }));
    deepStrictEqual(await client.ask({}), { choices: [1] });
    ok(times[1]! - times[0]! >= 990, `waited ${times[1]! - times[0]!} ms of 1000`);
    ok(times[2]! - times[1]! >= 190, "waited for the answer until the time limit");
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  });
});

Deno.test("httpJudge() does not keep a gateway's error as an answer, however often it comes", async () => {
  await withCache(async (cache) => {
    await using server = await startLoopback({
      fault: (n) => n < 5 ? "error with status 200" : undefined,
    });
    const { missing } = await judge(comparisons(1), {
      settings,
      price,
      endpoint: quick(server.baseUrl, cache),
    });
    strictEqual(missing, 0);
    strictEqual(server.requests.length, 6);
  });
});
