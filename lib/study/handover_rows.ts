/**
 * What came back of a hand-over as rows of the notebooks' tables, beside the paper's numbers and the
 * miniature's, each saying what it was computed by. Knows arms and rows; not what is in the folder.
 */
import { readAnnotations, toProbability } from "@implicit/alpaca-eval";
import { loadTokenizer, type Tokenizer } from "@implicit/decoder";
import { type CollectedRun, collectRuns, type Handover } from "@implicit/handover";
import { bareCheckpoint } from "@implicit/hub";
import { existsSync } from "node:fs";
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { mean } from "simple-statistics";
import { type Measurement, paperRows, type ResultRow, rowsFrom } from "./results.ts";
import { runtimeVersions } from "./settings.ts";

/** A run's folder for results. */
const outputOf = (folder: string, { run }: CollectedRun) =>
  join(folder, "runs", run.name, "output");

/**
 * The rows of the runs that are done: how many answers end, and where the judge's annotations lie
 * beside them (`runs/NAME/output/annotations.json`), the win rate.
 *
 * @throws where the folder is no hand-over.
 * @example
 * showTable([...rows, ...await handedOver("llama")]);
 */
export async function handedOver(folder: string): Promise<ResultRow[]> {
  const { model, files }: Handover = JSON.parse(
    await readFile(join(folder, "handover.json"), "utf8"),
  );
  const paper = (await paperRows()).filter((row) =>
    /olmo/i.test(row.model) === /olmo/i.test(model.name)
  );
  const done = (await collectRuns(folder)).filter(({ state }) => state === "done");
  const byArm = Map.groupBy(done, ({ run }) => String(run.about.arm));
  const rows: ResultRow[] = [];
  for (const [arm, runs] of byArm) {
    const section = paper.find((row) => row.arm === arm)?.section ?? null;
    const common = { section, arm, seconds: mean(runs.map(({ seconds }) => seconds)) };
    const measurements: Measurement[] = [{
      ...common,
      metric: "ended",
      table: runs.map(({ answers }) => answers.map(({ stopped }) => stopped ? 1 : 0)),
    }];
    const judged = runs.map((run) => join(outputOf(folder, run), "annotations.json"));
    if (judged.every((path) => existsSync(path))) {
      const table = await Promise.all(
        judged.map(async (path) =>
          (await readAnnotations(path)).map(({ preference }) => toProbability(preference))
        ),
      );
      measurements.push({ ...common, metric: "win-rate", table });
    }
    const { plan, prompts } = runs[0]!.run;
    rows.push(...rowsFrom(measurements, runs.map(({ run }) => Number(run.about.seed)), {
      model: model.name,
      engine: `handed over: ${runs[0]!.engine}`,
      hashes: {
        tokenizer: model.tokenizer.slice(0, 16),
        prompts: files[prompts]!.slice(0, 16),
        ...(plan ? { plan: files[plan]!.slice(0, 16) } : {}),
      },
      versions: runtimeVersions(),
    }, paper));
  }
  return rows;
}

/**
 * Reads a folder back: the state of each run as rows of a table. Answers of runs that are done are
 * written beside them as AlpacaEval's command takes them (`model_outputs.json`).
 *
 * @throws where the folder is no hand-over, or the tokenizer is not found.
 */
export async function collect(folder: string): Promise<Record<string, string | number | null>[]> {
  const runs = await collectRuns(folder);
  const { model }: Handover = JSON.parse(await readFile(join(folder, "handover.json"), "utf8"));
  const tokenizer = runs.some(({ state }) => state === "done")
    ? await loadTokenizer((await bareCheckpoint(model.name)).folder)
    : null;
  for (const run of runs) {
    if (run.state === "done") await writeOutputs(folder, run, tokenizer!);
  }
  return runs.map(({ run, state, detail, losses, engine }) => ({
    run: run.name,
    state,
    detail,
    "first loss": losses[0] ?? null,
    "last loss": losses.at(-1) ?? null,
    engine,
  }));
}

async function writeOutputs(
  folder: string,
  run: CollectedRun,
  tokenizer: Tokenizer,
): Promise<void> {
  const outputs = run.answers.map(({ instruction, tokens }) => ({
    instruction,
    output: tokenizer.decode(tokens),
    generator: run.run.name,
  }));
  await mkdir(outputOf(folder, run), { recursive: true });
  const path = join(outputOf(folder, run), "model_outputs.json");
  await writeFile(path, JSON.stringify(outputs, null, 1) + "\n");
}
