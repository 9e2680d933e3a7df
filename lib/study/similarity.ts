/**
 * Does a single-task model answer in the task's style where the instruction looks like the task
 * (§5.2, Fig. 5)? The authors' measure, exactly: means of cosines, no thresholds, no regression.
 * Beside it the rank correlation that the paper leaves out.
 */
import { hashOf } from "@implicit/memo";
import { quantileSorted, sampleRankCorrelation } from "simple-statistics";
import { uniformInt } from "pure-rand/distribution/uniformInt";
import { xoroshiro128plus } from "pure-rand/generator/xoroshiro128plus";
import type { Example } from "../text/example.ts";
import { arms } from "./arm.ts";
import type { Embedding } from "./embedding.ts";
import { originOf, type ResultRow } from "./results.ts";
import type { Study } from "./study.ts";

/** One instruction: how much it looks like the task, and how much its answer does. */
export interface SimilarityPoint {
  readonly instruction: string;
  readonly family: string;
  readonly response: string;
  /** Mean cosine of the instruction with the task's instructions. */
  readonly x: number;
  /** Mean cosine of the answer with the task's responses, less that with general responses. */
  readonly y: number;
}

export interface Similarity {
  readonly points: readonly SimilarityPoint[];
  /** Spearman's rank correlation of x and y, with a 95 % bootstrap interval by instruction. */
  readonly spearman: number;
  readonly low: number;
  readonly high: number;
}

/**
 * Measures the answers of the model tuned on one task, under the scale's sentence embedding: in
 * the miniature the base's own mean final states, at the real scales the paper's.
 *
 * The figure's text takes the instructions of the general tuning set, the authors' code those that
 * are answered, the evaluation's; so does this.
 *
 * @param options.embedding another one, as a function; results are kept where it says its hash
 * @example
 * ```ts
 * const { points, spearman } = await similarity(study, "poems", 1);
 * ```
 */
export async function similarity(
  study: Study,
  task: string,
  seed: number,
  { embedding: own }: { embedding?: Embedding } = {},
): Promise<Similarity> {
  const run = await study.run(arms.singleTask(task), seed);
  const measure = async (embedding: Embedding) => {
    const tuned = await study.scale.examples({ data: "single-task", task }, seed);
    const general = await study.scale.examples({ data: "instructions" }, seed);
    const groups = [
      tuned.map((example) => contentOf(example, "user")),
      tuned.map((example) => contentOf(example, "assistant")),
      general.map((example) => contentOf(example, "assistant")),
      study.prompts.map(({ instruction }) => instruction),
      run.answers.map(({ response }) => response),
    ];
    // In one call, for a model of its own may have to be loaded.
    const vectors = await embedding(groups.flat());
    let end = 0;
    const next = (size: number) => vectors.slice(end, end += size);
    const [questions, answers, others, asked, given] = groups.map(({ length }) => next(length));
    // The mean of cosines of vectors of length one is the dot product with their mean.
    const question = meanOf(questions!), answer = meanOf(answers!), other = meanOf(others!);
    return study.prompts.map((_, i) => ({
      x: dot(asked![i]!, question),
      y: dot(given![i]!, answer) - dot(given![i]!, other),
    }));
  };
  const key = {
    measure: "similarity",
    scale: study.scale.name,
    base: study.base.model.hash,
    answers: hashOf(run.answers),
    task,
    seed,
    ...(own?.hash === undefined ? {} : { embedding: own.hash }),
    code: await study.code(),
  };
  const value = own && own.hash === undefined ? await measure(own) : await study.cache.of(
    "similarity",
    key,
    () => measure(own ?? study.scale.embedding(study.base)),
  );
  const points = study.prompts.map(({ instruction, family }, i) => (
    { instruction, family, response: run.answers[i]!.response, ...value[i]! }
  ));
  return { points, ...spearmanInterval(points) };
}

function contentOf({ messages }: Example, role: "user" | "assistant"): string {
  return messages.find((message) => message.role === role)?.content ?? "";
}

function meanOf(vectors: readonly Float32Array[]): Float64Array {
  const mean = new Float64Array(vectors[0]?.length ?? 0);
  for (const vector of vectors) vector.forEach((x, i) => mean[i]! += x / vectors.length);
  return mean;
}

function dot(a: Float32Array, b: Float64Array): number {
  return a.reduce((sum, x, i) => sum + x * b[i]!, 0);
}

/**
 * The correlations of several tasks as rows, from −1 to 1; the paper has none, only the picture.
 *
 * @example
 * ```ts
 * await record(study, await similarityRows(study, { sums: await similarity(study, "sums", 1) }));
 * ```
 */
export async function similarityRows(
  study: Study,
  found: Readonly<Record<string, Similarity>>,
): Promise<ResultRow[]> {
  const origin = await originOf(study);
  return Object.entries(found).map(([task, { points, spearman: value, low, high }]) => ({
    section: "5.2",
    arm: arms.singleTask(task).name,
    seed: null,
    metric: "similarity",
    value,
    low,
    high,
    sd: null,
    n: points.length,
    paper: null,
    seconds: 0,
    ...origin,
  }));
}

/** Spearman's correlation and its percentile bootstrap interval, points drawn with replacement. */
export function spearmanInterval(
  points: readonly { readonly x: number; readonly y: number }[],
  { seed = 1, resamples = 1000 } = {},
): { spearman: number; low: number; high: number } {
  const correlation = (list: typeof points) =>
    sampleRankCorrelation(list.map(({ x }) => x), list.map(({ y }) => y));
  const random = xoroshiro128plus(seed);
  const drawn = Array.from(
    { length: resamples },
    () => correlation(points.map(() => points[uniformInt(random, 0, points.length - 1)]!)),
  )
    .filter((value) => !Number.isNaN(value)).sort((a, b) => a - b);
  // Where all answers are one, there is no correlation.
  const bound = (share: number) => drawn.length === 0 ? NaN : quantileSorted(drawn, share);
  return { spearman: correlation(points), low: bound(0.025), high: bound(0.975) };
}
