/**
 * Response ranking (paper §4.2, Eq. 3, Table 2): is a model's probability of the right response to
 * an instruction higher than that of a response to another instruction? It asks a `score` function
 * for log-probabilities, a local decoder's or an endpoint's, and knows nothing of the model.
 */
import type { Decoder, Scored } from "@implicit/decoder";
import { sum } from "simple-statistics";
import type { RankingPair } from "./negatives.ts";

/** Log-probabilities of responses given prompts: a decoder's method. */
export type Score = Decoder["score"];

/** An instruction in its chat template and its right response, EOS included, as token ids. */
export interface RankingExample {
  readonly prompt: readonly number[];
  readonly response: readonly number[];
}

/**
 * - `mean`: log-probability a token, as the authors' code scores it;
 * - `sum`: of the whole response, as the paper writes it (Eq. 3); it favours short responses;
 * - `pmi`: sum minus the sum given an empty instruction, which takes away how likely the response is
 *   of itself.
 */
export type Scoring = "mean" | "sum" | "pmi";

/** A scored pair. */
export interface RankedPair extends RankingPair {
  /** log p(real) − log p(fake), by each scoring. */
  readonly margins: Readonly<Record<Scoring, number>>;
  /** Log-probabilities of the right response and of the wrong one. */
  readonly scores: { readonly real: Scored; readonly fake: Scored };
}

/**
 * Scores every pair. Each response is scored once for each instruction it is paired with; pairs of
 * an example with itself are left out.
 *
 * @param emptyPrompt the chat template around an empty instruction, for `pmi`
 * @throws if a pair names an example that is not there.
 * @example
 * const pairs = randomNegatives(examples.length);
 * const ranked = await rankResponses((x) => decoder.score(x), examples, pairs, emptyPrompt);
 * rankingAccuracy(ranked, "mean").strict // 80.4 in Table 2
 */
export async function rankResponses(
  score: Score,
  examples: readonly RankingExample[],
  pairs: readonly RankingPair[],
  emptyPrompt: readonly number[],
): Promise<RankedPair[]> {
  const stray = pairs.flatMap(({ real, fake }) => [real, fake]).find((index) => !examples[index]);
  if (stray !== undefined) {
    throw new Error(`Expected pairs of the ${examples.length} examples but found one of ${stray}.`);
  }
  const used = pairs.filter(({ real, fake }) => real !== fake);
  const places = new Map<string, number>();
  const requests: RankingExample[] = [];
  /** Where the score of a response will stand; asks for it if nobody has. */
  const request = (prompt: number | null, { response }: RankingExample): number => {
    // Equal responses share one score: two batches may round differently, and a tie would be a toss.
    const name = `${prompt} ${response.join()}`;
    if (!places.has(name)) {
      places.set(name, requests.length);
      requests.push({ prompt: prompt === null ? emptyPrompt : examples[prompt]!.prompt, response });
    }
    return places.get(name)!;
  };
  const wanted = used.map(({ real, fake }) => {
    const [right, wrong] = [examples[real]!, examples[fake]!];
    return [request(real, right), request(real, wrong), request(null, right), request(null, wrong)];
  });
  const scores = await score(requests);
  return used.map((pair, i) => {
    const [real, fake, realAlone, fakeAlone] = wanted[i]!.map((place) => scores[place]!) as [
      Scored,
      Scored,
      Scored,
      Scored,
    ];
    const sum = real.sum - fake.sum;
    const pmi = sum - (realAlone.sum - fakeAlone.sum);
    return { ...pair, margins: { mean: real.mean - fake.mean, sum, pmi }, scores: { real, fake } };
  });
}

export interface RankingAccuracy {
  /** Percent of pairs whose right response scores higher; ties and NaN count as failures (paper). */
  readonly strict: number;
  /** The same with half a point for a tie. */
  readonly halfCredit: number;
  readonly pairs: number;
  readonly ties: number;
  /** Pairs without a score: a response cut away whole. */
  readonly unscored: number;
  /** For each example, the share of its pairs ranked right, 0…1; NaN where it has no pair. */
  readonly byExample: readonly number[];
}

/**
 * The share of pairs ranked right, over all pairs and for each example.
 *
 * @param examples how many there are; default: up to the last that has a pair
 * @throws if there is no pair.
 * @example rankingAccuracy(ranked, "mean").strict
 */
export function rankingAccuracy<S extends Scoring>(
  ranked: readonly { readonly real: number; readonly margins: Readonly<Record<S, number>> }[],
  scoring: S,
  examples: number = 1 + ranked.reduce((most, { real }) => Math.max(most, real), -1),
): RankingAccuracy {
  const pairs = ranked.length;
  if (pairs === 0) throw new Error("Expected at least one pair to rank but found 0 pairs");
  const right = new Array<number>(examples).fill(0), counts = new Array<number>(examples).fill(0);
  for (const { real, margins } of ranked) {
    right[real]! += margins[scoring] > 0 ? 1 : 0;
    counts[real]! += 1;
  }
  const won = sum(right);
  const ties = ranked.filter(({ margins }) => margins[scoring] === 0).length;
  return {
    strict: 100 * won / pairs,
    halfCredit: 100 * (won + ties / 2) / pairs,
    pairs,
    ties,
    unscored: ranked.filter(({ margins }) => Number.isNaN(margins[scoring])).length,
    byExample: right.map((count, i) => counts[i] === 0 ? NaN : count / counts[i]!),
  };
}
