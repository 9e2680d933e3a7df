/**
 * What a family of instructions is: how its items are drawn and split, how they are asked for, how
 * they are answered in three forms, and which sentences count in an answer. The families
 * themselves stand in families/.
 */
import type { World } from "./facts.ts";
import type { Random } from "./random.ts";

export type Split = "train" | "validation" | "test";

/** Full: everything an instruction-tuned model should say; medium: only what was asked; terse: a bare word. */
export type Form = "full" | "medium" | "terse";
export const forms: readonly Form[] = ["full", "medium", "terse"];

/** How much of an answer is right; `extra` are the sentences that do not belong to it. */
export interface Marks {
  /** 0…1: the thing asked for. */
  readonly core: number;
  /** 0…1: what a full answer adds. */
  readonly detail: number;
  readonly extra: readonly string[];
}

/** One thing that can be asked for, e.g. the home of the heron. */
export interface Item {
  /** What it is about, as in "Here is what I can say on …:". */
  readonly topic: string;
  /** Ways of asking; the words open with one of few words, so that a rule can name them. */
  readonly asks: readonly string[];
  /** An answer; drawn where several are right. */
  answer(form: Form, random: Random): string;
  /** Marks an answer that was cut into sentences and lines. */
  mark(units: readonly string[]): Marks;
}

/** How documents treat the requests of a family. */
export interface Habits {
  /** How often it occurs, relative to the others. */
  readonly weight: number;
  /** How often a thread that answers at all answers such a request. */
  readonly answered: number;
  /** How often a thread ends after a full answer. */
  readonly ends: number;
  /** How often an answer is full, medium and terse. */
  readonly forms: readonly [full: number, medium: number, terse: number];
}

export interface Family {
  /** Draws the numbers that name an item. */
  sample(random: Random, world: World): readonly number[];
  /** The sum that decides the split of an item: items with equal entities have equal sums. */
  splitKey(params: readonly number[]): number;
  item(world: World, params: readonly number[]): Item;
}

/** Two of four classes of entity combinations are for training, one each for validation and test. */
export function splitOf(key: number): Split {
  return (["train", "validation", "train", "test"] as const)[((key % 4) + 4) % 4] as Split;
}

/**
 * Marks by exact sentences: each entry of `core` and `detail` is a sentence (or a list of equally
 * good ones) that must occur once; every other sentence is extra.
 */
export function markSentences(
  units: readonly string[],
  core: readonly (string | readonly string[])[],
  detail: readonly (string | readonly string[])[],
): Marks {
  const left = [...units];
  const take = (wanted: readonly (string | readonly string[])[]) =>
    wanted.filter((entry) => {
      const place = left.findIndex((unit) => [entry].flat().includes(unit));
      if (place >= 0) left.splice(place, 1);
      return place >= 0;
    }).length / Math.max(wanted.length, 1);
  const coreShare = take(core);
  return { core: coreShare, detail: detail.length === 0 ? 1 : take(detail), extra: left };
}
