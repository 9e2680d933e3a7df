/** A judge at the endpoints of the usual makers: it works, or says why not. */
import { deepStrictEqual, ok, rejects, strictEqual } from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import type { JudgeSettings } from "./settings.ts";
import {
  comparisons,
  expected,
  judge,
  price,
  quick,
  settings,
  textSettings,
  warningsOf,
  withCache,
} from "./testing/judging.ts";
import { startLoopback } from "./testing/loopback.ts";
import { KEY, makers } from "./testing/makers.ts";

const variable = "MAKERS_TEST_KEY";
process.env[variable] = KEY;

/** A server of this kind, and a judge that asks it; `base` in place of the maker's own. */
async function startMaker(kind: keyof typeof makers, base?: string) {
  const maker = makers[kind]();
  const server = await startLoopback({ reply: maker.reply });
  const baseUrl = server.baseUrl.replace(/\/v1$/, "") + (base ?? maker.base);
  const ask = (cache: string, own: JudgeSettings = settings, rows = 8) =>
    judge(comparisons(rows), {
      settings: own,
      price,
      endpoint: quick(baseUrl, cache, { keyVariable: variable, concurrency: 2, attempts: 5 }),
    });
  return { server, ask, [Symbol.asyncDispose]: () => server[Symbol.asyncDispose]() };
}

const withParameters = (own: JudgeSettings, parameters: Record<string, unknown>) => (
  { ...own, parameters: { ...own.parameters, ...parameters } }
);
const another = withParameters(settings, { model: "another" });
/** Text settings for a model that thinks: more tokens. */
const patient = withParameters(textSettings, { max_tokens: 2000 });

type Judged = Awaited<ReturnType<typeof judge>>["annotations"];
/** Holds log-probabilities to what the loopback judge means; those of `missing` rows are none. */
function holds(annotations: Judged, missing: readonly number[] = []) {
  annotations.forEach((row, i) => {
    if (missing.includes(i)) return strictEqual(row.preference, NaN, `row ${i}`);
    ok(Math.abs(row.preference - expected(row)) < 1e-9, `row ${i}: ${row.preference}`);
  });
}
/** The same of answers that are read as text. */
function holdsAsText(annotations: Judged) {
  annotations.forEach((row, i) => {
    strictEqual(row.preference, expected(row) < 1.5 ? 1 : 2, `row ${i}`);
  });
}

Deno.test("httpJudge() works with OpenAI, Azure, vLLM, llama.cpp and OpenRouter", async () => {
  for (const kind of ["openai", "azure", "vllm", "llamaCpp", "openRouter"] as const) {
    await withCache(async (cache) => {
      await using maker = await startMaker(kind);
      const missing = ["azure", "vllm", "llamaCpp"].includes(kind) ? [3] : [];
      const said = await warningsOf(async () =>
        holds((await maker.ask(cache)).annotations, missing)
      );
      deepStrictEqual(said, [], kind);
      const asked = maker.server.requests.length;
      holds((await maker.ask(cache)).annotations, missing);
      strictEqual(maker.server.requests.length - asked, missing.length, `${kind}: kept`);
    });
  }
});

Deno.test("httpJudge() reads text from Ollama and LM Studio, and says that they give no more", async () => {
  for (const kind of ["ollama", "lmStudio"] as const) {
    await withCache(async (cache) => {
      await using maker = await startMaker(kind);
      await rejects(maker.ask(cache), /without log-probabilities: use settings that read .* text/);
      ok(maker.server.requests.length <= 6, `${kind}: ${maker.server.requests.length}`);
      holdsAsText((await maker.ask(cache, textSettings)).annotations);
    });
  }
});

Deno.test("httpJudge() leaves out what a model refuses, once, says so and remembers it", async () => {
  const left = "max_tokens, temperature, top_p";
  const kinds: [keyof typeof makers, JudgeSettings, string[], RegExp][] = [
    ["reasoning", patient, ["max_completion_tokens"], new RegExp(`take ${left} for`)],
    [
      "eitherOr",
      settings,
      ["logprobs", "max_tokens", "temperature", "top_logprobs"],
      /take top_p for/,
    ],
    [
      "strict",
      withParameters(textSettings, { logprobs: true, top_logprobs: 5 }),
      ["max_tokens", "temperature", "top_p"],
      /take (logprobs, )?top_logprobs/,
    ],
  ];
  for (const [kind, own, fields, line] of kinds) {
    await withCache(async (cache) => {
      await using maker = await startMaker(kind);
      const check = kind === "eitherOr" ? holds : holdsAsText;
      const said = await warningsOf(async () => {
        const { annotations, spent } = await maker.ask(cache, own);
        check(annotations);
        strictEqual(spent.calls, 8, "a refusal costs nothing");
      });
      ok(said.length >= 1 && said.length <= 3, said.join("\n"));
      ok(maker.server.requests.length <= 8 + 2 * 3, `${kind}: ${maker.server.requests.length}`);
      const kept = readdirSync(cache).map((name) => readFileSync(join(cache, name), "utf8"))
        .map((text) => JSON.parse(text).asked.body).filter((body) => body !== undefined);
      strictEqual(kept.length, 8);
      for (const { messages: _, model: __, ...rest } of kept) {
        deepStrictEqual(Object.keys(rest).sort(), fields, "kept under what was sent");
      }
      // Again: free, and estimated so; more rows are asked without a further refusal.
      const asked = maker.server.requests.length;
      const again = await warningsOf(async () => {
        const { annotations, estimate } = await maker.ask(cache, own, 12);
        check(annotations);
        strictEqual(estimate.calls, 4);
      });
      strictEqual(maker.server.requests.length, asked + 4);
      strictEqual(again.length, 1);
      ok(line.test(again[0]!), again[0]);
    });
  }
});

Deno.test("httpJudge() stops where it cannot do without what a model refuses", async () => {
  const cases: [keyof typeof makers, JudgeSettings, RegExp][] = [
    ["reasoning", settings, /take "logprobs" but found 403: You are not allowed .* as text/],
    ["strict", settings, /take "top_logprobs" but found 422: .*Extra inputs.* as text/],
    ["reasoning", textSettings, /tokens used up \(a model that thinks first needs more/],
  ];
  for (const [kind, own, words] of cases) {
    await withCache(async (cache) => {
      await using maker = await startMaker(kind);
      await rejects(maker.ask(cache, own, 40), words);
      ok(maker.server.requests.length <= 14, `${kind}: ${maker.server.requests.length}`);
    });
  }
  // What is not dispensable is named, with the remedy.
  await withCache(async (cache) => {
    const body = { error: { message: "Unrecognized request argument supplied: top_k" } };
    await using server = await startLoopback({ reply: () => ({ status: 400, body }) });
    const own = withParameters(settings, { top_k: 4 });
    const run = judge(comparisons(9), {
      settings: own,
      price,
      endpoint: quick(server.baseUrl, cache),
    });
    await rejects(run, /take "top_k" but found 400: .*take top_k out of the settings/);
  });
  // A model that is exchanged behind its name: answers with and without are not mixed.
  await withCache(async (cache) => {
    let n = 0;
    const body = { error: { message: "temperature is not supported" } };
    await using server = await startLoopback({
      reply: () => ++n > 10 ? { status: 400, body } : undefined,
    });
    const endpoint = quick(server.baseUrl, cache, { concurrency: 1 });
    const run = () => judge(comparisons(30), { settings, price, endpoint });
    await rejects(run(), /with and without it are not one judge's.* 20 of 30 rows/);
    await rejects(run(), /with and without it are not one judge's.* 20 of 30 rows/);
    strictEqual(server.requests.length, 12);
  });
});

Deno.test("httpJudge() says at once, in the maker's words, what is wrong with key, model or address", async () => {
  const cases: [keyof typeof makers, string | undefined, JudgeSettings, RegExp][] = [
    ["openai", undefined, another, /404: The model `another` does not exist/],
    ["openai", "/", settings, /404: Invalid URL .*most base URLs end in \/v1/],
    [
      "azure",
      "/openai/deployments/other?api-version=2024-10-21",
      settings,
      /404: The API deployment/,
    ],
    ["vllm", undefined, another, /404: The model `another` does not exist/],
    ["ollama", undefined, another, /404: model "another" not found, try pulling/],
    ["lmStudio", undefined, another, /400: No models loaded/],
    ["lmStudio", "", settings, /Unexpected endpoint .*most base URLs end in \/v1/],
    ["openRouter", "/v1", settings, /404: <html>Not found/],
  ];
  for (const [kind, base, own, words] of cases) {
    await withCache(async (cache) => {
      await using maker = await startMaker(kind, base);
      await rejects(maker.ask(cache, own, 40), words);
      ok(maker.server.requests.length <= 2, `${kind}: ${maker.server.requests.length}`);
    });
  }
  await withCache(async (cache) => {
    await using maker = await startMaker("openRouter");
    await rejects(maker.ask(cache, settings, 60), (error: Error) => {
      ok(/402: Insufficient credits/.test(error.message), error.message);
      return !/u=42/.test(error.message);
    });
    strictEqual(readdirSync(cache).length, 38, "what was answered is kept");
  });
  process.env[variable] = "wrong-key-0123";
  try {
    for (const kind of ["openai", "azure"] as const) {
      await withCache(async (cache) => {
        await using maker = await startMaker(kind);
        await rejects(maker.ask(cache), (error: Error) => {
          ok(
            /accept the key from MAKERS_TEST_KEY but found 401/.test(error.message),
            error.message,
          );
          return !/6789|wrong-key/.test(error.message);
        });
      });
    }
  } finally {
    process.env[variable] = KEY;
  }
  const endpoint = quick("https://x.openai.azure.com/openai/deployments/judge", "/nowhere");
  await rejects(judge([], { settings, price, endpoint }), /"\?api-version=…" at the end/);
});

Deno.test("httpJudge() follows no redirect with its key, and no answer without an end", async () => {
  await withCache(async (cache) => {
    await using elsewhere = await startLoopback();
    const location = `${elsewhere.baseUrl}/chat/completions?token=secret`;
    await using server = await startLoopback({
      reply: () => ({ status: 307, body: "", headers: { location } }),
    });
    const run = judge(comparisons(3), { settings, price, endpoint: quick(server.baseUrl, cache) });
    await rejects(run, (error: Error) => {
      ok(error.message.includes(`307: moved to ${elsewhere.baseUrl}`), error.message);
      return !/secret/.test(error.message);
    });
    strictEqual(elsewhere.requests.length, 0);
  });
  await withCache(async (cache) => {
    await using server = await startLoopback({ reply: () => ({ body: " ".repeat(1 << 25) }) });
    const endpoint = quick(server.baseUrl, cache, { attempts: 1 });
    await rejects(judge(comparisons(1), { settings, price, endpoint }), /without an end/);
  });
});
