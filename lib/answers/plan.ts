/**
 * A study of an open question as data: what is asked, what was expected before anybody looked, and the
 * cells of its grid. A cell is one measurement on one base with one seed; cells know nothing of each
 * other, so that a grid can be divided over machines.
 */
import type { Study } from "../study/study.ts";
import type { BaseRecipe } from "./pretrained.ts";

/** What varies between the cells of a study, for tables and figures. */
export type Factors = Readonly<Record<string, string | number>>;

export interface Cell {
  readonly factors: Factors;
  /** A shipped base by name, or one that is pretrained for the study. */
  readonly base: string | BaseRecipe;
  /** Of the tuning: which examples, and in what order. */
  readonly seed: number;
}

/** What a cell gives. */
export interface Measured {
  /** By instruction, each 0…1; NaN where one does not count. Kept in tenths. */
  readonly outcomes?: Readonly<Record<string, readonly number[]>>;
  /** Numbers of the whole; one that is not finite is left out. */
  readonly figures?: Readonly<Record<string, number>>;
}

/** `smoke`: a version of two minutes, whose numbers mean nothing. */
export type PlanSize = "full" | "smoke";

export interface Plan<C extends Cell = Cell> {
  /** As the command line has it, in kebab-case. */
  readonly name: string;
  readonly question: string;
  /** What was expected, and what result would contradict it: written before the first run. */
  readonly expected: string;
  readonly contradicted: string;
  /** The file, relative to the project, whose code decides what a cell gives. */
  readonly code: string;
  cells(size: PlanSize): readonly C[];
  /** Measures a cell on the test instructions, with a study opened on its base. */
  measure(study: Study, cell: C): Promise<Measured>;
}

/** The shipped bases, which are all used where pretraining does not vary. */
export const shippedBases = ["base-1", "base-2", "base-3", "base-4", "base-5", "base-6"] as const;

/**
 * All combinations of lists.
 *
 * @example crossed({ base: shippedBases, rank: [1, 4, 16] }) // { base: "base-1", rank: 1 } …
 */
export function crossed<L extends Readonly<Record<string, readonly unknown[]>>>(
  lists: L,
): { readonly [K in keyof L]: L[K][number] }[] {
  return Object.entries(lists).reduce<Record<string, unknown>[]>(
    (rows, [name, list]) => rows.flatMap((row) => list.map((value) => ({ ...row, [name]: value }))),
    [{}],
  ) as { [K in keyof L]: L[K][number] }[];
}
