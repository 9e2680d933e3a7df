/**
 * Wrong responses to rank a right one against: the paper's random ones by the authors' own seed, and
 * harder ones of the same family or the same length. Deals in indices of examples; scores nothing.
 */
import { PythonRandom } from "@implicit/alpaca-eval";

/** Instruction `real` with its own response, against the response of example `fake`. */
export interface RankingPair {
  readonly real: number;
  readonly fake: number;
}

/** What is known of an example: its response as token ids, and the family it belongs to. */
export interface Candidate {
  readonly response: readonly number[];
  readonly family: string;
}

/** Wrong responses an instruction, and the seed, as the authors have them. */
const DRAWS = 5, SEED = 0;

/**
 * The authors' negatives (paper §4.2, `ratio_eval.py`): after `random.seed(0)`, for each of `count`
 * examples in order, five draws with `random.randint` from the responses of the same examples, with
 * replacement. An example may draw itself; such a pair is kept here, as it uses up a draw, and left
 * out when ranking, as the authors' evaluation does.
 */
export function randomNegatives(count: number): RankingPair[] {
  const random = new PythonRandom(SEED);
  return Array.from({ length: count * DRAWS }, (_, i) => ({
    real: Math.floor(i / DRAWS),
    fake: random.integer(0, count - 1),
  }));
}

/** For each example, the indices of those whose response differs from its own. */
function otherResponses(examples: readonly Candidate[]): (i: number) => number[] {
  const texts = examples.map(({ response }) => response.join());
  return (i) => texts.flatMap((text, j) => text === texts[i] ? [] : [j]);
}

/**
 * Hard negatives: responses to other instructions of the same family, drawn with replacement. An
 * example whose family offers no other response gets none.
 */
export function familyNegatives(examples: readonly Candidate[]): RankingPair[] {
  const random = new PythonRandom(SEED);
  const others = otherResponses(examples);
  return examples.flatMap(({ family }, real) => {
    const rivals = others(real).filter((j) => examples[j]!.family === family);
    const count = rivals.length > 0 ? DRAWS : 0;
    return Array.from({ length: count }, () => ({ real, fake: random.choice(rivals) }));
  });
}

/**
 * Hard negatives: the responses nearest in number of tokens, so that no score can win by preferring
 * short ones; equally near ones are taken at random, none twice.
 */
export function lengthMatchedNegatives(examples: readonly Candidate[]): RankingPair[] {
  const random = new PythonRandom(SEED);
  const others = otherResponses(examples);
  return examples.flatMap(({ response }, real) =>
    others(real)
      .map((fake) => ({
        fake,
        distance: Math.abs(examples[fake]!.response.length - response.length),
        lot: random.random(),
      }))
      .sort((a, b) => a.distance - b.distance || a.lot - b.lot)
      .slice(0, DRAWS)
      .map(({ fake }) => ({ real, fake }))
  );
}
