import { deepEqual, equal, match, notEqual, ok, rejects } from "node:assert/strict";
import { existsSync } from "node:fs";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { accountOf, type Dataset, loadDataset } from "./dataset.ts";
import { startHub } from "./testing/loopback.ts";
import { readRows } from "./rows.ts";
import { sources } from "./sources.ts";

const golden = (name: string) => new URL(`./golden/${name}`, import.meta.url);
const testdata = new URL("../../../shared/testdata/", import.meta.url);
const ignore = !existsSync(testdata);
if (ignore) console.log("dataset_test: ../shared/testdata is absent; real data sets skipped");

/** A folder with these files in it. */
async function withFiles(
  files: Record<string, string | Uint8Array>,
  test: (path: (name: string) => string) => Promise<void>,
) {
  const folder = await mkdtemp(join(tmpdir(), "dataset-"));
  const path = (name: string) => join(folder, name);
  try {
    for (const [name, content] of Object.entries(files)) await writeFile(path(name), content);
    await test(path);
  } finally {
    await rm(folder, { recursive: true });
  }
}
const jsonl = (...rows: unknown[]) => rows.map((row) => JSON.stringify(row) + "\n").join("");
const turns = (dataset: Dataset, i = 0) => dataset.items[i]!.messages.map((m) => m.content);

Deno.test("loadDataset() makes examples of JSON lines and counts every row that does not fit", () =>
  withFiles({
    "gsm.jsonl": jsonl(
      { question: "2 + 2?", answer: "<<2+2=4>>4\n#### 4" },
      { question: " ", answer: "4" },
      { question: 5, answer: "4" },
      { answer: "4" },
      { question: "", answer: "4" },
      { question: "3 + 3?", answer: "6", more: true },
    ),
  }, async (path) => {
    const dataset = await loadDataset(sources.gsm8k, { path: path("gsm.jsonl") });
    equal(dataset.items.length, 2);
    deepEqual(turns(dataset), ["2 + 2?", "<<2+2=4>>4\n#### 4"]);
    deepEqual(dataset.skipped, [
      { reason: '"question" is empty', count: 2, rows: [2, 5] },
      { reason: '"question" is a number, not text', count: 1, rows: [3] },
      { reason: '"question" is missing', count: 1, rows: [4] },
    ]);
    match(accountOf(dataset), /gsm8k: 2 from .*\(the paper: 1000\); left out: 2 × "question" is/);
    const first = await loadDataset(sources.gsm8k, { path: path("gsm.jsonl"), take: 1 });
    equal(first.items.length, 1);
    notEqual(first.hash, dataset.hash);
  }));

Deno.test("loadDataset() names file, expectation and remedy where a file is wrong", () =>
  withFiles({
    "other.jsonl": jsonl({ prompt: "a", answer: "b" }),
    "empty.jsonl": "",
    "bad.jsonl": jsonl({ question: "", answer: "b" }),
    "torn.jsonl": `${jsonl({ question: "a", answer: "b" })}{"question": "c`,
    "list.jsonl": "[1]\n",
    "object.json": '{"rows": []}',
    "numbers.json": "[1]",
    "torn.parquet": "PAR1 no",
    "torn.jsonl.gz": gzipSync(jsonl({ question: "a", answer: "b" })).subarray(0, 20),
    "table.csv": "question,answer",
  }, async (path) => {
    const load = (name: string) => loadDataset(sources.gsm8k, { path: path(name) });
    await rejects(
      load("other.jsonl"),
      /columns question, answer for gsm8k in .*other.jsonl but found prompt, answer: question/,
    );
    await rejects(load("empty.jsonl"), /Expected rows for gsm8k in .* but found none/);
    await rejects(load("bad.jsonl"), /none of 1 fits \(1 × "question" is empty \(row 1\)\)/);
    await rejects(load("torn.jsonl"), /torn.jsonl, line 2 but found/);
    await rejects(load("list.jsonl"), /named columns at .*list.jsonl, line 1 but found a list/);
    await rejects(load("object.json"), /array of rows in .*object.json but found an object/);
    await rejects(load("numbers.json"), /numbers.json, row 1 but found a number/);
    await rejects(load("torn.parquet"), /readable data in .*torn.parquet but found/);
    await rejects(load("torn.jsonl.gz"), /readable data in .*torn.jsonl.gz but found/);
    await rejects(load("table.csv"), /Expected a .jsonl, .*table.csv/);
    for (const name of ["no.jsonl", "no.jsonl.gz", "no.json", "no.parquet"]) {
      await rejects(load(name), /Expected a data file at .*no\..* but found none/);
    }
    await rejects(loadDataset(sources.validation), /not on the hub.*val\.jsonl and pass \{path\}/);
  }));

Deno.test("readRows() gives lists, numbers and nulls of Parquet as they were written", async () => {
  const rows = await Array.fromAsync(readRows(golden("dialogues.parquet").pathname));
  deepEqual(rows.map((r) => r.source), ["x", "y", null, "z"]);
  deepEqual(rows[1]!.conversations, ["a", "b", "c", "d"]);
  equal(Number(rows[3]!.n), 2 ** 40);
});

Deno.test("lima drops the last turn of an odd dialogue, and says so", async () => {
  const dataset = await loadDataset(sources.lima, { path: golden("dialogues.parquet").pathname });
  deepEqual(dataset.items.map((x) => x.messages.length), [2, 4, 2]);
  deepEqual(dataset.changed, [
    { reason: "an odd number of turns: the last one is dropped", count: 1, rows: [3] },
  ]);
  deepEqual(dataset.skipped, [{ reason: "a dialogue without a response", count: 1, rows: [4] }]);
});

Deno.test("lima leaves out dialogues with an empty response, and names them", () =>
  withFiles({
    "lima.jsonl": jsonl(
      { conversations: ["a", "b"] },
      { conversations: ["a", "b", "c", " \n"] },
      { conversations: ["a", 2] },
    ),
  }, async (path) => {
    const dataset = await loadDataset(sources.lima, { path: path("lima.jsonl") });
    equal(dataset.items.length, 1);
    deepEqual(dataset.skipped, [
      { reason: "an empty response", count: 1, rows: [2] },
      { reason: '"conversations" is not a list of texts', count: 1, rows: [3] },
    ]);
  }));

Deno.test("messages, limaNoRephrase and alpacaInTemplates read conversations as they stand", () =>
  withFiles({
    "chat.jsonl": jsonl(
      {
        messages: [
          { role: "user", content: "Task: Add\n\n1, 2", check: "#### YES" },
          { role: "assistant", content: "3", content_old: "1 and 2 are 3" },
        ],
      },
      { messages: [{ role: "user", content: "Wait" }, { role: "assistant", content: "" }] },
      { messages: [{ role: "user", content: "a" }] },
      { messages: [{ role: "human", content: "a" }, { role: "assistant", content: "b" }] },
      { messages: [null] },
      { messages: "text" },
    ),
  }, async (path) => {
    const { messages, limaNoRephrase, alpacaInTemplates } = sources;
    const dataset = await loadDataset(limaNoRephrase, { path: path("chat.jsonl") });
    deepEqual(dataset.items[0]!.messages, [
      { role: "user", content: "Task: Add\n\n1, 2" },
      { role: "assistant", content: "3" },
    ]);
    equal(dataset.items.length, 2);
    deepEqual(dataset.changed, [
      { reason: "a response rewritten not to restate", count: 1, rows: [1] },
    ]);
    deepEqual(dataset.skipped.map(({ reason, rows }) => [reason, rows]), [
      ["a conversation without a response", [3]],
      ['"messages" is not a list of {role, content}', [4, 5, 6]],
    ]);
    deepEqual([messages, limaNoRephrase, alpacaInTemplates].map((s) => [s.take, s.expected]), [
      [undefined, undefined],
      [undefined, 1029],
      [1000, 1000],
    ]);
    await rejects(loadDataset(alpacaInTemplates), /not on the hub.*reformat_datasets\.py/);
  }));

Deno.test("mbpp takes the train split, poetry skips poems without a name, alpaca keeps empty outputs", () =>
  withFiles({
    "mbpp.json": JSON.stringify(
      [600, 601, 974, 975].map((task_id) => ({ task_id, text: `t${task_id}`, code: "c" })),
    ),
    "poetry.jsonl": jsonl({ "poem name": null, content: "x" }, {
      "poem name": "Ode",
      content: "y",
    }),
    "alpaca.json": JSON.stringify([
      { instruction: "Add", input: "1, 2", output: "3" },
      { instruction: "Wait", input: "", output: "" },
    ]),
  }, async (path) => {
    const mbpp = await loadDataset(sources.mbpp, { path: path("mbpp.json") });
    deepEqual(mbpp.items.map((x) => x.messages[0]!.content), ["t601", "t974"]);
    deepEqual(mbpp.skipped[0]!.rows, [1, 4]);
    const poetry = await loadDataset(sources.poetry, { path: path("poetry.jsonl") });
    deepEqual(turns(poetry), ["Write a poem called Ode", "y"]);
    deepEqual(poetry.skipped, [{ reason: '"poem name" is missing', count: 1, rows: [1] }]);
    const alpaca = await loadDataset(sources.alpaca, { path: path("alpaca.json") });
    deepEqual([turns(alpaca), turns(alpaca, 1)], [["Add\n\n1, 2", "3"], ["Wait", ""]]);
  }));

Deno.test("chess takes games over several lines, and accounts for what it leaves out", () =>
  withFiles({
    "games.pgn": [
      '[WhiteElo "1500"]\n[BlackElo "1600"]\n\n1.e4 e5\n2. Nf3 (2. f4) Nc6\n3. Bb5 {Spanish} 1-0\n',
      '[WhiteElo "1500"]\n[BlackElo "1600"]\n\n1. e4 once upon a time *\n',
      '[WhiteElo "1500"]\n[BlackElo "1600"]\n\n23. Kf1 Kf8 *\n',
      '[WhiteElo "1500"]\n[BlackElo "1600"]\n\n1-0\n',
    ].join("\n"),
  }, async (path) => {
    const options = { path: path("games.pgn") };
    const games = await loadDataset(sources.chessWithoutComments, options);
    deepEqual(games.items.map((item) => item.messages[1]!.content), [
      "1. e4 e5 2. Nf3 Nc6 3. Bb5 1-0",
    ]);
    deepEqual(games.changed.map(({ reason }) => reason), [
      "comments between the moves are left out",
      "variations between the moves are left out",
    ]);
    deepEqual(games.skipped.map(({ reason, rows }) => [reason, rows]), [
      ['"moves" is no PGN', [2]],
      ['"moves" does not begin with 1.', [3]],
      ['"moves" is missing', [4]],
    ]);
    const asTheyStand = await loadDataset(sources.chess, options);
    equal(turns(asTheyStand)[1], "1.e4 e5\n2. Nf3 (2. f4) Nc6\n3. Bb5 {Spanish} 1-0");
  }));

Deno.test("loadDataset() reads the hub's Parquet shards, no more of them than it takes", async () => {
  const shard = new Uint8Array(await readFile(golden("recipes.parquet")));
  const files = {
    "README.md": new Uint8Array(1),
    "default/train/0000.parquet": shard,
    "default/train/0001.parquet": new Uint8Array(await readFile(golden("dialogues.parquet"))),
  };
  const large = Object.keys(files).slice(1);
  const lima = { "train.jsonl": new TextEncoder().encode(jsonl({ conversations: ["a", "b"] })) };
  const hub = await startHub({
    "Hieu-Pham/kaggle_food_recipes": { kind: "dataset", files, large },
    "GAIR/lima": { kind: "dataset", files: lima, gatedFor: "hf_good" },
    "merve/poetry": { kind: "dataset", files: { "poems.xlsx": new Uint8Array(1) } },
  });
  const cache = await mkdtemp(join(tmpdir(), "hub-cache-"));
  const options = { endpoint: hub.endpoint, cache, token: "", offline: false, retryDelay: 1 };
  try {
    const first = await loadDataset(sources.recipes, { ...options, take: 5 });
    const resolved = () => hub.requests.filter((r) => r.includes("/resolve/")).length;
    equal(resolved(), 1);
    deepEqual(turns(first), [
      "Recipe for Dish 0",
      " - 1 egg\n - baker's yeast\n - salt\u00a0\n\n\nStir 0 times.\nServe.",
    ]);
    deepEqual(first.skipped.map((s) => [s.reason, s.rows]), [
      ['"Title" is missing', [3]],
      ['"Cleaned_Ingredients" is not a list of Python strings', [4]],
    ]);
    await rejects(loadDataset(sources.recipes, options), /0001\.parquet but found conversations/);
    equal(resolved(), 2); // the second shard alone was new
    match(first.origin, /^Hieu-Pham\/kaggle_food_recipes@[0-9a-f]{7}$/);

    await rejects(loadDataset(sources.lima, options), /gated dataset GAIR\/lima.*Accept its terms/);
    const dialogues = await loadDataset(sources.lima, { ...options, token: "hf_good" });
    deepEqual(turns(dialogues), ["a", "b"]);
    await rejects(loadDataset(sources.poetry, options), /found poems.xlsx.*rearranged/);
  } finally {
    await hub.close();
    await rm(cache, { recursive: true });
  }
});

Deno.test({
  name: "loadDataset() reads the real files with the paper's counts (needs ../shared/testdata)",
  ignore,
  async fn() {
    const at = (name: string) => ({ path: new URL(name, testdata).pathname });
    const count = async (loaded: Promise<Dataset<unknown>>) => {
      const { items, skipped, expected } = await loaded;
      return [items.length, skipped.reduce((sum, note) => sum + note.count, 0), expected];
    };
    const { gsm8k, mbpp, markdownRecipes, chess, alpaca, alpacaEval, validation } = sources;
    const counts = await Promise.all([
      count(loadDataset(gsm8k, at("gsm8k/train_1000.jsonl"))),
      count(loadDataset(mbpp, at("mbpp/mbpp.jsonl"))),
      count(loadDataset(markdownRecipes, at("recipes/based_cooking.jsonl"))),
      count(loadDataset(chess, at("chess/lichess_200games.pgn"))),
      count(loadDataset(alpaca, at("alpaca/alpaca_small.json"))),
      count(loadDataset(alpacaEval, at("alpaca_eval/gpt4_1106_preview.model_outputs.json.gz"))),
      count(loadDataset(validation, at("validation/val.jsonl"))),
    ]);
    deepEqual(counts, [
      [1000, 0, 1000],
      [374, 600, 374],
      [347, 2, null],
      [197, 3, 1000],
      [1000, 0, 1000],
      [805, 0, 805],
      [56, 0, 56],
    ]);
    const games = await loadDataset(
      sources.chessWithoutComments,
      at("chess/lichess_200games.pgn"),
    );
    deepEqual(games.changed.map(({ reason }) => reason), [
      "comments between the moves are left out",
    ]);
    equal(turns(games)[0], '[WhiteElo "1703"]\n[BlackElo "1698"]\n');
    match(turns(games)[1]!, /^1\. e4 c5 2\. Nf3 d6 3\. b3 .* 33\. Qxe6\+ 1-0$/);
    ok(games.items.every((game) => !/[{}]|\.\.\./.test(game.messages[1]!.content)));
  },
});
