/**
 * How far one model's next tokens are from another's along given responses, and how much of that a
 * static bias explains: one number a token, added to the other's logits at every place (paper §6).
 * Knows token ids and distributions; does not know how models were adapted.
 */
import type { Decoder, LogitsProcessor } from "@implicit/decoder";

/** Log-probabilities [V] of the next token at each place of a response, for each response. */
export type Distributions = readonly (readonly Float32Array[])[];

/** First places of the stretches of a response over which divergences are averaged. */
export const stretches = [0, 1, 2, 4, 8, 16] as const;

/** Natural log-probabilities of logits. */
function logSoftmax(logits: Float32Array): Float32Array {
  const most = logits.reduce((a, b) => Math.max(a, b));
  const total = logits.reduce((sum, logit) => sum + Math.exp(logit - most), 0);
  return logits.map((logit) => logit - most - Math.log(total));
}

/**
 * What a model expects at each place of given responses, with the decoder's own processors.
 *
 * @example const [first] = await distributionsAlong(decoder, [{ prompt, response }]);
 */
export async function distributionsAlong(
  decoder: Decoder,
  pairs: readonly { readonly prompt: readonly number[]; readonly response: readonly number[] }[],
): Promise<Distributions> {
  const found = pairs.map((): Float32Array[] => []);
  const read: LogitsProcessor = (logits, { row, ids, promptLength }) => {
    found[row]![ids.length - promptLength] = logSoftmax(logits);
  };
  await decoder.score(pairs, { processors: [read] });
  return found;
}

/** KL(p ‖ q) in nats, of log-probabilities. */
export function divergence(p: Float32Array, q: Float32Array): number {
  let sum = 0;
  for (let id = 0; id < p.length; id++) sum += Math.exp(p[id]!) * (p[id]! - q[id]!);
  return sum;
}

/** KL(p ‖ q) at each place of each response. */
export function divergences(p: Distributions, q: Distributions): number[][] {
  return p.map((places, row) => places.map((at, place) => divergence(at, q[row]![place]!)));
}

/** The part of {@link divergences} that lies in whether the response ends there, by the id of its end. */
export function endDivergences(p: Distributions, q: Distributions, end: number): number[][] {
  const part = (a: number, b: number) => a === 0 ? 0 : a * Math.log(a / Math.max(b, 1e-12));
  return p.map((places, row) =>
    places.map((at, place) => {
      const [a, b] = [Math.exp(at[end]!), Math.exp(q[row]![place]![end]!)];
      return part(a, b) + part(Math.max(1 - a, 0), 1 - b);
    })
  );
}

/** Means over all places of a stretch, by the stretch's first place; none where no response has one. */
export function byStretch(values: readonly (readonly number[])[]): Record<number, number> {
  const means: Record<number, number> = {};
  stretches.forEach((from, k) => {
    const all = values.flatMap((row) => row.slice(from, stretches[k + 1]));
    if (all.length > 0) means[from] = all.reduce((a, b) => a + b, 0) / all.length;
  });
  return means;
}

/** Rounds of {@link fitBias}; and so many tokens of each kind are taken as seen under both models. */
const ROUNDS = 60, PRIOR = 0.5;

/**
 * The bias [V] under which `q` is nearest to `p`, Σ KL(p ‖ q · bias): a convex problem, solved by
 * matching how often each token is expected under both (iterative scaling, Darroch & Ratcliff 1972).
 */
export function fitBias(p: Distributions, q: Distributions): Float32Array {
  const rows = q.flat();
  const vocabulary = rows[0]!.length;
  const wanted = new Float64Array(vocabulary).fill(PRIOR);
  for (const row of p.flat()) row.forEach((logp, id) => (wanted[id]! += Math.exp(logp)));
  const chances = rows.map((row) => row.map(Math.exp));
  const factors = new Float64Array(vocabulary).fill(1);
  for (let round = 0; round < ROUNDS; round++) {
    const found = new Float64Array(vocabulary).fill(PRIOR);
    for (const row of chances) {
      let total = 0;
      for (let id = 0; id < vocabulary; id++) total += row[id]! * factors[id]!;
      for (let id = 0; id < vocabulary; id++) found[id]! += row[id]! * factors[id]! / total;
    }
    for (let id = 0; id < vocabulary; id++) factors[id]! *= wanted[id]! / found[id]!;
  }
  return Float32Array.from(factors, Math.log);
}

/** Distributions with a bias added to their logits. */
export function biased(q: Distributions, bias: Float32Array): Distributions {
  return q.map((places) => places.map((at) => logSoftmax(at.map((logp, id) => logp + bias[id]!))));
}
