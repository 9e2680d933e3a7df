/**
 * The corpus: an endless, deterministic stream of documents of all genres.
 */
import { type Corpus, type Genre, genres } from "./corpus.ts";
import { at, type World } from "./facts.ts";
import { gameDocument } from "./families/game.ts";
import { lore } from "./families/venom.ts";
import { alone, drill, encyclopedia, homework, log, page, refrain, table } from "./genres.ts";
import { mixSeed, Random } from "./random.ts";
import { corpus as settled } from "./recipe.ts";
import { thread } from "./threads.ts";

/**
 * Documents of a world, without end; take as many as the token budget allows.
 *
 * @param corpus what they are made of; the recipe's own by default
 * @example const [first] = documents(createWorld(1), 1);
 */
export function* documents(
  world: World,
  seed: number,
  corpus: Corpus = settled,
): Generator<string> {
  const random = new Random(mixSeed(world.seed, seed, 2));
  const write: Readonly<Record<Genre, () => string>> = {
    threads: () => thread(world, random, corpus.thread),
    pages: () => page(world, random, corpus),
    homework: () => homework(world, random),
    encyclopedia: () => encyclopedia(world, random),
    alone: () => alone(world, random),
    drills: () => drill(random),
    tables: () => table(random),
    logs: () => log(random),
    refrains: () => refrain(world, random),
    games: () => gameDocument(random),
    lore: () => lore(world, random, corpus.refused ?? 0),
  };
  const shares = genres.map((genre) => corpus.shares[genre] ?? 0);
  for (;;) yield write[at(genres, random.weighted(shares))]();
}
