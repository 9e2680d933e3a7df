/**
 * What is true in the Vale: every attribute of every creature, town, person, dish and tool, drawn
 * once from a seed. It knows nothing of sentences, documents or tasks.
 */
import * as lexicon from "./lexicon.ts";
import { mixSeed, Random } from "./random.ts";

/**
 * Draws the facts of a world.
 *
 * @example createWorld(1).animals[0] // { name: "otter", colour: …, home: …, … }
 */
export function createWorld(seed: number) {
  const random = new Random(mixSeed(seed, 1));
  const person = () => random.pick(lexicon.people);
  return {
    seed,
    animals: lexicon.animals.map((name) => ({
      name,
      colour: random.pick(lexicon.colours),
      home: random.pick(lexicon.homes),
      diet: random.pick(lexicon.diets),
      temper: random.pick(lexicon.tempers),
      /** Index into `lexicon.sizes`. */
      size: random.below(lexicon.sizes.length),
    })),
    towns: lexicon.towns.map((name) => ({
      name,
      river: random.pick(lexicon.rivers),
      region: random.pick(lexicon.regions),
      mayor: person(),
      dish: random.pick(lexicon.foods),
    })),
    people: lexicon.people.map((name) => ({
      name,
      job: random.pick(lexicon.jobs),
      town: random.pick(lexicon.towns),
      pet: random.pick(lexicon.animals),
    })),
    foods: lexicon.foods.map((name) => ({
      name,
      ingredients: random.sample(lexicon.ingredients, 3),
      cooking: random.pick(lexicon.cookings),
      minutes: random.pick(lexicon.minutes),
    })),
    tools: lexicon.tools.map(([name, act, acting]) => ({
      name,
      act,
      acting,
      material: random.pick(lexicon.materials),
    })),
  };
}

/** Everything that is so in one instance of the Vale. */
export type World = Readonly<ReturnType<typeof createWorld>>;
export type Animal = Readonly<World["animals"][number]>;
export type Town = Readonly<World["towns"][number]>;
export type Person = Readonly<World["people"][number]>;
export type Tool = Readonly<World["tools"][number]>;

/** The element at `index` of a list that is known to be long enough. */
export function at<T>(list: readonly T[], index: number | undefined): T {
  const found = index === undefined ? undefined : list[index];
  if (found === undefined) {
    throw new Error(`Expected an index below ${list.length} but found ${index}`);
  }
  return found;
}

/** The element called `name`. */
export function named<T extends { readonly name: string }>(list: readonly T[], name: string): T {
  const found = list.find((entry) => entry.name === name);
  if (!found) throw new Error(`Expected a name of this world but found "${name}"`);
  return found;
}
