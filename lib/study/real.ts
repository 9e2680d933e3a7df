/**
 * What a real checkpoint did on real rows, as one file and one table of Markdown for the README:
 * the loss before and after, the time, and who read the tuned model back with equal tokens.
 */
import { availableParallelism } from "node:os";
import { createEngine } from "../engine/engine.ts";
import type { Arm } from "./arm.ts";
import { overview } from "./overview.ts";
import { runtimeVersions } from "./results.ts";
import { type Reading, roundTrip } from "./round_trip.ts";
import { armOperations } from "./speed.ts";
import type { Study } from "./study.ts";

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
  readonly date: string;
  readonly base: string;
  readonly weights: string;
  readonly threads: number;
  readonly versions: Readonly<Record<string, string>>;
  readonly rows: readonly RealRow[];
}

/** Tunes the base on each arm's examples (or takes the finished run) and reads the result back. */
export async function measureReal(study: Study, list: readonly Arm[]): Promise<RealResults> {
  const rows: RealRow[] = [];
  for (const row of await overview(study, list)) {
    const arm = list.find(({ name }) => name === row.arm)!;
    const { losses, seconds } = await study.tuned(arm, study.seeds[0]!);
    rows.push({
      arm: arm.name,
      data: await study.scale.account?.(arm.tuning!) ?? "the micro-world",
      steps: losses.length,
      firstLoss: row["loss, first steps"]!,
      lastLoss: row["last steps"]!,
      seconds,
      operations: await armOperations(study, arm),
      readings: await roundTrip(study, arm),
    });
  }
  const { versions } = (await createEngine()).describe();
  return {
    date: new Date().toISOString().slice(0, 10),
    base: study.base.name,
    weights: study.base.model.hash.slice(0, 16),
    threads: availableParallelism(),
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
    return `| ${arm} | ${data.split(" from ")[0]} | ${steps} | ` +
      `${firstLoss.toFixed(2)} → ${lastLoss.toFixed(2)} | ${seconds.toFixed(0)} s | ` +
      `${same.join(", ")} |`;
  });
  return [
    `| ${base} | examples | steps | loss | ${threads} threads | equal tokens read back |`,
    "|---|---|---|---|---|---|",
    ...lines,
  ].join("\n");
}
