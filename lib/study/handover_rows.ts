/**
 * What came back of a hand-over as rows of the notebooks' tables, each saying what it was computed
 * by. Knows arms, judgements and rows; not what else is in the folder.
 */
import {
  type Comparison,
  type Judge,
  type ModelOutput,
  readAnnotations,
  toProbability,
} from "@implicit/alpaca-eval";
import { loadTokenizer } from "@implicit/decoder";
import { type CollectedRun, collectRuns, type Handover } from "@implicit/handover";
import { bareCheckpoint } from "@implicit/hub";
import { mkdir, readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { mean } from "simple-statistics";
import { type Measurement, paperRows, type ResultRow, rowsFrom } from "./results.ts";
import { runtimeVersions } from "./settings.ts";

/** A run that is done, and what it answered as text. */
interface Answered extends CollectedRun {
  readonly arm: string;
  readonly seed: number;
  readonly outputs: readonly ModelOutput[];
}

/** What a folder is, what there is of each run, and those that are done. */
async function readBack(folder: string) {
  const runs = await collectRuns(folder);
  const { model, files }: Handover = JSON.parse(
    await readFile(join(folder, "handover.json"), "utf8"),
  );
  const done = runs.filter(({ state }) => state === "done");
  const tokenizer = done.length > 0 &&
    await loadTokenizer((await bareCheckpoint(model.name)).folder);
  const answered = done.map((one): Answered => ({
    ...one,
    arm: String(one.run.about.arm),
    seed: Number(one.run.about.seed),
    outputs: one.answers.map(({ instruction, tokens }) => ({
      instruction,
      output: tokenizer && tokenizer.decode(tokens) || "",
      generator: one.run.name,
    })),
  }));
  return { model, files, runs, answered };
}

/**
 * The rows of the runs that are done: how many answers end; and where each has been judged against
 * the instruction-tuned run of its seed (an untuned one against those of all seeds), the win rate.
 *
 * Judgements are AlpacaEval's: `annotations.json` in `runs/NAME/output/against/REFERENCE`, or in a
 * folder in that, made of the two runs' `model_outputs.json`. Where there is none the judge is asked,
 * if one is given.
 *
 * @throws where the folder is no hand-over, or judgements are of other answers than those in it.
 * @example
 * ```ts
 * await showTable(await sideBySources({ "handed over": await handedOver("llama", study.judge) }));
 * ```
 */
export async function handedOver(
  folder: string,
  judge: Judge | null = null,
): Promise<ResultRow[]> {
  const { model, files, answered } = await readBack(folder);
  const paper = (await paperRows()).filter((row) =>
    /olmo/i.test(row.model) === /olmo/i.test(model.name)
  );
  const rows: ResultRow[] = [];
  for (const arm of new Set(answered.map((run) => run.arm))) {
    const runs = answered.filter((run) => run.arm === arm);
    const seconds = mean(runs.map((run) => run.seconds));
    const { plan, prompts } = runs[0]!.run;
    const origin = {
      model: model.name,
      engine: `handed over: ${runs[0]!.engine}`,
      hashes: {
        tokenizer: model.tokenizer.slice(0, 16),
        prompts: files[prompts]!.slice(0, 16),
        ...(plan ? { plan: files[plan]!.slice(0, 16) } : {}),
      },
      versions: runtimeVersions(),
    };
    const add = (metric: string, seeds: readonly number[], table: Measurement["table"]) => {
      const sections = paper.filter((row) => row.arm === arm && row.metric === "win-rate")
        .map((row) => row.section);
      for (const section of sections.length > 0 ? sections : [null]) {
        const one = { section, arm, metric, table, seconds };
        rows.push(...rowsFrom([one], seeds, origin, paper));
      }
    };
    add(
      "ended",
      runs.map(({ seed }) => seed),
      runs.map(({ answers }) => answers.map(({ stopped }) => stopped ? 1 : 0)),
    );
    const pairs = runs.flatMap((run) =>
      referencesOf(run, answered).filter((reference) => reference.arm !== arm)
        .map((reference) => ({ run, reference }))
    );
    const wins = await Promise.all(pairs.map((pair) => winsOf(folder, pair, judge)));
    if (wins.length > 0 && wins.every((one) => one !== null)) {
      add("win-rate", pairs.map(({ reference }) => reference.seed), wins);
    }
  }
  return rows;
}

/** The instruction-tuned runs, in the arm's own template, that a run is held against. */
function referencesOf(run: Answered, all: readonly Answered[]): Answered[] {
  const name = "instruction-tuning";
  const suffixes = all.filter(({ arm }) => arm.startsWith(name)).map(({ arm }) =>
    arm.slice(name.length)
  );
  const [own] = suffixes.filter((suffix) => run.arm.endsWith(suffix))
    .sort((a, b) => b.length - a.length);
  return all.filter(({ arm, seed }) =>
    arm === name + (own ?? suffixes[0]) && (run.run.plan === null || seed === run.seed)
  );
}

/** By instruction the probability that a run's answer is the better one; null if none judged it. */
async function winsOf(
  folder: string,
  { run, reference }: { readonly run: Answered; readonly reference: Answered },
  judge: Judge | null,
): Promise<number[] | null> {
  const against = join(folder, "runs", run.run.name, "output", "against", reference.run.name);
  const comparisons = run.outputs.map((row, i): Comparison => ({
    instruction: row.instruction,
    output_1: reference.outputs[i]!.output,
    output_2: row.output,
    generator_1: reference.run.name,
    generator_2: run.run.name,
  }));
  // Directly there or one folder below; no node:fs globSync: Node 20 has none.
  const [path] = (await readdir(against, { recursive: true }).catch(() => []))
    .filter((name) => /^([^/\\]+[/\\])?annotations\.json$/.test(name)).sort();
  if (path === undefined) {
    return judge && (await judge(comparisons)).map(({ preference }) => toProbability(preference));
  }
  const judged = await readAnnotations(join(against, path));
  return comparisons.map((asked) => {
    const ofInstruction = judged.filter(({ instruction }) => instruction === asked.instruction);
    const row = ofInstruction.find(({ output_1, output_2 }) =>
      output_1 === asked.output_1 && output_2 === asked.output_2
    );
    if (row) return toProbability(row.preference);
    throw new Error(
      `Expected ${join(against, path)} to judge the answers of ${run.run.name} and ` +
        `${reference.run.name} to "${asked.instruction.slice(0, 60)}", but found ` +
        `${ofInstruction.length > 0 ? "other answers" : "none"}. Judge their ` +
        `model_outputs.json again.`,
    );
  });
}

/**
 * Reads a folder back: the state of each run as rows of a table. Answers of runs that are done are
 * written beside them as AlpacaEval's command takes them (`model_outputs.json`).
 *
 * @throws where the folder is no hand-over, or the tokenizer is not found.
 */
export async function collect(folder: string): Promise<Record<string, string | number | null>[]> {
  const { runs, answered } = await readBack(folder);
  for (const { run, outputs } of answered) {
    const output = join(folder, "runs", run.name, "output");
    await mkdir(output, { recursive: true });
    await writeFile(join(output, "model_outputs.json"), JSON.stringify(outputs, null, 1) + "\n");
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
