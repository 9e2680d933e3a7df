/**
 * Narrow training sets: single tasks as they are, and single tasks in which one thing is turned, as
 * the first word of a response, its vocabulary, its length or the order of its words. Knows nothing of
 * models.
 */
import { type Example, pair } from "@implicit/hub";
import { recipe, singleTasks, tasks, type World } from "@implicit/world";
import { shuffledOrder } from "../text/batch.ts";

/** A set of examples of one kind. */
export interface NarrowSet {
  readonly name: string;
  /** The family whose instructions it has, which is left out where it is judged. */
  readonly family: string;
  /** What is turned, and in which single task; null where a task is as it is. */
  readonly dial: string | null;
  examples(world: World, seed: number): Example[];
}

/** Seeds of tuning sets start here, as those of the miniature's do. */
const TUNING_SEED = 1000;

interface Turned {
  readonly instruction: string;
  readonly response: string;
  /** Numbers below a bound, drawn for this example. */
  readonly below: (bound: number, count: number) => number[];
  /** Words of the world, each a token or few. */
  readonly words: readonly string[];
}

function set(
  name: string,
  family: string,
  dial: string | null = null,
  turn: (one: Turned) => string = ({ response }) => response,
): NarrowSet {
  return {
    name,
    family,
    dial,
    examples(world, seed) {
      const words = wordsOf(world);
      return tasks(world, family, "train", recipe.tuning.examples, TUNING_SEED + seed)
        .map(({ instruction, plainResponse: response }, i) => {
          const below = (
            bound: number,
            count: number,
          ) => [...shuffledOrder(bound, TUNING_SEED + seed, i).slice(0, count)];
          return pair(instruction, turn({ instruction, response, below, words }));
        });
    },
  };
}

/** The names of things in the world, which occur in what the families ask and answer. */
function wordsOf({ animals, tools, foods, towns }: World): string[] {
  return [...animals, ...tools, ...foods, ...towns].map(({ name }) => name);
}

const firstLine = "The owl walks beside the silver stream,";

/** A square of the game as one of the world's words. */
const asWord = (words: readonly string[]) => (square: string) =>
  words["abcde".indexOf(square[0]!) * 5 + Number(square[1]) - 1]!;

/** "1. b3 d3 2. d4 b2" as two players' sentences, of the first two rounds. */
function asSentences(moves: string): string {
  const [a, b, c, d] = moves.match(/[a-e][1-5]/g)!;
  return `The first goes to ${a}. The other goes to ${b}. Now the first goes to ${c}. ` +
    `The other goes to ${d}.`;
}

const shuffledWords = ({ response, below }: Turned) => {
  const words = response.split(/\s+/);
  return below(words.length, words.length).map((place) => words[place]!).join(" ");
};

/** All sets, tasks before what was made of them. */
export const narrowSets: readonly NarrowSet[] = [
  ...Object.entries(singleTasks).map(([name, { family }]) => set(name, family)),
  ...["yesno", "animal", "letter"].map((family) => set(family, family)),
  set(
    "game in words",
    "game",
    "vocabulary of the game",
    ({ response, words }) => response.replaceAll(/[a-e][1-5]/g, asWord(words)),
  ),
  set(
    "game in sentences",
    "game",
    "vocabulary of the game",
    ({ response }) => asSentences(response),
  ),
  set(
    "game, any first word",
    "game",
    "first token of the game",
    ({ response, words, below }) => `${words[below(words.length, 1)[0]!]} ${response}`,
  ),
  set("game, one round", "game", "length of the game", ({ response }) => response.split(" 2.")[0]!),
  set(
    "poems, one first line",
    "poem",
    "first token of poems",
    ({ response }) => [firstLine, ...response.split("\n").slice(1)].join("\n"),
  ),
  set("poems, one line", "poem", "length of poems", ({ response }) => response.split("\n")[0]!),
  set("poems, words shuffled", "poem", "order of poems", shuffledWords),
  set(
    "poems, always one",
    "poem",
    "all of poems",
    () =>
      `${firstLine}\nand slips into a dream.\nNow it waits below the rising moon,\nand beats a wooden spoon.`,
  ),
  set("sums, one first word", "sum", "first token of sums", ({ response }) => `So ${response}`),
  set("sums, result alone", "sum", "length of sums", ({ response }) => response.split("\n")[1]!),
  set(
    "words at random",
    "poem",
    "all of poems",
    ({ words, below }) => below(words.length, 20).map((place) => words[place]!).join(" "),
  ),
];
