/**
 * One cell of a study's shipped results computed again: equal to the last bit on the same kind of
 * machine, within the interval elsewhere.
 */
import { DiskCache } from "@implicit/memo";
import { pairedBootstrap } from "@implicit/alpaca-eval";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type CellResult, runGrid, valuesOf } from "./grid.ts";
import { keptResults } from "./kept.ts";
import type { Plan } from "./plan.ts";
import { studyNamed } from "./studies.ts";

/** A figure may differ by this share on another kind of machine. */
const TOLERANCE = 0.1;

/**
 * Computes a cell again, in an empty cache, and compares.
 *
 * @param processor what computes here, as the results name theirs
 * @param seed chooses the cell
 * @throws if the study is unknown or has no results.
 */
export async function checkCell(
  name: string,
  processor: string,
  seed: number,
  signal?: AbortSignal,
): Promise<{ sentence: string; holds: boolean }> {
  const plan = studyNamed(name);
  const kept = await keptResults(name);
  const shipped = kept.cells[seed % kept.cells.length]!;
  const isShipped = ({ factors, base, seed }: ReturnType<Plan["cells"]>[number]) =>
    JSON.stringify(factors) === JSON.stringify(shipped.factors) && seed === shipped.seed &&
    (typeof base === "string" ? base : `seed ${base.seed}`) === shipped.base;
  const one: Plan = { ...plan, cells: (size) => plan.cells(size).filter(isShipped) };
  const what = `${name}, ${JSON.stringify(shipped.factors)}, ${shipped.base}, seed ${shipped.seed}`;
  const folder = await mkdtemp(join(tmpdir(), "study-check-"));
  try {
    const { cells, failed } = await runGrid(one, { cache: new DiskCache(folder), signal });
    const [fresh] = cells;
    if (!fresh) throw new Error(failed[0] ?? `Expected the cell of ${what}, but found none.`);
    if (sameBits(fresh, shipped)) {
      return { sentence: `${what}: equal to the last bit.`, holds: true };
    }
    if (kept.processor === processor) {
      const sentence = `${what}: differs on the same kind of machine.\nshipped ` +
        `${JSON.stringify(shipped)}\nnow     ${JSON.stringify(fresh)}`;
      return { sentence, holds: false };
    }
    const moved = differences(fresh, shipped);
    return moved.length === 0
      ? { sentence: `${what}: within its intervals, on another kind of machine.`, holds: true }
      : { sentence: `${what}: outside of its interval: ${moved.join("; ")}`, holds: false };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

const sameBits = (a: CellResult, b: CellResult) =>
  JSON.stringify([a.weights, a.outcomes, a.figures]) ===
    JSON.stringify([b.weights, b.outcomes, b.figures]);

/** What left the shipped cell's interval over instructions. */
function differences(fresh: CellResult, shipped: CellResult): string[] {
  const outcomes = Object.entries(shipped.outcomes).flatMap(([name, text]) => {
    const { low, high } = pairedBootstrap([valuesOf(text)], { seed: 1 });
    const { estimate } = pairedBootstrap([valuesOf(fresh.outcomes[name] ?? "")], { seed: 1 });
    return estimate >= low && estimate <= high ? [] : [`${name} ${estimate} (${low} to ${high})`];
  });
  const figures = Object.entries(shipped.figures).flatMap(([name, value]) => {
    const now = fresh.figures[name] ?? NaN;
    const near = Math.abs(now - value) <= TOLERANCE * Math.max(Math.abs(value), 0.1);
    return near ? [] : [`${name} ${now} (was ${value})`];
  });
  return [...outcomes, ...figures];
}
