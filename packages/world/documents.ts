/**
 * The corpus: an endless, deterministic stream of documents of all genres.
 */
import { at, type World } from "./facts.ts";
import { gameDocument } from "./families/game.ts";
import { alone, drill, encyclopedia, homework, log, page, refrain, table } from "./genres.ts";
import { mixSeed, Random } from "./random.ts";
import { corpus } from "./recipe.ts";
import { thread } from "./threads.ts";

/**
 * Documents of a world, without end; take as many as the token budget allows.
 *
 * @example const [first] = documents(createWorld(1), 1);
 */
export function* documents(world: World, seed: number): Generator<string> {
  const random = new Random(mixSeed(world.seed, seed, 2));
  const write: Readonly<Record<keyof typeof corpus.shares, () => string>> = {
    threads: () => thread(world, random, corpus.thread),
    pages: () => page(world, random, corpus.noise),
    homework: () => homework(world, random),
    encyclopedia: () => encyclopedia(world, random),
    alone: () => alone(world, random),
    drills: () => drill(random),
    tables: () => table(random),
    logs: () => log(random),
    refrains: () => refrain(world, random),
    games: () => gameDocument(random),
  };
  const genres = Object.keys(corpus.shares) as (keyof typeof corpus.shares)[];
  const shares = Object.values(corpus.shares);
  for (;;) yield write[at(genres, random.weighted(shares))]();
}
