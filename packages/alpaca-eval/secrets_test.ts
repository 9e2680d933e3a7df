/** No key and no password reaches a message, a cached answer or an annotation. */
import { ok, rejects, strictEqual } from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import {
  comparisons,
  judge,
  price,
  quick,
  settings,
  textSettings,
  withCache,
} from "./testing/judging.ts";
import { startLoopback } from "./testing/loopback.ts";

Deno.test("httpJudge() lets no key into an error, a cached answer or an annotation", async () => {
  const key = "sk-secret-0123456789";
  process.env.JUDGE_TEST_KEY = key;
  try {
    for (const status of [401, 400, 500, 200]) {
      await withCache(async (cache) => {
        const body = {
          error: `bad ${key}`,
          choices: status === 200 ? [{ message: { content: "m", key } }] : [],
        };
        await using server = await startLoopback({ reply: () => ({ status, body }) });
        const endpoint = quick(server.baseUrl, cache, {
          keyVariable: "JUDGE_TEST_KEY",
          attempts: 2,
        });
        let seen = "";
        try {
          seen = JSON.stringify(
            await judge(comparisons(1), { settings: textSettings, endpoint, price }),
          );
          strictEqual(status, 200);
        } catch (error) {
          ok(status !== 200, String(error));
          seen = String((error as Error).stack) + JSON.stringify(error);
          if (status === 401) ok(/JUDGE_TEST_KEY/.test(seen), "the variable is named");
        }
        strictEqual(server.requests[0]!.key, `Bearer ${key}`);
        for (const name of readdirSync(cache)) seen += readFileSync(join(cache, name), "utf8");
        ok(!seen.includes(key), `status ${status}: ${seen}`);
      });
    }
  } finally {
    delete process.env.JUDGE_TEST_KEY;
  }
  const endpoint = { baseUrl: "https://user:password@host/v1", cache: tmpdir() };
  await rejects(
    judge([], { settings, endpoint, price }),
    (error: Error) =>
      /without credentials/.test(error.message) && !error.message.includes("password"),
  );
});

Deno.test("httpJudge() quotes no key and no user of a URL, in whatever form they come back", async () => {
  const key = 'sk-ab"cd\\ef/0123456789';
  process.env.JUDGE_TEST_KEY = key;
  try {
    const quoted = [
      key,
      encodeURIComponent(key),
      `${key.slice(0, 8)}****6789`,
      "see http://me:pass%40word@host/",
    ];
    for (const status of [400, 401, 500]) {
      for (const text of quoted) {
        await withCache(async (cache) => {
          const body = { error: { message: `Wrong: ${text}` } };
          await using server = await startLoopback({ reply: () => ({ status, body }) });
          const endpoint = quick(server.baseUrl, cache, {
            keyVariable: "JUDGE_TEST_KEY",
            attempts: 2,
          });
          await rejects(judge(comparisons(1), { settings, endpoint, price }), (error: Error) => {
            ok(/Wrong: /.test(error.message), error.message);
            return !/sk-ab|6789|pass/.test(String(error.stack) + error.cause);
          });
        });
      }
    }
    process.env.JUDGE_TEST_KEY = "sk-smart“quotes”";
    const endpoint = { baseUrl: "http://host/v1", cache: tmpdir(), keyVariable: "JUDGE_TEST_KEY" };
    await rejects(
      judge([], { settings, endpoint, price }),
      (error: Error) => /JUDGE_TEST_KEY/.test(error.message) && !/smart/.test(error.message),
    );
  } finally {
    delete process.env.JUDGE_TEST_KEY;
  }
  const urls = ["http://me:pass@host:99999/v1", "me:pass@host/v1", "http://h/v1?key=pass"];
  for (const baseUrl of [...urls, "http://h/v1#pass"]) {
    await rejects(
      judge([], { settings, endpoint: { baseUrl, cache: tmpdir() }, price }),
      (error: Error) => /^Expected a base URL/.test(error.message) && !/pass/.test(error.stack!),
    );
  }
});
