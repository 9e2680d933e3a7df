import assert from "node:assert/strict";
import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { embedTexts } from "@implicit/hub";
import { ifInstalled, startHub, writeEncoder } from "@implicit/hub/testing";
import { similarityPoints } from "@implicit/notebook";
import type { Example } from "../text/example.ts";
import { type Embedding, modelEmbedding } from "./embedding.ts";
import { paperEmbedding } from "./small.ts";
import type { Run } from "./run.ts";
import { openScale } from "./scales.ts";
import { similarity, spearmanInterval } from "./similarity.ts";
import { readSettings } from "./settings.ts";
import { Study } from "./study.ts";

/** Runs with these variables, an empty folder, and an empty copy of the hub's cache in it. */
async function inSandbox(
  variables: Record<string, string>,
  body: (folder: string) => Promise<void>,
): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), "similarity-"));
  const all = { HF_HUB_CACHE: join(folder, "hub"), ...variables };
  const saved = Object.keys(all).map((name) => [name, Deno.env.get(name)] as const);
  for (const [name, value] of Object.entries(all)) Deno.env.set(name, value);
  try {
    await body(folder);
  } finally {
    for (const [name, value] of saved) {
      value === undefined ? Deno.env.delete(name) : Deno.env.set(name, value);
    }
    await rm(folder, { recursive: true });
  }
}

const scale = await openScale("miniature");
const base = await scale.loadBase(scale.bases[0]!);

const pairs = (list: [string, string][]): Example[] =>
  list.map(([user, assistant]) => ({
    messages: [{ role: "user", content: user }, { role: "assistant", content: assistant }],
  }));
const own = pairs([["add two", "#### four"], ["add one to two", "#### three"]]);
const general = pairs([["why", "since hens fly"], ["who", "an owl"], ["where", "here"]]);
const asked = ["add hens", "who adds one to an owl", "why"];
const given = ["#### hens", "an owl four", "since owls fly"];

/** How often each letter stands in a text, as a vector of length one. */
const letters: Embedding = (texts) =>
  Promise.resolve(texts.map((text) => {
    const counts = new Float32Array(128);
    for (const letter of text) counts[letter.charCodeAt(0)]!++;
    return counts.map((count) => count / Math.hypot(...counts));
  }));

/** A study of three instructions that are answered as above, untrained. */
class Answered extends Study {
  override run(): Promise<Run> {
    const answers = given.map((response) => ({ response }));
    return Promise.resolve({ answers } as unknown as Run);
  }
}

function studyWith(embedding: Embedding, cache: string): Study {
  const examples = ({ data }: { data: string }) =>
    Promise.resolve(data === "single-task" ? own : general);
  const prompts = asked.map((instruction, i) => (
    { id: `${i}`, family: i === 0 ? "sum" : "who", instruction, response: null }
  ));
  return new Answered({
    scale: { ...scale, examples, embedding: () => embedding },
    base,
    seeds: [1],
    prompts,
    split: "test",
    judge: null,
    settings: { ...readSettings({}), cache },
    leftOut: null,
    override: undefined,
  });
}

const content = (list: readonly Example[], i: number) =>
  list.map(({ messages }) => messages[i]!.content);

/** The mean of a text's cosines with others, by the definition. */
async function meanCosine(text: string, others: readonly string[]): Promise<number> {
  const [vector, ...list] = await letters([text, ...others]);
  const cosines = list.map((other) => other.reduce((sum, x, i) => sum + x * vector![i]!, 0));
  return cosines.reduce((a, b) => a + b, 0) / cosines.length;
}

Deno.test("similarity() is the authors' measure: means of cosines", () =>
  inSandbox({}, async (folder) => {
    const study = studyWith(letters, folder);
    const found = await similarity(study, "sums", 1);
    for (const [i, { x, y, instruction, response }] of found.points.entries()) {
      assert.deepEqual([instruction, response], [asked[i], given[i]]);
      const answer = await meanCosine(response, content(own, 1)) -
        await meanCosine(response, content(general, 1));
      assert.ok(Math.abs(x - await meanCosine(instruction, content(own, 0))) < 1e-6);
      assert.ok(Math.abs(y - answer) < 1e-6);
    }
    const named = similarityPoints(study, "sums", found).map(({ name, text }) => [name, text]);
    assert.deepEqual(named, [
      ["other instructions", [1, 2].map((i) => `${asked[i]} → ${given[i]}`)],
      ["instructions of the task", [`${asked[0]} → ${given[0]}`]],
    ]);
  }));

Deno.test("similarity() keeps what the scale's embedding gave, and takes another as a function", () =>
  inSandbox({}, async (folder) => {
    let calls = 0;
    const study = studyWith((texts) => {
      calls++;
      return letters(texts);
    }, folder);
    const first = await similarity(study, "sums", 1);
    assert.deepEqual(await similarity(study, "sums", 1), first);
    assert.equal(calls, 1, "asked once, for all texts");
    const embedding = modelEmbedding(base.model, base.tokenizer);
    const other = await similarity(study, "sums", 1, { embedding });
    assert.notDeepEqual(other.points.map(({ x }) => x), first.points.map(({ x }) => x));
    assert.deepEqual(await similarity(study, "sums", 1), first);
    // In the miniature that function is the scale's own.
    const scales = await similarity(study, "sums", 1, { embedding: scale.embedding(base) });
    assert.deepEqual(scales, other);
  }));

Deno.test("similarity() keeps what another embedding gave where that says its hash", () =>
  inSandbox({}, async (folder) => {
    const study = studyWith(letters, folder);
    const asked: string[] = [];
    const named = (hash?: string): { embedding: Embedding } => ({
      embedding: Object.assign((texts: readonly string[]) => {
        asked.push(hash ?? "none");
        return letters(texts);
      }, { hash }),
    });
    for (const hash of ["a", "a", "b", "a", undefined, undefined]) {
      await similarity(study, "sums", 1, named(hash));
    }
    assert.deepEqual(asked, ["a", "b", "none", "none"]);
  }));

Deno.test("spearmanInterval() is the rank correlation, and narrow where there is no doubt", () => {
  const rising = Array.from({ length: 30 }, (_, i) => ({ x: i, y: i ** 3 }));
  for (const value of Object.values(spearmanInterval(rising))) {
    assert.ok(Math.abs(value - 1) < 1e-12, `${value}`);
  }
  const noisy = rising.map(({ x }) => ({ x, y: x + 20 * Math.sin(7 * x) }));
  const { spearman, low, high } = spearmanInterval(noisy);
  assert.ok(0 < low && low < spearman && spearman < high && high < 1, `${low} ${spearman} ${high}`);
});

Deno.test("the real scales' embedding is nomic-embed-text-v1 through transformers.js", async () => {
  const paper = await openScale("paper");
  assert.equal(paper.embedding(base), paperEmbedding);
  await inSandbox({}, async (folder) => {
    const place = join(folder, "encoder");
    await writeEncoder(place);
    const texts = ["a hen", "the owl sees the hen.", "a hen ".repeat(600)];
    const expected = await ifInstalled(embedTexts(place, texts, { maxTokens: 512 }));
    if (!expected) return;
    const names = (await readdir(place, { recursive: true })).filter((name) => name.includes("."));
    const files = Object.fromEntries(
      await Promise.all(names.map(async (name) => [name, await readFile(join(place, name))])),
    );
    const hub = await startHub({ "nomic-ai/nomic-embed-text-v1": { files } });
    try {
      await inSandbox(
        { HF_ENDPOINT: hub.endpoint },
        async () => assert.deepEqual(await paperEmbedding(texts), expected),
      );
    } finally {
      await hub.close();
    }
  });
});
