import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { type Judge, type ModelOutput, pairOutputs } from "@implicit/alpaca-eval";
import { writeHandover } from "@implicit/handover";
import { collect, handedOver } from "./handover_rows.ts";

const base = fileURLToPath(new URL("../../../shared/testdata/models/stories260K", import.meta.url));
const missing = !existsSync(base);
if (missing) console.log(`skipping the rows of a hand-over: ${base} is not there`);

const size = { parameters: 1, layers: 1, hidden: 1, intermediate: 1, vocabulary: 512 };
const model = { name: base, revision: null, tokenizer: "t0", eosIds: [2], size };
const prompts = ["a", "b"].map((id) => ({ id, instruction: `Say ${id}.`, ids: [1, 403] }));
const given = { training: null, prompts, maxTokens: 9, rules: null };

/** A folder of four runs, of which three are done; each answers with tokens of its own. */
async function within(work: (folder: string) => Promise<void>): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), "handover-"));
  try {
    const { runs, files } = await writeHandover(folder, model, [
      { ...given, name: "base-0", about: { arm: "base", seed: 0 } },
      { ...given, name: "tuned-1", about: { arm: "instruction-tuning", seed: 1 } },
      { ...given, name: "tuned-2", about: { arm: "instruction-tuning", seed: 2 } },
      { ...given, name: "rules-0", about: { arm: "rules", seed: 0 } },
    ], "");
    for (const [i, run] of runs.slice(0, 3).entries()) {
      const output = join(folder, "runs", run.name, "output");
      await mkdir(output, { recursive: true });
      const lines = prompts.map(({ id }) =>
        JSON.stringify({
          id,
          tokens: [403, 407 + i],
          stopped: id === "a",
          model: base,
          prompts: files[run.prompts],
          rules: null,
        }) + "\n"
      );
      await writeFile(join(output, "answers.jsonl"), lines.join(""));
    }
    await work(folder);
  } finally {
    await rm(folder, { recursive: true });
  }
}

const outputsOf = async (folder: string, run: string): Promise<ModelOutput[]> =>
  JSON.parse(await readFile(join(folder, "runs", run, "output", "model_outputs.json"), "utf8"));

Deno.test({
  name: "collect() says the state of each run, and writes what AlpacaEval takes (needs ../shared)",
  ignore: missing,
  fn: () =>
    within(async (folder) => {
      const states = await collect(folder);
      assert.deepEqual(
        states.map(({ run, state }) => `${run} ${state}`),
        ["base-0 done", "tuned-1 done", "tuned-2 done", "rules-0 missing"],
      );
      const outputs = await outputsOf(folder, "base-0");
      assert.deepEqual(outputs.map((row) => row.instruction), ["Say a.", "Say b."]);
      assert.equal(outputs[0]!.generator, "base-0");
    }),
});

Deno.test({
  name: "handedOver() gives rows with their origin, and win rates where they were judged",
  ignore: missing,
  fn: () =>
    within(async (folder) => {
      const over = async (judge?: Judge) =>
        (await handedOver(folder, judge)).filter(({ seed, arm, section }) =>
          seed === null && arm === "base" && section === "4.1"
        );
      const [ended, ...more] = await over();
      assert.equal(more.length, 0, "nothing is judged yet");
      assert.deepEqual([ended!.metric, ended!.value, ended!.section], ["ended", 50, "4.1"]);
      assert.equal(ended!.engine, "handed over: vLLM");

      await collect(folder);
      const judged = async (reference: string, preferences: number[], place: string) => {
        const [ours, others] = [
          await outputsOf(folder, "base-0"),
          await outputsOf(folder, reference),
        ];
        const rows = pairOutputs(ours, others).comparisons;
        const path = join(folder, "runs", "base-0", "output", "against", reference, place);
        await mkdir(path, { recursive: true });
        const annotations = rows.map((row, i) => ({ ...row, preference: preferences[i] }));
        await writeFile(join(path, "annotations.json"), JSON.stringify(annotations));
        return join(path, "annotations.json");
      };
      const path = await judged("tuned-1", [2, 1], "");
      const asked: string[] = [];
      const judge: Judge = (rows) => {
        asked.push(...rows.map((row) => `${row.generator_2} ${row.generator_1}`));
        return Promise.resolve(rows.map(({ instruction }) => ({ instruction, preference: 2 })));
      };
      const [, win] = await over(judge);
      assert.deepEqual([win!.metric, win!.value, win!.section, win!.n], ["win-rate", 75, "4.1", 4]);
      assert.ok(asked.includes("base-0 tuned-2") && !asked.includes("base-0 tuned-1"));
      await judged("tuned-2", [1, 1], "a_judge");
      const [, again] = await over();
      assert.equal(again!.value, 25);

      await writeFile(path, (await readFile(path, "utf8")).replace(/"output_2":"/, "$&other "));
      await assert.rejects(
        over(),
        /to judge the answers of base-0 and tuned-1 to "Say a\.", but found other/,
      );
    }),
});
