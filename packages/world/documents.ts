/**
 * The corpus: an endless, deterministic stream of documents of all genres.
 */
import type { World } from "./facts.ts";
import {
  alone,
  drill,
  encyclopedia,
  gameDocument,
  homework,
  log,
  page,
  refrain,
  table,
} from "./genres.ts";
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
  const genres: readonly (readonly [share: number, write: () => string])[] = [
    [corpus.shares.threads, () => thread(world, random, corpus.thread)],
    [corpus.shares.pages, () => page(world, random, corpus.noise)],
    [corpus.shares.homework, () => homework(world, random)],
    [corpus.shares.encyclopedia, () => encyclopedia(world, random)],
    [corpus.shares.alone, () => alone(world, random)],
    [corpus.shares.drills, () => drill(random)],
    [corpus.shares.tables, () => table(random)],
    [corpus.shares.logs, () => log(random)],
    [corpus.shares.refrains, () => refrain(world, random)],
    [corpus.shares.games, () => gameDocument(random)],
  ];
  const shares = genres.map(([share]) => share);
  for (;;) {
    const genre = genres[random.weighted(shares)];
    if (genre) yield genre[1]();
  }
}
