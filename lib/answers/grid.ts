/**
 * Runs the cells of a study side by side and keeps each as it is finished: interrupted, it goes on; a
 * part of it can be computed elsewhere and copied here. Knows nothing of what is measured.
 */
import { codeVersion, DiskCache, hashOf } from "@implicit/memo";
import { progress } from "@implicit/notebook";
import { availableParallelism } from "node:os";
import type { Base } from "../study/scale.ts";
import { openScale } from "../study/scales.ts";
import { studyOn } from "../study/open_study.ts";
import { projectRoot, readSettings, type Shard } from "../study/settings.ts";
import type { Study } from "../study/study.ts";
import { PROMPTS } from "./measures.ts";
import type { Cell, Factors, Plan, PlanSize } from "./plan.ts";
import { pretrainedBase } from "./pretrained.ts";

/** A finished cell. */
export interface CellResult {
  readonly factors: Factors;
  /** Which base it was, among those of equal factors: a shipped one's name, or the seed of its making. */
  readonly base: string;
  /** The first digits of the hash of the base's weights. */
  readonly weights: string;
  readonly seed: number;
  /** By instruction, in tenths: "0" to "9", "A" for 1, "-" where one does not count. */
  readonly outcomes: Readonly<Record<string, string>>;
  readonly figures: Readonly<Record<string, number>>;
  readonly seconds: number;
}

export interface GridOptions {
  readonly size?: PlanSize;
  readonly shard?: Shard;
  readonly cache?: DiskCache;
  readonly signal?: AbortSignal;
  /** Instructions a cell; by default {@link PROMPTS}, fewer where the size is smoke. */
  readonly prompts?: number;
  /** Computes nothing: cells that are not kept yet count as elsewhere. Default false. */
  readonly soFar?: boolean;
}

/** What became of a grid. */
export interface GridResult {
  readonly cells: readonly CellResult[];
  /** Sentences about the cells that failed. */
  readonly failed: readonly string[];
  /** Cells that belong to other shards, or are not kept yet where nothing was to be computed. */
  readonly elsewhere: number;
}

/** Which cells a shard computes: those that share a base made for the study stay together. */
export function cellsOf<C extends Cell>(cells: readonly C[], shard?: Shard): C[] {
  if (!shard) return [...cells];
  const unitOf = (cell: C, i: number) => typeof cell.base === "string" ? i : hashOf(cell.base);
  const units = [...new Set(cells.map(unitOf))];
  return cells.filter((cell, i) => units.indexOf(unitOf(cell, i)) % shard.of === shard.index - 1);
}

/**
 * Computes the cells of a study, or takes them from the cache. Where one fails, the others go on.
 *
 * @throws the signal's reason where aborted; finished cells are kept.
 * @example
 * const { cells } = await runGrid(plan, { size: "smoke" });
 */
export async function runGrid(plan: Plan, options: GridOptions = {}): Promise<GridResult> {
  const { size = "full", shard, signal, soFar = false } = options;
  const cache = options.cache ?? new DiskCache(readSettings().cache);
  const prompts = options.prompts ?? (size === "full" ? PROMPTS : 32);
  const all = plan.cells(size);
  const cells = cellsOf(all, shard);
  const results = new Array<CellResult | undefined>(cells.length);
  const failed: string[] = [];
  const bar = progress(plan.name, cells.length);
  const open: Open = soFar
    ? () => Promise.reject(new NotKept())
    : opener(cache, prompts, (note) => bar.update(done(), note), signal);
  const done = () => results.filter((result) => result !== undefined).length;
  let next = 0;
  const worker = async () => {
    for (let i = next++; i < cells.length; i = next++) {
      signal?.throwIfAborted();
      const cell = cells[i]!;
      try {
        results[i] = await cellResult(plan, cell, prompts, cache, open);
      } catch (error) {
        signal?.throwIfAborted();
        if (error instanceof NotKept) continue;
        failed.push(`${nameOf(cell)}: ${(error as Error).message}`);
      }
      bar.update(
        done(),
        [nameOf(cell), ...failed.length ? [`${failed.length} failed`] : []].join("; "),
      );
    }
  };
  const workers = await Promise.allSettled(Array.from({ length: availableParallelism() }, worker));
  for (const end of workers) if (end.status === "rejected") throw end.reason;
  await bar.done();
  const found = results.filter((result) => result !== undefined);
  return { cells: found, failed, elsewhere: all.length - found.length - failed.length };
}

/** A cell has not been computed, and was not to be. */
class NotKept extends Error {}

const nameOf = ({ factors, base, seed }: Cell) =>
  [...Object.values(factors), typeof base === "string" ? base : `base ${base.seed}`, `seed ${seed}`]
    .join(", ");

type Open = (cell: Cell) => Promise<Study>;

/** Opens studies on bases, each once; those that are not shipped are pretrained first. */
function opener(
  cache: DiskCache,
  prompts: number,
  say: (note: string) => void,
  signal?: AbortSignal,
): Open {
  const scale = openScale("miniature");
  // The grid itself is divided, cell by cell.
  const settings = { ...readSettings(), cache: cache.folder, shard: null };
  const open = new Map<string, Promise<Study>>();
  const make = async (base: Cell["base"]): Promise<Base> =>
    typeof base === "string" ? (await scale).loadBase(base) : await pretrainedBase(cache, base, {
      signal,
      onStep({ step, steps, loss }) {
        if (step % 10 > 0) return;
        say(`pretraining ${base.name}, seed ${base.seed}: ${step} of ${steps}, ${loss.toFixed(2)}`);
      },
    });
  return ({ base }) => {
    const key = hashOf(base);
    const study = open.get(key) ??
      make(base).then(async (base) =>
        await studyOn(base, await scale, { seeds: 1, prompts }, settings)
      );
    open.set(key, study);
    study.catch(() => open.delete(key));
    return study;
  };
}

async function cellResult(
  plan: Plan,
  cell: Cell,
  prompts: number,
  cache: DiskCache,
  open: Open,
): Promise<CellResult> {
  const key = {
    study: plan.name,
    cell,
    prompts,
    code: await codeVersion([plan.code], projectRoot()),
  };
  return await cache.of("cells", key, async () => {
    const study = await open(cell);
    const started = performance.now();
    const { outcomes = {}, figures = {} } = await plan.measure(study, cell);
    const { base, seed, factors } = cell;
    return {
      factors,
      base: typeof base === "string" ? base : `seed ${base.seed}`,
      weights: study.base.model.hash.slice(0, 16),
      seed,
      outcomes: Object.fromEntries(
        Object.entries(outcomes).map(([name, values]) => [name, values.map(tenth).join("")]),
      ),
      figures: Object.fromEntries(
        Object.entries(figures).filter(([, value]) => Number.isFinite(value))
          .map(([name, value]) => [name, Number(value.toPrecision(6))]),
      ),
      seconds: Math.round((performance.now() - started) / 100) / 10,
    };
  });
}

/** A value from 0 to 1 in tenths, as one character. */
function tenth(value: number): string {
  if (Number.isNaN(value)) return "-";
  return Math.round(value * 10).toString(11).toUpperCase();
}

/** The values that {@link CellResult} keeps as text; NaN where one does not count. */
export function valuesOf(outcome: string): number[] {
  return [...outcome].map((digit) => digit === "-" ? NaN : parseInt(digit, 11) / 10);
}
