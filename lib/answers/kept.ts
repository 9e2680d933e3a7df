/**
 * The results of a study as they lie in data/studies: small, and with everything one needs to make
 * them again. Knows files; computes nothing but a smaller grid where one asks for it.
 */
import { createEngine } from "@implicit/engine";
import { codeVersion } from "@implicit/memo";
import { writeWhole } from "@implicit/notebook";
import { mkdir, readFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { projectRoot, runtimeVersions } from "../study/settings.ts";
import { type CellResult, runGrid } from "./grid.ts";
import type { Plan } from "./plan.ts";
import { studyNamed } from "./studies.ts";

/** A study's results with their origin. */
export interface StudyResults {
  readonly study: string;
  readonly command: string;
  readonly date: string;
  readonly processor: string;
  readonly versions: Readonly<Record<string, string>>;
  readonly code: string;
  /** Cells of the whole grid; those that are not among `cells` have not been computed. */
  readonly planned: number;
  readonly cells: readonly CellResult[];
}

const pathOf = (name: string) => join(projectRoot(), "data", "studies", `${name}.json`);

/** Writes the cells of a study into data/studies, one a line. */
export async function keepResults(
  plan: Plan,
  cells: readonly CellResult[],
  processor: string,
): Promise<string> {
  const path = pathOf(plan.name);
  const { versions } = (await createEngine({ threads: 1 })).describe();
  const about: Omit<StudyResults, "cells"> = {
    study: plan.name,
    command: `deno task study ${plan.name}`,
    date: new Date().toISOString().slice(0, 10),
    processor,
    versions: { ...versions, ...runtimeVersions() },
    code: await codeVersion([plan.code], projectRoot()),
    planned: plan.cells("full").length,
  };
  const head = JSON.stringify(about, null, 1).slice(0, -2);
  const lines = cells.map((cell) => `  ${JSON.stringify(cell)}`).join(",\n");
  await mkdir(dirname(path), { recursive: true });
  await writeWhole(path, `${head},\n "cells": [\n${lines}\n ]\n}\n`);
  return path;
}

/**
 * The results of a study as shipped.
 *
 * @throws if the study is unknown, or its results are missing.
 */
export async function keptResults(name: string): Promise<StudyResults> {
  studyNamed(name);
  const text = await readFile(pathOf(name), "utf8").catch(() => {
    throw new Error(
      `Expected the results of ${name} in data/studies, but found none: restore the file, or run ` +
        `deno task study ${name}.`,
    );
  });
  return JSON.parse(text);
}

/**
 * The cells of a study for a notebook: those that are shipped, or a small grid computed now, whose
 * numbers say only that the code runs.
 *
 * @example
 * ```ts
 * const cells = await studyCells("templates");
 * const own = await studyCells("templates", { recompute: true }); // two minutes
 * ```
 */
export async function studyCells(
  name: string,
  { recompute = false }: { recompute?: boolean } = {},
): Promise<readonly CellResult[]> {
  if (!recompute) return (await keptResults(name)).cells;
  const { cells, failed } = await runGrid(studyNamed(name), { size: "smoke" });
  if (failed.length > 0) throw new Error(failed.join("\n"));
  return cells;
}
