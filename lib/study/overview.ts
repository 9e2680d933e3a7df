/**
 * What can be said of runs without a judge: how well each model predicts reference responses, how
 * its answers end, and the time it took. Rows for a table.
 */
import { mean } from "simple-statistics";
import { createDecoder } from "@implicit/decoder";
import { encodePair } from "../text/example.ts";
import { templates } from "../text/template.ts";
import type { Arm } from "./arm.ts";
import type { Study } from "./study.ts";

/** One arm, with the study's first seed. */
export interface OverviewRow {
  readonly arm: string;
  /** Mean training loss of the first and of the last tenth of the steps; null if not tuned. */
  readonly "loss, first steps": number | null;
  readonly "last steps": number | null;
  /** Mean negative log-likelihood a token (nats) of the prompts' reference responses. */
  readonly "reference responses": number | null;
  /** Percent of answers that the model ended itself. */
  readonly "answers ended, %": number;
  readonly "mean tokens": number;
  readonly "tuning, s": number;
  readonly "answering, s": number;
}

/**
 * Runs the arms where the cache has no run, and sums them up.
 *
 * @example
 * ```ts
 * await showTable(await overview(study, [arms.base, arms.responseTuning, arms.rules()]));
 * ```
 */
export async function overview(study: Study, list: readonly Arm[]): Promise<OverviewRow[]> {
  const seed = study.seeds[0]!;
  const runs = (await study.runs(list)).filter((run) => run.seed === seed);
  const rows: OverviewRow[] = [];
  for (const [i, { answers, losses, seconds }] of runs.entries()) {
    const part = Math.max(1, Math.ceil(losses.length / 10));
    const over = (some: readonly number[]) =>
      some.length === 0 ? null : rounded(mean([...some]), 3);
    const loss = await referenceLoss(study, list[i]!, seed);
    rows.push({
      arm: list[i]!.name,
      "loss, first steps": over(losses.slice(0, part)),
      "last steps": over(losses.slice(-part)),
      "reference responses": loss === null ? null : rounded(loss, 3),
      "answers ended, %": rounded(100 * mean(answers.map(({ stopped }) => stopped ? 1 : 0)), 1),
      "mean tokens": rounded(mean(answers.map(({ tokens }) => tokens)), 1),
      "tuning, s": rounded(seconds.tune, 1),
      "answering, s": rounded(seconds.decode, 1),
    });
  }
  return rows;
}

/**
 * The mean over prompts of the negative log-likelihood a token of their reference responses, as far
 * as the base's context reaches; rules are left out, as they score no given text. Null where no
 * prompt has a reference.
 */
async function referenceLoss(study: Study, arm: Arm, seed: number): Promise<number | null> {
  const { tokenizer, model: base } = study.base;
  const pairs = study.prompts.flatMap(({ instruction, response }) => {
    if (response === null) return [];
    const { contextLength } = base.config;
    return encodePair(instruction, response, tokenizer, templates[arm.template], contextLength) ??
      [];
  });
  if (pairs.length === 0 || arm.rules !== null) return null;
  const { model, prefix, processors } = await study.tuned(arm, seed);
  const decoder = await createDecoder(model, { prefix, processors });
  try {
    return mean((await decoder.score(pairs)).map((scored) => -scored.mean));
  } finally {
    decoder.dispose();
  }
}

function rounded(value: number, digits: number): number {
  return Math.round(value * 10 ** digits) / 10 ** digits;
}
