import { deepStrictEqual, ok, rejects, strictEqual, throws } from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Comparison, preferencesFromScores, winRate } from "@implicit/alpaca-eval";
import { startLoopback } from "@implicit/alpaca-eval/testing";
import { createDecoder, loadCheckpoint, loadTokenizer } from "@implicit/decoder";
import { createWorld, evaluationSet, grade, recipe } from "@implicit/world";
import { checkerJudge, endpointJudge, modelJudge } from "./judges.ts";
import { projectRoot, readSettings } from "./settings.ts";

const world = createWorld(recipe.worldSeed);
const tasks = evaluationSet(world, "test", recipe.evaluation.test);
const byId = new Map(tasks.map((task) => [task.id, task]));
const score = (id: string, response: string) => grade(world, byId.get(id)!, response).score;

/** Right, wrong, empty and half-right answers of two models, paired in every way. */
const comparisons: Comparison[] = tasks.map(({ id, instruction, response }, i) => {
  const answers = [
    response,
    "",
    "nonsense",
    response.slice(0, response.length / 2),
    tasks[0]!.response,
  ];
  return {
    id,
    instruction,
    output_1: answers[i % 5]!,
    output_2: answers[Math.floor(i / 5) % 5]!,
    generator_1: "reference",
    generator_2: "ours",
  };
});

Deno.test("checkerJudge() compares grades: equal and identical tie, two zeros lose", async () => {
  const found = await checkerJudge(score)(comparisons);
  const scores = (of: "output_1" | "output_2") =>
    comparisons.map((row) => score(row.id!, row[of]!));
  const [theirs, ours] = [scores("output_1"), scores("output_2")];
  const expected = comparisons.map(({ output_1, output_2 }, i) => {
    if (output_1 === output_2 || (ours[i] === theirs[i] && ours[i] !== 0)) return 1.5;
    return ours[i]! > theirs[i]! ? 2 : 1;
  });
  deepStrictEqual(found.map(({ preference }) => preference), expected);
  deepStrictEqual([...new Set(expected)].sort(), [1, 1.5, 2], "every verdict occurs");
  ok(
    comparisons.some(({ output_1, output_2 }, i) =>
      output_1 !== output_2 && ours[i] === 0 && theirs[i] === 0
    ),
  );
  deepStrictEqual(
    found,
    preferencesFromScores(comparisons.map((row) => row.instruction), theirs, ours, {
      identical: comparisons.map(({ output_1, output_2 }) => output_1 === output_2),
    }),
  );
  const itself = comparisons.map((row) => ({ ...row, output_2: row.output_1 }));
  strictEqual(winRate(await checkerJudge(score)(itself)).win_rate, 50);
});

Deno.test("checkerJudge() has no preference without a grade, and wants to know the prompt", async () => {
  const [ungraded] = await checkerJudge(() => null)(comparisons.slice(0, 1));
  strictEqual(ungraded!.preference, NaN);
  const nameless = [{ ...comparisons[0]!, id: undefined }];
  await rejects(async () => await checkerJudge(score)(nameless), /id of their prompt/);
});

Deno.test("endpointJudge() says how many comparisons it has no answer to, and shows no password", async () => {
  const folder = mkdtempSync(join(tmpdir(), "judge-"));
  const said: string[] = [], log = console.log;
  console.log = (...parts: unknown[]) => void said.push(parts.join(" "));
  try {
    let n = 0;
    const body = { error: { message: "too long" } };
    await using server = await startLoopback({
      reply: () => ++n === 3 ? { status: 400, body } : undefined,
    });
    const rows = comparisons.filter(({ output_1, output_2 }) => output_1 !== output_2).slice(0, 9);
    const found = await endpointJudge({ baseUrl: server.baseUrl }, folder)(rows);
    strictEqual(winRate(found).n_missing, 1);
    ok(said.join("\n").includes("no preference to 1 of 9 comparisons"), said.join("\n"));
  } finally {
    console.log = log;
    rmSync(folder, { recursive: true });
  }
  const safe = ({ message }: Error) => /^Expected a base URL/.test(message) && !/pw/.test(message);
  for (const baseUrl of ["http://me:pw@host/v1", "http://me:pw@host:99999/v1"]) {
    throws(() => endpointJudge({ baseUrl }), safe);
    throws(() => readSettings({ IMPLICIT_JUDGE: baseUrl }), safe);
  }
});

Deno.test("modelJudge() asks a model on this machine how likely each answer is", async () => {
  const folder = join(projectRoot(), "data", "world", "base-1");
  const [model, tokenizer] = [await loadCheckpoint(folder), await loadTokenizer(folder)];
  const rows = comparisons.filter(({ output_1, output_2 }) => output_1 !== output_2).slice(0, 3);
  const long = { ...rows[0]!, output_2: "again and ".repeat(200) };
  const same = { ...rows[0]!, output_2: rows[0]!.output_1 };
  const found = await modelJudge(model, tokenizer, { threads: 1 })([...rows, long, same]);
  const preferences = found.map(({ preference }) => preference);
  ok(preferences.slice(0, 3).every((p) => p > 1 && p < 2 && p !== 1.5), `${preferences}`);
  deepStrictEqual(preferences.slice(3), [NaN, 1.5]);

  // By hand: the question of the settings, and the two answers' probabilities.
  const { instruction, output_1, output_2 } = rows[0]!;
  const decoder = await createDecoder(model, { threads: 1 });
  const ask = async (first: string, second: string) => {
    const prompt = tokenizer.encode(
      "Which response to the instruction is better, m or M?\n\n" +
        `Instruction: ${instruction}\n\nResponse m: ${first}\n\nResponse M: ${second}\n\nBetter:\n`,
    );
    const [m, M] = await decoder.score(
      ["m", "M"].map((answer) => (
        { prompt, response: tokenizer.encode(answer, { special: false }) }
      )),
    );
    return 1 / (1 + Math.exp(M!.sum - m!.sum));
  };
  const first = await ask(output_1!, output_2!), second = await ask(output_2!, output_1!);
  decoder.dispose();
  const [both] = await modelJudge(model, tokenizer, { threads: 1, bothOrders: true })([rows[0]!]);
  ok(Math.abs(both!.preference - 1 - (1 - first + second) / 2) < 1e-5, `${both!.preference}`);
  await rejects(
    modelJudge(model, tokenizer)([long]),
    /fit the judge's context of 192 tokens .* none/,
  );
});
