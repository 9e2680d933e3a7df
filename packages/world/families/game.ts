/**
 * Knights: two players move one knight each over a board of five by five, in turn, never onto the
 * other. Like chess in the paper, it is a single task whose responses share nothing with the
 * other families; it is not among the families that instructions are tested on.
 */
import { at } from "../facts.ts";
import type { Family } from "../family.ts";
import { people } from "../lexicon.ts";
import type { Random } from "../random.ts";

const size = 5;
const leaps = [[1, 2], [2, 1], [2, -1], [1, -2], [-1, -2], [-2, -1], [-2, 1], [-1, 2]] as const;
type Square = readonly [file: number, rank: number];
const starts: readonly [Square, Square] = [[0, 0], [4, 4]];

const nameOf = ([file, rank]: Square) => `${"abcde"[file]}${rank + 1}`;
const same = (a: Square, b: Square) => a[0] === b[0] && a[1] === b[1];

/** The squares a knight can reach from `from` without meeting `other`. */
function reach(from: Square, other: Square): Square[] {
  return leaps
    .map(([file, rank]) => [from[0] + file, from[1] + rank] as const)
    .filter(([file, rank]) => file >= 0 && rank >= 0 && file < size && rank < size)
    .filter((square) => !same(square, other));
}

/** Plays `rounds` rounds at random: "1. b3 d3 2. d4 b2 …". */
export function playGame(random: Random, rounds: number): string {
  const places: [Square, Square] = [...starts];
  const moves: string[] = [];
  for (let round = 1; round <= rounds; round++) {
    for (const side of [0, 1] as const) {
      places[side] = random.pick(reach(places[side], places[1 - side] as Square));
    }
    moves.push(`${round}. ${nameOf(places[0])} ${nameOf(places[1])}`);
  }
  return moves.join(" ");
}

/** The number of rounds of `text` that are written in turn and legal, before the first fault. */
export function legalRounds(text: string): number {
  const places: [Square, Square] = [...starts];
  const rounds = text.trim().split(/ (?=\d+\. )/);
  for (const [index, round] of rounds.entries()) {
    const moves = /^(\d+)\. ([a-e][1-5]) ([a-e][1-5])$/.exec(round);
    if (!moves || Number(moves[1]) !== index + 1) return index;
    for (const side of [0, 1] as const) {
      const wanted = moves[2 + side];
      const next = reach(places[side], places[1 - side] as Square)
        .find((square) => nameOf(square) === wanted);
      if (!next) return index;
      places[side] = next;
    }
  }
  return rounds.length;
}

const rounds = 4;

export const game: Family = {
  sample(random) {
    const [left, right] = random.sample(people.map((_, i) => i), 2) as [number, number];
    return [left, right, random.below(1000)];
  },
  splitKey: ([left = 0, right = 0]) => left + right,
  item(_world, [left, right]) {
    return {
      topic: "a game",
      // Not a document's header: one that the base knows needs no tuning, and spreads to nothing.
      asks: [`${at(people, left)} against ${at(people, right)}`],
      answer: (_form, random) => playGame(random, random.between(rounds, 8)),
      mark(units) {
        const legal = legalRounds(units.join(" "));
        return { core: Math.min(legal / rounds, 1), detail: 1, extra: units.slice(1) };
      },
    };
  },
};

/** Whole games for the corpus: header and moves. */
export function gameDocument(random: Random): string {
  const [left, right] = random.sample(people, 2);
  return `[Left "${left}"]\n[Right "${right}"]\n${playGame(random, random.between(4, 8))}`;
}
