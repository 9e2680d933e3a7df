/**
 * What a real checkpoint did on real rows, as one file and one table of Markdown for the README:
 * the loss before and after, the time, and who read the tuned model back with equal tokens.
 */
import { availableParallelism, cpus } from "node:os";
import { createEngine } from "@implicit/engine";
import { type Reading, roundTrip } from "@implicit/hub";
import { join } from "node:path";
import type { Arm } from "../study/arm.ts";
import { overview } from "../study/overview.ts";
import { runtimeVersions } from "../study/settings.ts";
import { armOperations } from "./speed.ts";
import type { Study } from "../study/study.ts";
import { markdownTable } from "../study/tables.ts";
import { formatPrompt, templates } from "../text/template.ts";

/** One arm of a real checkpoint. */
export interface RealRow {
  readonly arm: string;
  readonly data: string;
  readonly steps: number;
  /** Mean loss (nats a token) of the first and the last tenth of the steps. */
  readonly firstLoss: number;
  readonly lastLoss: number;
  readonly seconds: number;
  readonly operations: number;
  readonly readings: readonly Reading[];
}

export interface RealResults {
  /** What was typed to measure it. */
  readonly command: string;
  readonly date: string;
  readonly base: string;
  readonly weights: string;
  readonly threads: number;
  readonly processor: string;
  readonly versions: Readonly<Record<string, string>>;
  readonly rows: readonly RealRow[];
}

/**
 * Tunes the base on each arm's examples (or takes the finished run) and reads the result back.
 *
 * @param command what the reader typed, kept with the figures.
 */
export async function measureReal(
  study: Study,
  list: readonly Arm[],
  command: string,
): Promise<RealResults> {
  const { tokenizer, model } = study.base;
  const rows: RealRow[] = [];
  for (const row of await overview(study, list)) {
    const arm = list.find(({ name }) => name === row.arm)!;
    const { losses, seconds, ...adapted } = await study.tuned(arm, study.seeds[0]!);
    const prompts = study.prompts.slice(0, 3).map(({ instruction }) =>
      tokenizer.encode(formatPrompt(templates[arm.template], instruction))
    );
    const folder = join(study.cache.folder, "exports", arm.name.replace(/[^\w.-]+/g, "-"));
    rows.push({
      arm: arm.name,
      data: await study.scale.account?.(arm.tuning!) ?? "the micro-world",
      steps: losses.length,
      firstLoss: row["loss, first steps"]!,
      lastLoss: row["last steps"]!,
      seconds,
      operations: await armOperations(study, arm),
      readings: await roundTrip(adapted, prompts, folder, { tokenizer: model.folder! }),
    });
  }
  const { versions } = (await createEngine()).describe();
  return {
    command,
    date: new Date().toISOString().slice(0, 10),
    base: study.base.name,
    weights: study.base.model.hash.slice(0, 16),
    threads: availableParallelism(),
    processor: cpus()[0]?.model.trim() ?? "unknown",
    versions: { ...versions, ...runtimeVersions() },
    rows,
  };
}

/** The results as a Markdown table. */
export function realTable({ base, threads, rows }: RealResults): string {
  const lines = rows.map(({ arm, data, steps, firstLoss, lastLoss, seconds, readings }) => {
    const [own, ...others] = readings;
    const same = others.map(({ reader, equal }) =>
      `${reader.replace("this project, from the ", "")} ${
        equal === null ? "not run" : `${equal} of ${own!.of}`
      }`
    );
    const loss = `${firstLoss.toFixed(2)} → ${lastLoss.toFixed(2)}`;
    const account = data.split(" from ")[0]!;
    return [arm, account, steps, loss, `${seconds.toFixed(0)} s`, same.join(", ")];
  });
  return markdownTable(
    [base, "examples", "steps", "loss", `${threads} threads`, "equal tokens read back"],
    lines,
  );
}

/** Where the table comes from, in one paragraph: command, weights, date, machine, versions. */
export function realProvenance(results: RealResults): string {
  const { command, base, weights, date, threads, processor, versions } = results;
  const list = Object.entries(versions).map(([name, version]) => `${name} ${version}`).join(", ");
  return `\`${command}\`: ${base}, weights sha256 ${weights}, ${date}, ${threads} threads of ` +
    `${processor}; ${list}. Loss is the mean (nats a token) of the first and of the last tenth of ` +
    "the steps. Tokens agree where the tuned model, written and read back, says what it says from " +
    "memory.";
}
