/** Trials of what reads AlpacaEval's files, a judge's settings, its replies, and answers kept. */
import { Buffer } from "node:buffer";
import assert from "node:assert/strict";
import { cpSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import {
  type Comparison,
  httpJudge,
  judgeMessages,
  leaderboardRow,
  loadJudgeSettings,
  pairOutputs,
  readAnnotations,
  readModelOutputs,
  type Usage,
} from "@implicit/alpaca-eval";
import { projectRoot } from "../../../study/settings.ts";
import { mutateBytes, mutateJson, pick, type Random } from "../mutate.ts";
import type { Reader, Trial } from "../trial.ts";
import { damaged } from "./model.ts";

const judged = [1, 2, 1.5, 1.2, null, 0].map((preference, i) => ({
  instruction: `q${i}`,
  output_1: "a".repeat(i),
  output_2: i === 2 ? null : "bb",
  generator_1: "reference",
  generator_2: "model",
  dataset: "d",
  annotator: "judge",
  preference,
}));
const answered = judged.map(({ instruction, output_2, generator_2 }) => (
  { instruction, output: output_2, generator: generator_2, dataset: "d" }
));

/** Writes rows, damaged as values or as bytes, and at times gzipped and damaged then. */
function writeDamaged(path: string, rows: unknown, random: Random): void {
  let bytes = Uint8Array.from(Buffer.from(damaged(random, rows)));
  if (random(4) === 0) bytes = Uint8Array.from(gzipSync(bytes, { level: 1 }));
  writeFileSync(path, random(6) === 0 ? mutateBytes(random, bytes) : bytes);
}

const isText = (value: unknown) => value === null || typeof value === "string";

/** model_outputs.json: a text or null of one model for each instruction. */
export const outputs: Reader = (folder) =>
  Promise.resolve(async (random) => {
    const path = join(folder, "model_outputs.json");
    writeDamaged(path, answered, random);
    const rows = await readModelOutputs(path);
    const { comparisons, unpaired } = pairOutputs(rows, answered);
    return () => {
      assert.ok(
        rows.every((row) => typeof row.instruction === "string" && isText(row.output ?? null)),
      );
      assert.ok(new Set(rows.map(({ generator }) => generator)).size <= 1, "two models");
      assert.equal(2 * comparisons.length + unpaired.length, rows.length + answered.length);
    };
  });

/** annotations.json: preferences of the scale, and rates between 0 and 100. */
export const annotations: Reader = (folder) =>
  Promise.resolve(async (random) => {
    const path = join(folder, "annotations.json");
    writeDamaged(path, judged, random);
    const rows = await readAnnotations(path);
    const row = leaderboardRow(rows);
    return () => {
      assert.ok(rows.every(({ instruction }) => typeof instruction === "string"));
      assert.ok(
        rows.every(({ output_1, output_2 }) =>
          isText(output_1 ?? null) && isText(output_2 ?? null)
        ),
      );
      for (const { preference } of rows) {
        const onScale = preference === 0 || (preference >= 1 && preference <= 2);
        assert.ok(Number.isNaN(preference) || onScale, `preference ${preference}`);
      }
      const rate = row.win_rate;
      assert.ok(
        typeof rate === "number" && (Number.isNaN(rate) || rate >= 0 && rate <= 100),
        `win rate ${rate}`,
      );
    };
  });

const settingsAt = (name: string) => join(projectRoot(), "data", "judge", name, "configs.yaml");
const comparison: Comparison = {
  instruction: "What?",
  output_1: "This.",
  output_2: "That.",
  generator_1: "reference",
  generator_2: "model",
};

/** A judge's settings and its prompt: messages of text, with both outputs. */
export const judgeSettings: Reader = (folder) => {
  cpSync(join(projectRoot(), "data", "judge"), folder, { recursive: true });
  const short = join(folder, "short_alpaca_eval_clf");
  const files = ["configs.yaml", "prompt.txt"]
    .map((name) => ({ path: join(short, name), whole: readFileSync(join(short, name)) }));
  return Promise.resolve(async (random) => {
    const { path, whole } = pick(random, files);
    writeFileSync(path, mutateBytes(random, whole));
    const read = await loadJudgeSettings(files[0]!.path).finally(() => writeFileSync(path, whole));
    const messages = judgeMessages(read, comparison);
    return () => {
      assert.ok(messages.length > 0, "no message");
      for (const { role, content } of messages) {
        assert.ok(typeof role === "string" && typeof content === "string");
      }
      const all = messages.map(({ content }) => content).join();
      for (const text of ["This.", "That."]) { // a prompt may do without the instruction
        assert.ok(all.includes(text), `"${text}" is not asked`);
      }
      JSON.stringify(read.parameters);
    };
  });
};

const usage = { prompt_tokens: 100, completion_tokens: 1, total_tokens: 101 };
const reply = {
  choices: [{
    index: 0,
    message: { role: "assistant", content: "m" },
    logprobs: {
      content: [{
        token: "m",
        top_logprobs: [["m", -0.1], ["M", -2.3], ["x", -9]].map(([token, logprob]) => ({
          token,
          logprob,
        })),
      }],
    },
  }],
  usage,
};

const names = ["weighted_alpaca_eval_gpt4_turbo", "text_alpaca_eval_clf"];

/** What endpoints answer, and how often they were asked, by their URL. */
const endpoints = new Map<string, { body: string; asked: number }>();

/** Answers for them without a network, which is not what is damaged. */
function withoutNetwork(): void {
  const { fetch } = globalThis;
  globalThis.fetch = (url, init) => {
    const endpoint = endpoints.get(String(url).replace(/\/chat\/completions$/, ""));
    if (!endpoint) return fetch(url, init);
    endpoint.asked++;
    return Promise.resolve(new Response(endpoint.body));
  };
}

/** A judge that is asked of one comparison: its preference, how often its endpoint was asked, the cost. */
async function judgeIn(folder: string, name: string) {
  const settings = await loadJudgeSettings(settingsAt(name));
  const own = { body: "", asked: 0 }, baseUrl = `http://127.0.0.1/${endpoints.size}/v1`;
  if (endpoints.size === 0) withoutNetwork();
  endpoints.set(baseUrl, own);
  const endpoint = { baseUrl, cache: folder, attempts: 2, backoff: 0 };
  let spent: Usage | undefined;
  const onAnswer = (_: number, __: number, used: Usage) => void (spent = used);
  const judge = httpJudge({ settings, endpoint, price: { input: 10, output: 30 }, onAnswer });
  return async (body: string) => {
    Object.assign(own, { body, asked: 0 });
    const [row] = await judge([comparison]);
    return { preference: row!.preference, asked: own.asked, cost: spent!.cost };
  };
}

const isPreference = (value: number) => Number.isNaN(value) || (value >= 1 && value <= 2);

/** What an endpoint answers: a preference or none, a cost that can be, and no second bill. */
export const judgeReplies: Reader = async (folder): Promise<Trial> => {
  const judges = await Promise.all(names.map((name) => judgeIn(folder, name)));
  return async (random) => {
    for (const name of readdirSync(folder)) {
      if (name.endsWith(".json")) rmSync(join(folder, name));
    }
    let body = mutateJson(random, reply);
    if (random(8) === 0) body = new TextDecoder().decode(mutateBytes(random, Buffer.from(body)));
    const ask = pick(random, judges);
    const first = await ask(body);
    const again = await ask(body);
    return () => {
      assert.ok(isPreference(first.preference), `preference ${first.preference}`);
      assert.ok(first.cost >= 0 && first.cost < Infinity, `cost ${first.cost}`);
      assert.ok(first.asked >= 1);
      assert.ok(Object.is(again.preference, first.preference), `kept as ${again.preference}`);
      assert.equal(again.asked, 0, "asked again of an answer that was kept");
    };
  };
};

/** An answer on disk: as it came, or asked for anew. */
export const keptAnswers: Reader = async (folder): Promise<Trial> => {
  const ask = await judgeIn(folder, names[0]!);
  const body = JSON.stringify(reply);
  const first = await ask(body);
  const name = readdirSync(folder).find((name) => name.endsWith(".json"))!;
  const path = join(folder, name), whole = readFileSync(path, "utf8");
  return async (random) => {
    writeFileSync(path, damaged(random, JSON.parse(whole)));
    const { preference } = await ask(body).finally(() => writeFileSync(path, whole));
    return () => {
      assert.equal(preference, first.preference, "another preference than the one that was kept");
    };
  };
};
