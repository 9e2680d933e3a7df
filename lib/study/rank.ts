/**
 * Response ranking (paper §4.2, Eq. 3, Table 2): is a model's probability of the right response to
 * an instruction higher than that of a response to another instruction? It asks a `score` function
 * for log-probabilities, a local decoder's or an endpoint's, and knows nothing of the model.
 */
import type { Decoder, Scored } from "@implicit/decoder";
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

/** A pair's margins, log p(real) − log p(fake), one for each scoring. */
export interface RankedPair extends RankingPair {
  readonly margins: Readonly<Partial<Record<Scoring, number>>>;
  /** Log-probabilities of the right response and of the wrong one. */
  readonly scores: { readonly real: Scored; readonly fake: Scored };
}

/**
 * Scores every pair. Each response is scored once for each instruction it is paired with; pairs of
 * an example with itself are left out.
 *
 * @param emptyPrompt the chat template around an empty instruction; without it there is no `pmi`
 * @example
 * const pairs = randomNegatives(examples.length);
 * const ranked = await rankResponses((x) => decoder.score(x), examples, pairs, emptyPrompt);
 * rankingAccuracy(ranked, "mean").strict // 80.4 in Table 2
 */
export async function rankResponses(
  score: Score,
  examples: readonly RankingExample[],
  pairs: readonly RankingPair[],
  emptyPrompt?: readonly number[],
): Promise<RankedPair[]> {
  const used = pairs.filter(({ real, fake }) => real !== fake);
  // Equal responses share one score: two batches may round differently, and a tie would be a toss.
  const first = new Map<string, number>();
  examples.forEach(({ response }, i) => {
    const text = response.join();
    if (!first.has(text)) first.set(text, i);
  });
  const place = new Map<string, number>();
  const requests: { prompt: readonly number[]; response: readonly number[] }[] = [];
  /** Where the score of a response will stand; asks for it if nobody has. */
  const request = (prompt: number | null, response: number): number => {
    const ids = exampleAt(examples, response).response;
    const name = `${prompt} ${first.get(ids.join())}`;
    if (!place.has(name)) {
      place.set(name, requests.length);
      const asked = prompt === null ? emptyPrompt! : exampleAt(examples, prompt).prompt;
      requests.push({ prompt: asked, response: ids });
    }
    return place.get(name)!;
  };
  const places = used.map(({ real, fake }) => ({
    real: request(real, real),
    fake: request(real, fake),
    realAlone: emptyPrompt ? request(null, real) : -1,
    fakeAlone: emptyPrompt ? request(null, fake) : -1,
  }));
  const scores = await score(requests);
  if (scores.length !== requests.length) {
    throw new Error(`Expected ${requests.length} scores but found ${scores.length}`);
  }
  const at = (index: number) => scores[index]!;
  return used.map((pair, i) => {
    const { real, fake, realAlone, fakeAlone } = places[i]!;
    const sum = at(real).sum - at(fake).sum;
    const margins = { mean: at(real).mean - at(fake).mean, sum };
    const scores = { real: at(real), fake: at(fake) };
    if (!emptyPrompt) return { ...pair, margins, scores };
    return {
      ...pair,
      scores,
      margins: { ...margins, pmi: sum - (at(realAlone).sum - at(fakeAlone).sum) },
    };
  });
}

function exampleAt(examples: readonly RankingExample[], index: number): RankingExample {
  const example = examples[index];
  if (!example) {
    throw new Error(
      `Expected pairs of the ${examples.length} examples but found one of number ${index}`,
    );
  }
  return example;
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
 * @throws if there is no pair, or one was not scored that way
 * @example rankingAccuracy(await rankResponses(score, examples, pairs), "mean").strict
 */
export function rankingAccuracy(
  ranked: readonly Pick<RankedPair, "real" | "margins">[],
  scoring: Scoring,
  examples: number = 1 + ranked.reduce((most, { real }) => Math.max(most, real), -1),
): RankingAccuracy {
  const right = new Array<number>(examples).fill(0), counts = new Array<number>(examples).fill(0);
  let ties = 0, unscored = 0;
  for (const { real, margins } of ranked) {
    const margin = margins[scoring];
    if (margin === undefined) {
      throw new Error(
        `Expected pairs scored by "${scoring}" but found one without: pass emptyPrompt to rankResponses`,
      );
    }
    right[real]! += margin > 0 ? 1 : 0;
    counts[real]! += 1;
    if (margin === 0) ties++;
    if (Number.isNaN(margin)) unscored++;
  }
  const pairs = ranked.length;
  if (pairs === 0) throw new Error("Expected at least one pair to rank but found 0 pairs");
  const won = right.reduce((sum, count) => sum + count, 0);
  return {
    strict: 100 * won / pairs,
    halfCredit: 100 * (won + ties / 2) / pairs,
    pairs,
    ties,
    unscored,
    byExample: right.map((count, i) => counts[i] === 0 ? NaN : count / counts[i]!),
  };
}
