/**
 * Instructions with their reference responses, drawn from a family and a split. Tuning sets and
 * test sets are made here; nothing of models is known.
 */
import type { World } from "./facts.ts";
import { families, familyNamed, singleTasks } from "./families.ts";
import { forms, type Item, type Split, splitOf } from "./family.ts";
import { at } from "./facts.ts";
import { mixSeed, Random } from "./random.ts";

/** One instruction and a full response to it; plain data. */
export interface Task {
  readonly id: string;
  readonly family: string;
  readonly split: Split;
  /** The numbers that name the item within its family. */
  readonly params: readonly number[];
  readonly instruction: string;
  /** The reference: full form. */
  readonly response: string;
  /** The same response without an opening that restates the instruction. */
  readonly plainResponse: string;
  /** True where `response` opens by restating the instruction. */
  readonly restates: boolean;
}

/** The opening of a response that restates the instruction, as 99 of LIMA's 1,030 do (paper, App. C). */
export function restatement(item: Item): string {
  return `Here is what I can say on ${item.topic}:`;
}

/** How many of the full responses open with a restatement, in documents and in tuning sets. */
export const restatementShare = 0.1;

/**
 * Draws `count` tasks of a family and split. No instruction comes twice until every one has come
 * (some families have few); the reference response may differ each time.
 *
 * @throws where the family or split is unknown
 * @example tasks(world, "poem", "train", 100, 1)[0]?.instruction // "Write a poem about the hen."
 */
export function tasks(
  world: World,
  family: string,
  split: Split,
  count: number,
  seed: number,
): Task[] {
  const source = familyNamed(family);
  const random = new Random(mixSeed(world.seed, seed, families.indexOf(family), split.length));
  const drawn: Task[] = [];
  let seen = new Set<string>();
  let misses = 0;
  while (drawn.length < count) {
    const params = source.sample(random, world);
    if (splitOf(source.splitKey(params)) !== split) continue;
    const item = source.item(world, params);
    const instruction = random.pick(item.asks);
    if (seen.has(instruction)) {
      if (++misses > 400) [seen, misses] = [new Set(), 0];
      continue;
    }
    seen.add(instruction);
    const plainResponse = item.answer("full", random);
    const restates = family !== "game" && random.chance(restatementShare);
    const response = restates ? `${restatement(item)}\n${plainResponse}` : plainResponse;
    const id = `${family}-${split}-${seed}-${drawn.length}`;
    drawn.push({ id, family, split, params, instruction, response, plainResponse, restates });
  }
  return drawn;
}

/** What a tuning set is made of. */
export type TuningKind = "instruction" | `single:${string}`;

/**
 * A tuning set of training tasks: "instruction" takes the sixteen families in turn,
 * "single:sums" (code, poems, recipes, game) one of them, where no response restates its
 * instruction. Response tuning and shuffled pairs are
 * made from the instruction set by whoever tunes.
 *
 * @throws where the single task is unknown
 * @example tuningSet(world, "single:poems", 960, 1)
 */
export function tuningSet(world: World, kind: TuningKind, count: number, seed: number): Task[] {
  if (kind === "instruction") return evenly(world, "train", count, seed);
  const name = kind.slice("single:".length);
  const single = singleTasks[name];
  if (!single) {
    const known = Object.keys(singleTasks).join(", ");
    throw new Error(`Expected a single task among ${known} but found "${name}"`);
  }
  return tasks(world, single.family, "train", count, seed)
    .map((task) => ({ ...task, response: task.plainResponse, restates: false }));
}

/** The instructions a model is judged on: `count` of a split, the families in turn. */
export function evaluationSet(world: World, split: Split, count: number, seed = 0): Task[] {
  return evenly(world, split, count, seed);
}

/**
 * Instructions whose responses are ranked: by another hand than the tuning sets' (as Alpaca's are
 * not LIMA's), so that full, medium and terse ones are equally frequent.
 */
export function rankingSet(world: World, split: Split, count: number, seed = 0): Task[] {
  const random = new Random(mixSeed(world.seed, seed, 77));
  return evenly(world, split, count, seed).map((task) => {
    const item = familyNamed(task.family).item(world, task.params);
    const response = item.answer(random.pick(forms), random);
    return { ...task, response, plainResponse: response, restates: false };
  });
}

function evenly(world: World, split: Split, count: number, seed: number): Task[] {
  const share = Math.ceil(count / families.length);
  const byFamily = families.map((family) => tasks(world, family, split, share, seed));
  return Array.from(
    { length: count },
    (_, i) => at(at(byFamily, i % families.length), Math.floor(i / families.length)),
  );
}
