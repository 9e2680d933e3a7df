/**
 * From runs to rows: pass rates, win rates against the instruction-tuned run of the same seed, their
 * intervals, and the paper's number beside each. Rows say where they come from and are appended to
 * the results of the task that runs the notebook. Knows nothing of how they are drawn.
 */
import { appendFile, mkdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import process from "node:process";
import { mean } from "simple-statistics";
import {
  meanAndDeviation,
  pairedBootstrap,
  type Preference,
  preferencesFromScores,
  type SeedTable,
  toProbability,
} from "@implicit/alpaca-eval";
import { compareArms as compareSeeds } from "./seeds.ts";
import type { Arm } from "./arm.ts";
import { codeVersion, hashOf } from "./cache.ts";
import { judgedWins } from "./http_judge.ts";
import { projectRoot } from "./root.ts";
import type { Run } from "./run.ts";
import type { Study } from "./study.ts";

/** One number with its origin. Rates and interval bounds in percent. */
export interface ResultRow {
  /** The paper's section: "4.1". */
  readonly section: string | null;
  readonly arm: string;
  readonly model: string;
  /** null for a row over all seeds. */
  readonly seed: number | null;
  readonly metric: string;
  readonly value: number;
  readonly low: number;
  readonly high: number;
  /** Standard deviation over seeds (ddof 1); null for one seed. */
  readonly sd: number | null;
  /** How many judgements the value is a mean of. */
  readonly n: number;
  readonly paper: number | null;
  readonly seconds: number;
  readonly engine: string;
  readonly hashes: Readonly<Record<string, string>>;
  readonly versions: Readonly<Record<string, string>>;
}

/** What a table of values by seed and instruction measures. */
export interface Measurement {
  readonly section: string | null;
  readonly arm: string;
  readonly metric: string;
  /** `[seed][instruction]`, 0…1; NaN where there is no value. */
  readonly table: SeedTable;
  readonly seconds: number;
}

/** Which answers count; for a single task, those of families it was not trained on. */
export type Counts = (answer: Run["answers"][number]) => boolean;

/** The share of instructions followed exactly, for each seed's run of one arm. */
export function passTable(runs: readonly Run[], counts: Counts = () => true): number[][] {
  return runs.map((run) => run.answers.filter(counts).map(({ passed }) => passed ? 1 : 0));
}

/**
 * Whether a run's answers beat the reference run's, seed by seed: the reference of seed s is judged
 * against the candidate of seed s, as in the paper. Two equal answers tie, right or wrong.
 *
 * @throws if a run has no reference run of its seed.
 */
export function winPreferences(
  runs: readonly Run[],
  references: readonly Run[],
  counts: Counts = () => true,
): Preference[][] {
  return runs.map((run) => {
    const reference = references.find(({ seed }) => seed === run.seed);
    if (!reference) {
      throw new Error(
        `Expected an instruction-tuned run with seed ${run.seed} to judge ${run.arm} against, but ` +
          `found seeds ${
            references.map(({ seed }) => seed).join(", ") || "none"
          }: run that arm too.`,
      );
    }
    const kept = run.answers.map(counts);
    const pick = <T>(list: readonly T[]) => list.filter((_, i) => kept[i]);
    const scores = (of: Run) => pick(of.answers).map(({ score }) => score ?? NaN);
    const own = scores(run);
    return preferencesFromScores(
      pick(run.answers).map(({ prompt }) => prompt),
      run === reference ? own : scores(reference),
      own,
      { identical: pick(run.answers.map((a, i) => a.response === reference.answers[i]!.response)) },
    );
  });
}

/** Preferences as probabilities that the candidate wins, 0…1. */
export function winTable(preferences: readonly (readonly Preference[])[]): number[][] {
  return preferences.map((rows) => rows.map(({ preference }) => toProbability(preference)));
}

/** Two arms' win rates held against each other. */
export interface ArmDifference {
  readonly arms: string;
  /** Difference of the win rates in points, with its 95 % paired bootstrap interval. */
  readonly difference: number;
  readonly low: number;
  readonly high: number;
  /** Two-sided sign test by instruction. */
  readonly p: number;
}

/**
 * Does one arm win more than another, on the same instructions and seeds?
 *
 * @throws as {@link winPreferences} does.
 * @example
 * ```ts
 * armsDiffer(runs, arms.responseTuning, arms.shuffledPairs, arms.instructionTuning).p
 * ```
 */
export function armsDiffer(runs: readonly Run[], a: Arm, b: Arm, reference: Arm): ArmDifference {
  const of = (arm: Arm) => runs.filter((run) => run.arm === arm.name);
  const preferences = (arm: Arm) => winPreferences(of(arm), of(reference));
  const { difference, sign } = compareSeeds(preferences(a), preferences(b), { seed: 1 });
  const { estimate, low, high } = difference;
  return { arms: `${a.name} − ${b.name}`, difference: estimate, low, high, p: sign.p };
}

/** The share of answers that the model ended itself, before the cap. */
export function endedTable(runs: readonly Run[]): number[][] {
  return runs.map((run) => run.answers.map(({ stopped }) => stopped ? 1 : 0));
}

/**
 * Rows of several arms on one study: pass rate and win rate, each seed and all seeds together.
 * The runs are made where the cache has none; the rows are recorded. Where the scale has no
 * checker, a judge gives the win rate, and without a judge there is none: what can be said of
 * ungraded answers is how many of them end ("ended").
 *
 * @param section the paper's section, such as "4.1"; with null the rows are not recorded.
 * @returns the rows; those over all seeds have `seed: null`.
 * @example
 * ```ts
 * const rows = await compareArms(study, "4.1", [arms.base, arms.responseTuning]);
 * ```
 */
export async function compareArms(
  study: Study,
  section: string | null,
  list: readonly Arm[],
  reference: Arm,
): Promise<ResultRow[]> {
  const all = await study.runs([reference, ...list.filter((arm) => arm.name !== reference.name)]);
  const of = (arm: Arm) => all.filter((run) => run.arm === arm.name);
  const graded = all.every((run) => run.answers.every(({ score }) => score !== null));
  const { judge } = study.scale;
  const measurements: Measurement[] = [];
  for (const arm of list) {
    const runs = of(arm);
    const seconds = mean(runs.map((run) => run.seconds.tune + run.seconds.decode));
    const counts = unseenFamilies(study, arm);
    const add = (metric: string, table: SeedTable) =>
      measurements.push({ section, arm: arm.name, metric, table, seconds });
    if (graded) {
      add("pass-rate", passTable(runs, counts));
      add("win-rate", winTable(winPreferences(runs, of(reference), counts)));
      continue;
    }
    add("ended", endedTable(runs));
    if (!judge) continue;
    const wins: number[][] = [];
    for (const [i, run] of runs.entries()) { // the runs of an arm have the seeds' order
      wins.push(await judgedWins(judge, study.prompts, run, of(reference)[i]!));
    }
    add("win-rate", wins);
  }
  return await recordRows(study, measurements);
}

/** Leaves out the family that a single-task arm was trained on. */
export function unseenFamilies(study: Study, arm: Arm): Counts {
  const task = arm.tuning?.task;
  const family = task === undefined ? null : study.scale.familyOf(task);
  return (answer) => answer.family !== family;
}

/** Turns measurements into rows and appends them to the results of the running task. */
export async function recordRows(
  study: Study,
  measurements: readonly Measurement[],
): Promise<ResultRow[]> {
  const paper = await paperRows();
  const shared = {
    model: study.base.name,
    engine: `onnxruntime, compiled, threads a run: ${study.scale.threads}`,
    hashes: {
      base: study.base.model.hash.slice(0, 16),
      tokenizer: study.base.tokenizer.hash.slice(0, 16),
      prompts: hashOf(study.prompts),
      code: await codeVersion(),
    },
    versions: runtimeVersions(),
  };
  const rows = measurements.flatMap(({ section, arm, metric, table, seconds }) => {
    const published = paper.find((row) =>
      row.section === section && row.arm === arm && row.metric === metric
    );
    const row = (seed: number | null, part: SeedTable, sd: number | null): ResultRow => {
      const { estimate, low, high } = pairedBootstrap(part, { seed: 1 });
      const percent = (x: number) => Math.round(x * 1e4) / 100;
      return {
        section,
        arm,
        seed,
        metric,
        value: percent(estimate),
        low: percent(low),
        high: percent(high),
        sd: sd === null ? null : percent(sd),
        n: part.reduce((n, values) => n + values.filter((v) => !Number.isNaN(v)).length, 0),
        paper: published?.value ?? null,
        seconds: Math.round(seconds * 10) / 10,
        ...shared,
      };
    };
    const means = table.map((values) => mean(values.filter((v) => !Number.isNaN(v))));
    const sd = means.length < 2 ? null : meanAndDeviation(means).sd;
    return [
      ...table.map((values, i) => row(study.seeds[i]!, [values], null)),
      row(null, table, sd),
    ];
  });
  const folder = process.env.IMPLICIT_OUT;
  const recorded = rows.filter((row) => row.section !== null);
  if (folder && recorded.length > 0) {
    await mkdir(folder, { recursive: true });
    const lines = recorded.map((row) => JSON.stringify(row) + "\n").join("");
    await appendFile(join(folder, "results.jsonl"), lines);
  }
  return rows;
}

/** A number of the paper, as `data/paper.json` has it. */
export interface PaperRow {
  readonly section: string;
  readonly table: string;
  readonly arm: string;
  readonly model: string;
  readonly metric: string;
  readonly value: number;
  readonly sd: number | null;
}

/** The paper's numbers, Llama-2-7B's before OLMo-7B's. */
export async function paperRows(): Promise<PaperRow[]> {
  return JSON.parse(await readFile(join(projectRoot(), "data", "paper.json"), "utf8")).rows;
}

/** The versions of the runtime. */
export function runtimeVersions(): Record<string, string> {
  const { deno, node, v8 } = process.versions as Record<string, string | undefined>;
  return { ...(deno ? { deno } : { node: node ?? "" }), v8: v8 ?? "" };
}
