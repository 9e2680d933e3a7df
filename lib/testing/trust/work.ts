/**
 * The process that is killed: `work.ts WORK FOLDER OTHER`, where OTHER is the judge's URL or another
 * folder for the cache. It says "begin", works in the folder, and says "done" with what came of it.
 */
import { existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import process from "node:process";
import { httpJudge, loadJudgeSettings } from "@implicit/alpaca-eval";
import { saveCheckpoint } from "@implicit/decoder";
import { randomModel, spread, tinyModel, tinySizes } from "@implicit/decoder/testing";
import { createEngine } from "@implicit/engine";
import { exportModel, loadModel } from "@implicit/hub";
import { sha256 } from "@implicit/memo";
import { writeWhole } from "@implicit/notebook";
import { trainBpe } from "@implicit/world";
import { arms } from "../../study/arm.ts";
import { projectRoot, readSettings } from "../../study/settings.ts";
import { openStudy } from "../../study/open_study.ts";
import { tune } from "../../tune/tune.ts";
import { tinyExamples } from "../tiny.ts";
import { judgeQuestions } from "./questions.ts";

/** A base of random weights with a tokenizer of its own, as others would keep it. */
async function makeBase(folder: string, which = 1): Promise<void> {
  const files = trainBpe(["Name a river. The Rhine is a river. Name a town. Basel is one."], 270);
  const model = randomModel({ model_type: "llama", ...tinySizes, vocab_size: 270 });
  await saveCheckpoint(which === 1 ? model : spread(model), folder);
  for (const [name, json] of Object.entries(files)) {
    await writeWhole(join(folder, name), JSON.stringify(json));
  }
}

const works: Record<string, (folder: string, other?: string) => Promise<unknown>> = {
  async tuning(folder) {
    const { model, losses } = await tune(
      await createEngine({ threads: 1 }),
      tinyModel(),
      tinyExamples(),
      {
        ...{ steps: 16, batchSize: 4, learningRate: 1e-3, weightDecay: 0.1, seed: 3 },
        checkpoint: { folder: join(folder, "checkpoints"), every: 2 },
      },
    );
    return [model.hash, losses];
  },

  /** What `study` reads: made once, since a checkpoint being moved into place is none for a moment. */
  async studied(folder) {
    const base = join(folder, "base"), data = join(folder, "data");
    const asked = ["river", "town", "lake"].map((what) => [`Name a ${what}.`, `One ${what}.`]);
    const lima = asked.map((conversations) => JSON.stringify({ conversations })).join("\n");
    const alpacaEval = asked.map(([instruction, output]) => ({ instruction, output }));
    if (!existsSync(join(data, "alpaca_eval.json"))) {
      await makeBase(base);
      await writeWhole(join(data, "lima.jsonl"), lima);
      await writeWhole(join(data, "alpaca_eval.json"), JSON.stringify(alpacaEval));
    }
    return { base, data };
  },

  async study(folder, cache = join(folder, "kept")) {
    const { base, data } = await works.studied!(folder) as { base: string; data: string };
    const settings = readSettings({ IMPLICIT_CACHE: cache, IMPLICIT_SEEDS: "2" });
    const options = { scale: "small", base, data, maxTokens: 8, tuning: { steps: 4 } } as const;
    const study = await openStudy(options, { ...settings, model: base });
    const runs = await study.runs([arms.base, arms.instructionTuning, arms.responseTuning]);
    return runs.map(({ seconds: _, ...run }) => run);
  },

  async judging(folder, baseUrl = "") {
    const path = join(projectRoot(), "data/judge/weighted_alpaca_eval_gpt4_turbo/configs.yaml");
    const judge = httpJudge({
      settings: await loadJudgeSettings(path),
      endpoint: { baseUrl, cache: join(folder, "kept"), concurrency: 4 },
      price: { input: 10, output: 30 },
    });
    return (await judge(judgeQuestions)).map(({ preference }) => preference);
  },

  async export(folder) {
    const { model } = await loadModel(join(folder, "base-2"));
    const { onnx } = await exportModel(model, join(folder, "out"));
    const files = [
      onnx,
      join(folder, "out", "model.safetensors"),
      join(folder, "out", "config.json"),
    ];
    return (await Promise.all(files.map((path) => readFile(path)))).map((bytes) => sha256(bytes));
  },

  /** What `export` replaces. */
  async before(folder) {
    for (const which of [1, 2]) await makeBase(join(folder, `base-${which}`), which);
    const { model } = await loadModel(join(folder, "base-1"));
    await exportModel(model, join(folder, "out"));
  },
};

const [name, folder, other] = process.argv.slice(2) as [string, string, string?];
console.log("begin");
const result = await works[name]!(folder, other);
console.log(`done ${sha256(JSON.stringify(result ?? null))}`);
process.exit(0);
