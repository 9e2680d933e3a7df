/**
 * From the results and runs of an experiment to what figures and tables take: several arms, each with
 * some seeds, measured beside published numbers. Knows names and orders, nothing of drawing; nor what
 * an arm or a run is beyond the fields that it reads.
 */
import { mean } from "simple-statistics";
import type { IntervalBar, LossCurve } from "./charts.ts";
import type { ShownResponse } from "./text.ts";

/** A measured number: in percent, with its interval; `seed` null: over all seeds. */
export interface MeasuredRow {
  readonly arm: string;
  readonly metric: string;
  readonly seed: number | null;
  readonly value: number;
  readonly low: number;
  readonly high: number;
  readonly sd: number | null;
  readonly paper: number | null;
}

/** What one arm with one seed answered, and the losses of its training. */
export interface ShownRun {
  readonly arm: string;
  readonly seed: number;
  readonly answers: readonly {
    readonly family: string;
    readonly response: string;
    readonly score: number | null;
    readonly passed: boolean | null;
    readonly stopped: boolean;
  }[];
  readonly losses: readonly number[];
}

/** The prompts that were answered, and how one is found by a number or a name. */
export interface ShownPrompts {
  readonly prompts: readonly { readonly instruction: string }[];
  find(prompt: number | string): number;
}

/** Rows over all seeds as bars with their intervals and the paper's numbers. */
export function toBars(rows: readonly MeasuredRow[], metric: string): IntervalBar[] {
  return rows
    .filter((row) => row.metric === metric && row.seed === null)
    .map(({ arm, value, low, high, paper }) => ({ label: arm, value, low, high, paper }));
}

/** Rows over all seeds as a table: one line an arm, paper beside measured. */
export function toTable(rows: readonly MeasuredRow[]): Record<string, string | number>[] {
  const over = rows.filter((row) => row.seed === null);
  const published = over.some((row) => row.paper !== null);
  return [...new Set(over.map((row) => row.arm))].map((arm) => {
    const cells: Record<string, string | number> = { arm };
    for (const row of over.filter((r) => r.arm === arm)) {
      cells[`${row.metric}, %`] = row.value;
      cells[`${row.metric} interval`] = `${row.low.toFixed(1)} – ${row.high.toFixed(1)}`;
      if (row.sd !== null) cells[`${row.metric} sd`] = row.sd;
      if (row.paper !== null) cells["paper, %"] = row.paper;
    }
    if (published) cells["paper, %"] ??= "–";
    return cells;
  });
}

/**
 * What several runs (of the smallest seed among them) answered to one prompt, with the grades, as
 * `showResponses` takes it.
 *
 * @param index which prompt, counted from 0; or a family's name for its first prompt.
 * @throws if there is no such prompt.
 */
export function sideBySide(
  study: ShownPrompts,
  runs: readonly ShownRun[],
  index: number | string,
): { readonly instruction: string; readonly responses: ShownResponse[] } {
  const place = study.find(index);
  const seed = Math.min(...runs.map((run) => run.seed));
  const responses = runs.filter((run) => run.seed === seed).map((run) => {
    const { response, score, stopped } = run.answers[place]!;
    const grade = score === null ? "" : `score ${score.toFixed(2)}`;
    const end = stopped ? "" : "cut off at the cap";
    return { model: run.arm, response, note: [grade, end].filter(Boolean).join(", ") };
  });
  return { instruction: study.prompts[place]!.instruction, responses };
}

/** Pass rates in percent, arms × families: rows, columns and the matrix of a heat map. */
export function byFamily(
  runs: readonly ShownRun[],
): { readonly arms: string[]; readonly families: string[]; readonly values: number[][] } {
  const arms = [...new Set(runs.map((run) => run.arm))];
  const families = [...new Set(runs[0]?.answers.map((answer) => answer.family))];
  const values = arms.map((arm) =>
    families.map((family) => {
      const answers = runs.filter((run) => run.arm === arm)
        .flatMap((run) => run.answers.filter((answer) => answer.family === family));
      return 100 * mean(answers.map(({ passed }) => passed ? 1 : 0));
    })
  );
  return { arms, families, values };
}

/** The losses of runs that were tuned; those of an arm are one group. */
export function lossesOf(runs: readonly ShownRun[]): LossCurve[] {
  return runs.filter((run) => run.losses.length > 0)
    .map(({ arm, seed, losses }) => ({ name: `${arm}, seed ${seed}`, group: arm, losses }));
}

/**
 * Collects the losses of runs while they are tuned; each call returns all that is known so far.
 *
 * @param list arms that will be tuned: their names stand in the legend from the beginning.
 * @example
 * const log = lossLog(list), plot = liveFigure(lossCurves(log()));
 * await study.runs(list, (...step) => plot.update(lossCurves(log(...step))));
 */
export function lossLog(
  list: readonly { readonly name: string; readonly tuning?: unknown }[] = [],
): (
  arm?: { readonly name: string },
  seed?: number,
  step?: { readonly loss: number },
) => LossCurve[] {
  const curves = new Map<string, LossCurve & { losses: number[] }>();
  const awaited = list.filter(({ tuning }) => tuning)
    .map(({ name }): LossCurve => ({ name, losses: [] }));
  return (arm, seed, step) => {
    if (!arm || !step) return awaited;
    const name = `${arm.name}, seed ${seed}`;
    if (!curves.has(name)) curves.set(name, { name, group: arm.name, losses: [] });
    curves.get(name)!.losses.push(step.loss);
    return [...awaited, ...curves.values()];
  };
}

/** A win rate of answers whose length differs by so much from the reference's. */
export interface LengthBin {
  readonly low: number;
  readonly high: number;
  readonly result: { readonly win_rate: number; readonly standard_error: number };
}

/** Win rates by how much longer the answer is, as bars with the interval of ±1.96 standard errors. */
export function lengthBars(bins: readonly LengthBin[]): IntervalBar[] {
  return bins.map(({ low, high, result }) => {
    const { win_rate: value, standard_error } = result;
    const margin = 1.96 * standard_error;
    const label = low === high ? `${low}` : `${low} to ${high}`;
    return { label, value, low: value - margin, high: value + margin, paper: null };
  });
}

/** Rows over all seeds as a heat map's matrix, arms × metrics; a metric is named by its part after ":". */
export function rankingMatrix(
  rows: readonly MeasuredRow[],
): { arms: string[]; metrics: string[]; values: number[][] } {
  const over = rows.filter((row) => row.seed === null);
  const arms = [...new Set(over.map(({ arm }) => arm))];
  const metrics = [...new Set(over.map(({ metric }) => metric))];
  const values = arms.map((arm) =>
    metrics.map((metric) =>
      over.find((row) => row.arm === arm && row.metric === metric)?.value ?? NaN
    )
  );
  return { arms, metrics: metrics.map((m) => m.split(":")[1] ?? "random, mean"), values };
}
