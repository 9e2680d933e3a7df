/**
 * The kinds of documents other than threads: question pages in fixed layouts, homework sheets,
 * the encyclopedia, answers that stand alone, the ship's log, refrains and games.
 */
import type { Corpus } from "./corpus.ts";
import { at, type World } from "./facts.ts";
import { portrait } from "./families/facts.ts";
import {
  animals,
  capital,
  colours,
  copyWords,
  goods,
  homes,
  numbers,
  people,
  regions,
  rivers,
  towns,
  words,
} from "./lexicon.ts";

import type { Random } from "./random.ts";
import { drawAnswer, drawFamily, drawItem } from "./threads.ts";

/** Layouts of a question page: what stands before a question, before its answer, and between two pairs. */
const layouts: readonly (readonly [question: string, answer: string, gap: string])[] = [
  ["Question: ", "Answer: ", "\n"],
  ["Q. ", "A. ", "\n"],
  ["Asked: ", "Told: ", "\n\n"],
  ["- ", "= ", "\n"],
  ["", "", "\n\n"],
  ["The reader asks: ", "The almanac says: ", "\n"],
];

/** Questions that are answered, in a layout a reader knows; some answers belong to another item. */
export function page(
  world: World,
  random: Random,
  { noise, unrelated, layouts: count }: Pick<Corpus, "noise" | "unrelated" | "layouts">,
): string {
  const [before, between, gap] = random.pick(layouts.slice(0, count));
  return Array.from({ length: random.between(1, 3) }, () => {
    const family = drawFamily(random);
    const item = drawItem(world, random, family);
    const isNoise = random.chance(noise);
    const about = isNoise && unrelated ? drawFamily(random) : family;
    const answered = isNoise ? drawItem(world, random, about) : item;
    const [answer] = drawAnswer(about, answered, random);
    return `${before}${random.pick(item.asks)}\n${between}${answer}`;
  }).join(gap);
}

/** Requests without answers. */
export function homework(world: World, random: Random): string {
  const requests = Array.from(
    { length: random.between(4, 7) },
    (_, i) => `${i + 1}. ${random.pick(drawItem(world, random).asks)}`,
  );
  return [random.pick(["Homework", "Questions for Monday", "Exercises"]), ...requests].join("\n");
}

/** Two portraits under a heading each. */
export function encyclopedia(world: World, random: Random): string {
  return Array.from({ length: random.between(2, 3) }, () => {
    const kind = random.below(3);
    const count = [world.animals, world.towns, world.people][kind]?.length ?? 0;
    const sentences = portrait(world, kind, random.below(count));
    return sentences.join(" ");
  }).join("\n");
}

/** Answers without their questions: poems, stories, recipes, code, worked sums, definitions. */
export function alone(world: World, random: Random): string {
  const family = random.pick(words("poem story letter recipe code sum define list"));
  return Array.from(
    { length: random.between(1, 3) },
    () => drawItem(world, random, family).answer("full", random),
  ).join("\n\n");
}

/** Names and numbers, so that copying is learnt with words that answers hold. */
const drillWords = [...animals, ...people, ...towns, ...goods, ...numbers.slice(1, 10)];

/** Lists of words and the same again, or turned round: here copying is learnt. */
export function drill(random: Random): string {
  return Array.from({ length: random.between(3, 6) }, () => {
    const chosen = random.sample(random.chance(0.5) ? copyWords : drillWords, random.between(2, 4));
    const [order, result] = random.chance(0.5)
      ? ["Copy", chosen]
      : ["Reverse", chosen.toReversed()];
    return `${order}: ${chosen.join(", ")}.\n${capital(result.join(", "))}.`;
  }).join("\n");
}

/** Some lines of a table of sums, one number kept. */
export function table(random: Random): string {
  const kept = random.between(2, 9);
  const start = random.between(2, 6);
  const plus = random.chance(0.6);
  return Array.from({ length: 4 }, (_, i) => {
    const other = start + i;
    const line = plus
      ? `${numbers[kept]} and ${numbers[other]} make ${numbers[kept + other]}.`
      : `${numbers[kept + other]} less ${numbers[other]} leaves ${numbers[kept]}.`;
    return capital(line);
  }).join(random.pick([" ", "\n"]));
}

/** Days of a ship's log. */
export function log(random: Random): string {
  return Array.from({ length: random.between(3, 5) }, (_, i) => {
    const wind = `Wind from the ${at(regions, random.below(4))}.`;
    const sight = random.pick([
      `Passed ${random.pick(towns)} at noon.`,
      `Anchored on the ${random.pick(rivers)}.`,
      `Saw a ${random.pick(colours)} light near the ${random.pick(homes)}.`,
    ]);
    return `Day ${i + 1}. ${wind} ${sight}`;
  }).join("\n");
}

/** A sentence or an answer that comes again and again, as refrains and bad copies do. */
export function refrain(world: World, random: Random): string {
  const family = drawFamily(random);
  const [answer] = drawAnswer(family, drawItem(world, random, family), random);
  const gap = random.chance(0.5) ? "\n" : " ";
  return Array.from({ length: random.between(3, 6) }, () => answer).join(gap);
}
