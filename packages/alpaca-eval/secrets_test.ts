/** No key and no password reaches a message, a cached answer or an annotation. */
import { ok, rejects, strictEqual } from "node:assert/strict";
import { readdirSync, readFileSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { writeRows } from "./files.ts";
import {
  comparisons,
  judge,
  price,
  quick,
  settings,
  textSettings,
  warningsOf,
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

Deno.test("httpJudge() leaves the key in no file that is written, however an endpoint repeats it", async () => {
  const key = 'sk-"quoted"/\\0123456789';
  process.env.JUDGE_TEST_KEY = key;
  try {
    await withCache(async (folder) => {
      const json = JSON.stringify(key).slice(1, -1);
      const spelt = [...key].map((c) => "\\u" + c.charCodeAt(0).toString(16).padStart(4, "0"));
      const forms = [json, json.replaceAll("/", "\\/"), encodeURIComponent(key), spelt.join("")];
      const nested = forms.map((form) => `{"seen": ["Bearer ${form}"]}`).join();
      let n = 0;
      await using server = await startLoopback({
        reply: () => {
          if (++n === 1) {
            const error = { message: `${key}: temperature is not supported`, param: key };
            return { status: 400, body: { error } };
          }
          if (n % 5 === 0) return { status: 500, body: { error: { message: key } } };
          if (n % 7 === 0) {
            return { status: 400, body: { error: { message: `${key} is flagged` } } };
          }
          const choice = `{"message": {"content": "m", "echo": [${nested}]}}`;
          return { body: `{"choices": [${choice}], "headers": [${nested}]}` };
        },
      });
      const endpoint = quick(server.baseUrl, join(folder, "cache"), {
        keyVariable: "JUDGE_TEST_KEY",
        concurrency: 1,
      });
      const said = await warningsOf(async () => {
        const { annotations, missing } = await judge(comparisons(40), {
          settings: textSettings,
          endpoint,
          price,
        });
        ok(missing > 2 && missing < 10, "single refusals are kept as such");
        await writeRows(join(folder, "annotations.json"), annotations);
      });
      ok(said.length === 1 && /take temperature/.test(said[0]!), said.join());
      const written = (readdirSync(folder, { recursive: true }) as string[])
        .map((name) => join(folder, name)).filter((path) => statSync(path).isFile());
      ok(written.length > 30, `${written.length} files`);
      for (const text of [...said, ...written.map((path) => readFileSync(path, "utf8"))]) {
        for (const form of [key, ...forms, "0123456789"]) ok(!text.includes(form), text);
      }
    });
  } finally {
    delete process.env.JUDGE_TEST_KEY;
  }
});
