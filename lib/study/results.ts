/**
 * From runs to rows: pass rates, win rates against the instruction-tuned run of the same seed, their
 * intervals, and the paper's number beside each. Rows say where they come from. Knows nothing of how
 * they are drawn.
 */
import {
  type Comparison,
  difference,
  meanAndDeviation,
  pairedBootstrap,
  type SeedTable,
  signTest,
  toProbability,
} from "@implicit/alpaca-eval";
import { hashOf } from "@implicit/memo";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { mean } from "simple-statistics";
import { type Arm, armHash, checkArms } from "./arm.ts";
import type { Answer, Run } from "./run.ts";
import { projectRoot, runtimeVersions } from "./settings.ts";
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
  /** Of a row over all seeds: what it is a mean of, `[seed][instruction]`, 0…1; null: no value. */
  readonly values?: readonly (readonly (number | null)[])[];
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
type Counts = (answer: Answer) => boolean;

/** The runs of an arm among those of several. */
export function runsOf(runs: readonly Run[], arm: Arm): Run[] {
  const hash = armHash(arm);
  return runs.filter((run) => run.armHash === hash);
}

/** What judging needs of a study. */
type Judged = Pick<Study, "judge" | "prompts" | "scale">;

/** A run's answers (`output_2`) beside a reference run's (`output_1`), as a judge gets them. */
export function comparisonsOf(study: Judged, run: Run, reference: Run): Comparison[] {
  return study.prompts.map(({ id, instruction }, i) => ({
    id,
    instruction,
    output_1: reference.answers[i]!.response,
    output_2: run.answers[i]!.response,
    generator_1: reference.arm,
    generator_2: run.arm,
  }));
}

/**
 * The study's judge on each run against the reference run of its seed, as in the paper: the
 * probability that the run's answer is the better one, `[seed][instruction]`; NaN where the judge
 * gave none. A run against itself is a draw everywhere, without asking.
 *
 * @throws if a run has no reference run of its seed, or the study no judge.
 */
export async function winTable(
  study: Judged,
  runs: readonly Run[],
  references: readonly Run[],
  counts: Counts = () => true,
): Promise<number[][]> {
  const { judge } = study;
  if (!judge) throw new Error(`Expected a judge, but the scale ${study.scale.name} has none.`);
  const tables: number[][] = [];
  for (const run of runs) {
    const reference = references.find(({ seed }) => seed === run.seed);
    if (!reference) {
      const seeds = references.map(({ seed }) => seed).join(", ") || "none";
      throw new Error(
        `Expected an instruction-tuned run with seed ${run.seed} to judge ${run.arm} against, but ` +
          `found seeds ${seeds}: run that arm too.`,
      );
    }
    const wins = run.armHash === reference.armHash
      ? run.answers.map(() => 0.5)
      : (await judge(comparisonsOf(study, run, reference))).map((row) =>
        toProbability(row.preference)
      );
    tables.push(wins.filter((_, i) => counts(run.answers[i]!)));
  }
  return tables;
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
 * @throws as {@link winTable} does.
 * @example
 * ```ts
 * const { difference, p } = await armsDiffer(study, runs, arms.responseTuning, arms.shuffledPairs,
 *   arms.instructionTuning);
 * ```
 */
export async function armsDiffer(
  study: Study,
  runs: readonly Run[],
  a: Arm,
  b: Arm,
  reference: Arm,
): Promise<ArmDifference> {
  const percentages = async (arm: Arm) =>
    (await winTable(study, runsOf(runs, arm), runsOf(runs, reference)))
      .map((wins) => wins.map((probability) => 100 * probability));
  const differences = difference(await percentages(a), await percentages(b));
  const { estimate, low, high } = pairedBootstrap(differences, { seed: 1 });
  const { p } = signTest(differences);
  return { arms: `${a.name} − ${b.name}`, difference: estimate, low, high, p };
}

/**
 * Rows of several arms on one study: pass rate and win rate, each seed and all seeds together. The
 * runs are made where the cache has none. Where the scale has no checker, what can be said of
 * ungraded answers is how many of them end ("ended"); without a judge there is no win rate.
 *
 * @param section the paper's section, such as "4.1", whose numbers stand beside; or null.
 * @returns the rows; those over all seeds have `seed: null`. `record` keeps them.
 * @throws if two different arms have one name.
 * @example
 * ```ts
 * const rows = await compareArms(study, "4.1", [arms.base, arms.responseTuning],
 *   arms.instructionTuning);
 * ```
 */
export async function compareArms(
  study: Study,
  section: string | null,
  list: readonly Arm[],
  reference: Arm,
): Promise<ResultRow[]> {
  checkArms([reference, ...list]);
  const own = armHash(reference);
  const all = await study.runs([reference, ...list.filter((arm) => armHash(arm) !== own)]);
  const references = runsOf(all, reference);
  const graded = all.every((run) => run.answers.every(({ score }) => score !== null));
  const measurements: Measurement[] = [];
  for (const arm of list) {
    const runs = runsOf(all, arm);
    const seconds = mean(runs.map((run) => run.seconds.tune + run.seconds.decode));
    const counts = unseenFamilies(study, arm);
    const add = (metric: string, table: SeedTable) =>
      measurements.push({ section, arm: arm.name, metric, table, seconds });
    const share = (holds: (answer: Answer) => boolean | null) =>
      runs.map((run) => run.answers.filter(counts).map((answer) => holds(answer) ? 1 : 0));
    if (graded) add("pass-rate", share(({ passed }) => passed));
    else add("ended", share(({ stopped }) => stopped));
    if (study.judge) add("win-rate", await winTable(study, runs, references, counts));
  }
  return await measure(study, measurements);
}

/** Leaves out the family that a single-task arm was trained on. */
export function unseenFamilies(study: Pick<Study, "scale">, arm: Arm): Counts {
  const task = arm.tuning?.task;
  const family = task === undefined ? null : study.scale.familyOf(task);
  return (answer) => answer.family !== family;
}

/** Measurements as rows: a value with its interval for each seed and over all, and its origin. */
export async function measure(
  study: Study,
  measurements: readonly Measurement[],
): Promise<ResultRow[]> {
  return rowsFrom(measurements, study.seeds, await originOf(study), await paperRows());
}

/** What stands in every row of one study, or of one folder that came back. */
export type Origin = Pick<ResultRow, "model" | "engine" | "hashes" | "versions">;

/** Measurements of one origin as rows, with the first number of `paper` that fits beside. */
export function rowsFrom(
  measurements: readonly Measurement[],
  seeds: readonly number[],
  origin: Origin,
  paper: readonly PaperRow[],
): ResultRow[] {
  return measurements.flatMap(({ section, arm, metric, table, seconds }) => {
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
        ...origin,
      };
    };
    const means = table.map((values) => mean(values.filter((v) => !Number.isNaN(v))));
    const sd = means.length < 2 ? null : meanAndDeviation(means).sd;
    return [
      ...table.map((values, i) => row(seeds[i]!, [values], null)),
      { ...row(null, table, sd), values: table.map((values) => values.map(rounded)) },
    ];
  });
}

/** JSON has no NaN, and four digits of a probability are enough. */
const rounded = (value: number) => Number.isNaN(value) ? null : Math.round(value * 1e4) / 1e4;

/** Where the rows of a study come from. */
export async function originOf(
  study: Study,
): Promise<Origin> {
  return {
    model: study.base.name,
    engine: study.scale.server?.name ??
      `onnxruntime, compiled, threads a run: ${study.scale.threads}` +
        (study.scale.weights === "q8" ? ", 8-bit weights" : ""),
    hashes: {
      base: study.base.model.hash.slice(0, 16),
      tokenizer: study.base.tokenizer.hash.slice(0, 16),
      prompts: hashOf(study.prompts),
      code: await study.code(),
    },
    versions: runtimeVersions(),
  };
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
