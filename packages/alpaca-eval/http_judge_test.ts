import { deepStrictEqual, ok, rejects, strictEqual } from "node:assert/strict";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";
import type { Comparison } from "./annotation.ts";
import { guessTokens, type Usage } from "./cost.ts";
import type { Endpoint } from "./http.ts";
import { httpJudge, type HttpJudgeOptions } from "./http_judge.ts";
import { isSwitched, judgeMessages, loadJudgeSettings } from "./settings.ts";
import { type Fault, loopbackProbability, startLoopback } from "./testing/loopback.ts";
import { winRate } from "./win_rate.ts";

const data = new URL("../../data/judge/", import.meta.url);
const settings = await loadJudgeSettings(
  fileURLToPath(new URL("weighted_alpaca_eval_gpt4_turbo/configs.yaml", data)),
);
const textSettings = await loadJudgeSettings(
  fileURLToPath(new URL("text_alpaca_eval_clf/configs.yaml", data)),
);
const price = { input: 10, output: 30 };

const comparisons = (count: number): Comparison[] =>
  Array.from({ length: count }, (_, i) => ({
    instruction: `Instruction ${i}`,
    output_1: `reference ${i}`,
    output_2: `candidate ${i} 👍`,
    generator_1: "r",
    generator_2: "c",
  }));

/** The text the judge is shown for a comparison. */
const textOf = (comparison: Comparison) => judgeMessages(settings, comparison).at(-1)!.content;

/** What the loopback judge means by its answer. */
function expected(comparison: Comparison): number {
  const first = loopbackProbability(textOf(comparison));
  return isSwitched(comparison.instruction) ? 1 + first : 2 - first;
}

/** Runs with an empty cache folder that is gone afterwards. */
async function withCache(body: (cache: string) => Promise<void>): Promise<void> {
  const cache = mkdtempSync(join(tmpdir(), "judge-"));
  try {
    await body(cache);
  } finally {
    rmSync(cache, { recursive: true });
  }
}

const quick = (baseUrl: string, cache: string, more: Partial<Endpoint> = {}): Endpoint => ({
  baseUrl,
  cache,
  backoff: 2,
  concurrency: 16,
  ...more,
});

/** Judges, and says what was estimated and spent and how many rows have no preference. */
async function judge(rows: readonly Comparison[], options: HttpJudgeOptions) {
  let estimate: Usage | undefined, spent: Usage | undefined, done = 0;
  const annotations = await httpJudge({
    ...options,
    onEstimate: (usage) => estimate = usage,
    onAnswer: (answered, total, used) => {
      strictEqual(total, rows.length);
      [done, spent] = [answered, used];
    },
  })(rows);
  const missing = annotations.filter((row) => Number.isNaN(row.preference)).length;
  return { annotations, estimate: estimate!, spent: spent!, missing, done };
}

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

Deno.test("httpJudge() killed in the middle resumes: no answer is lost or asked for again", async () => {
  await withCache(async (cache) => {
    await using server = await startLoopback({ delay: 5 });
    const rows = comparisons(400);
    const code = `
      import { httpJudge } from ${JSON.stringify(new URL("http_judge.ts", import.meta.url).href)};
      import { loadJudgeSettings } from ${
      JSON.stringify(new URL("settings.ts", import.meta.url).href)
    };
      const path = ${
      JSON.stringify(fileURLToPath(new URL("weighted_alpaca_eval_gpt4_turbo/configs.yaml", data)))
    };
      const options = { settings: await loadJudgeSettings(path), price: { input: 10, output: 30 },
        endpoint: ${JSON.stringify(quick(server.baseUrl, cache))} };
      await httpJudge(options)(${JSON.stringify(rows)});`;
    const child = new Deno.Command(Deno.execPath(), {
      args: ["eval", "--quiet", code],
      cwd: fileURLToPath(new URL("../../", import.meta.url)),
    }).spawn();
    const deadline = performance.now() + 60_000;
    while (server.requests.length < 150) {
      ok(performance.now() < deadline, "the process to be killed did not get going");
      await new Promise((resolve) => setTimeout(resolve, 2));
    }
    child.kill("SIGKILL");
    strictEqual((await child.status).success, false);
    const kept = readdirSync(cache).filter((name) => name.endsWith(".json"));
    ok(kept.length >= 100 && kept.length < 400, `killed after ${kept.length} answers`);
    const texts = new Set(
      kept.map((name) =>
        JSON.parse(readFileSync(join(cache, name), "utf8")).asked.body.messages.at(-1)
          .content as string
      ),
    );
    // The kernel may still deliver what the killed process had sent.
    await new Promise((resolve) => setTimeout(resolve, 50));
    const before = server.requests.length;
    const result = await judge(rows, { settings, price, endpoint: quick(server.baseUrl, cache) });
    const asked = server.requests.slice(before).map((request) => request.text);
    strictEqual(asked.length, 400 - kept.length);
    ok(asked.every((text) => !texts.has(text)), "no kept answer is asked for again");
    strictEqual(result.missing, 0);
    strictEqual(server.answered.size, 400);
    result.annotations.forEach((row, i) => {
      ok(Math.abs(row.preference - expected(rows[i]!)) < 1e-9, `row ${i}`);
    });
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

const chat = (content: string, tops: Record<string, number>) => ({
  choices: [{
    message: { role: "assistant", content },
    logprobs: {
      content: [{
        top_logprobs: Object.entries(tops).map(([token, logprob]) => ({ token, logprob })),
      }],
    },
  }],
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

Deno.test("httpJudge() pays once for two judges on one cache, and takes over from a dead one", async () => {
  await withCache(async (cache) => {
    await using server = await startLoopback({ delay: 5 });
    const options = { settings, price, endpoint: quick(server.baseUrl, cache) };
    writeFileSync(join(cache, ".lock"), "2147483646"); // no process has this number
    const [one, two] = await Promise.all([
      judge(comparisons(30), options),
      judge(comparisons(40), options),
    ]);
    strictEqual(server.requests.length, 40);
    deepStrictEqual([one.missing, two.missing], [0, 0]);
    ok(!existsSync(join(cache, ".lock")));
    // Another process: it holds the folder while it lives.
    writeFileSync(join(cache, ".lock"), String(process.ppid));
    const run = judge(comparisons(41), options);
    await new Promise((resolve) => setTimeout(resolve, 300));
    strictEqual(server.requests.length, 40, "waits");
    await judge(comparisons(40), options); // all known: nothing to wait for
    rmSync(join(cache, ".lock"));
    strictEqual((await run).missing, 0);
    strictEqual(server.requests.length, 41);
  });
});

Deno.test("httpJudge() waits as long as Retry-After says, and gives up on a lost answer", async () => {
  await withCache(async (cache) => {
    let first = true;
    await using server = await startLoopback({
      reply: () => first ? (first = false, { status: 503, body: "" }) : undefined,
    });
    const endpoint = quick(server.baseUrl, cache, { backoff: 1 });
    await judge(comparisons(1), { settings, endpoint, price });
    ok(server.requests[1]!.at - server.requests[0]!.at < 500, "no header, no long wait");
  });
  const { Client } = await import("./http.ts");
  const { createServer } = await import("node:http");
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
