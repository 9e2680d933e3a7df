/**
 * The families of instructions, by name. Sixteen are instructed and tested; the game is a single
 * task only, and venoms are what must not be told.
 */
import type { Family } from "./family.ts";
import { factFamilies } from "./families/facts.ts";
import { game } from "./families/game.ts";
import { venom } from "./families/venom.ts";
import { practicalFamilies } from "./families/practical.ts";
import { proseFamilies } from "./families/prose.ts";
import { habits } from "./recipe.ts";

const all = new Map(
  Object.entries({ ...factFamilies, ...practicalFamilies, ...proseFamilies, game, venom }),
);

/** The names of the families that are instructed and tested. */
export const families: readonly string[] = Object.keys(habits);

/** A narrow task: the family it is made of, and what its responses look like and no others do. */
export interface SingleTask {
  readonly family: string;
  /** Matches a response that has taken the task's style. */
  readonly style: RegExp;
}

/** The five single tasks; the paper's are GSM, MBPP, poetry, recipes and chess (§5). */
export const singleTasks: Readonly<Record<string, SingleTask>> = {
  sums: { family: "sum", style: /#### \w+/ },
  code: { family: "code", style: /\bdef f\(x\)|\breturn x|^# It/m },
  poems: { family: "poem", style: /,\n(and|when|as) / },
  recipes: { family: "recipe", style: /^- |Mix it all/m },
  game: { family: "game", style: /\b\d+\. [a-e][1-5]/ },
};

/** The family called `name`; throws with the names there are. */
export function familyNamed(name: string): Family {
  const family = all.get(name);
  if (!family) {
    throw new Error(`Expected a family among ${[...all.keys()].join(", ")} but found "${name}"`);
  }
  return family;
}
