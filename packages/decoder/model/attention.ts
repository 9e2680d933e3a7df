/**
 * Causal attention, in tfjs core ops, with its gradient written out.
 *
 * Queries are taken in blocks, and a block reads no keys after its last position: for long contexts
 * that spares nearly half of the work and of the memory. Nothing here knows of configs, rotary
 * embeddings or caches.
 *
 * @module
 */
import * as tf from "@tensorflow/tfjs-core";
import { withGradient } from "./ops.ts";

/** At most so many blocks, none of them shorter than so many positions. */
const BLOCKS = 4;
const SHORTEST = 128;

/** Queries from … to − 1, which read keys and values 0 … to − 1. */
interface Block {
  readonly from: number;
  readonly to: number;
}

function blocksOf(length: number): Block[] {
  const count = Math.max(1, Math.min(BLOCKS, Math.floor(length / SHORTEST)));
  const edge = (i: number) => Math.round((i * length) / count);
  return Array.from({ length: count }, (_, i) => ({ from: edge(i), to: edge(i + 1) }));
}

/**
 * Attention of H query heads over K key-value heads, softmax(q kᵀ / √E) v, each query seeing its own
 * position and those before it. Query head h reads key-value head ⌊h K / H⌋ (Vaswani et al. 2017;
 * Ainslie et al. 2023).
 *
 * @param q [B, T, H, E]
 * @param k [B, T, K, E]
 * @param v [B, T, K, E]
 * @param before keys and values that every query sees as well, each [P, K, E]
 * @returns [B, T, H, E]
 */
export function causalAttention(
  q: tf.Tensor4D,
  k: tf.Tensor4D,
  v: tf.Tensor4D,
  before?: { readonly keys: tf.Tensor; readonly values: tf.Tensor },
): tf.Tensor4D {
  if (!before) return attention(q, k, v, 0);
  const join = (prefix: tf.Tensor, x: tf.Tensor4D): tf.Tensor4D =>
    tf.concat([tf.add(tf.zeros([x.shape[0], ...prefix.shape]), prefix) as tf.Tensor4D, x], 1);
  return attention(q, join(before.keys, k), join(before.values, v), before.keys.shape[0]!);
}

/** As {@link causalAttention}, with keys and values [B, P + T, K, E] of which all see the first P. */
function attention(
  q: tf.Tensor4D,
  k: tf.Tensor4D,
  v: tf.Tensor4D,
  prefix: number,
): tf.Tensor4D {
  const [batch, length, heads, size] = q.shape;
  const kvHeads = k.shape[2];
  const groups = heads / kvHeads;
  const scale = 1 / Math.sqrt(size);
  const blocks = blocksOf(length);
  const edges = blocks.map(({ to }) => prefix + to);

  // [B, T, H, ·] ↔ [B, K, H/K, T, ·] for queries, [B, P + T, K, E] ↔ [B, K, P + T, E] for keys and values.
  const byHead = (x: tf.Tensor) =>
    tf.transpose(tf.reshape(x, [batch, length, kvHeads, groups, -1]), [0, 2, 3, 1, 4]);
  const byPosition = (x: tf.Tensor) =>
    tf.reshape(tf.transpose(x, [0, 3, 1, 2, 4]), [batch, length, heads, size]);
  const swapped = (x: tf.Tensor) => tf.transpose(x, [0, 2, 1, 3]);
  const fromColumns = (x: tf.Tensor) => tf.transpose(x, [0, 3, 1, 2]); // of [B, K, E, P + T]
  // A block of queries, the heads that share keys stacked as rows: [B, K, H/K · n, ·].
  const rows = (x: tf.Tensor, { from, to }: Block) =>
    tf.reshape(slice(x, 3, from, to), [batch, kvHeads, groups * (to - from), -1]);
  const unstacked = (x: tf.Tensor, { from, to }: Block) =>
    tf.reshape(x, [batch, kvHeads, groups, to - from, -1]);

  const forward = () => {
    const [queries, keys, values] = [byHead(q), swapped(k), swapped(v)];
    const saved: tf.Tensor[] = [];
    const parts = blocks.map((block) => {
      const { from, to } = block;
      const seen = prefix + to;
      const [qb, kb, vb] = [
        rows(queries, block),
        slice(keys, 2, 0, seen),
        slice(values, 2, 0, seen),
      ];
      const scores = unstacked(tf.mul(tf.matMul(qb, kb, false, true), scale), block);
      const masked = tf.add(scores, causalMask(prefix, block));
      const weights = tf.reshape(tf.softmax(masked), [batch, kvHeads, groups * (to - from), seen]);
      saved.push(qb, kb, vb, weights);
      return unstacked(tf.matMul(weights, vb), block);
    });
    const value = byPosition(tf.concat(parts, 3));
    return { value, saved: [...saved, value] };
  };

  return withGradient([q, k, v], forward, (dy, saved) => {
    const dOut = byHead(dy);
    // Σ weights · dWeights over a row, which is Σ out · dy over its head (Dao et al. 2022).
    const means = byHead(tf.sum(tf.mul(saved.at(-1)!, dy), -1, true));
    const grads = blocks.map((block, i) => {
      const [qb, kb, vb, weights] = saved.slice(4 * i);
      const dyb = rows(dOut, block);
      const dWeights = tf.matMul(dyb, vb!, false, true);
      const dScores = tf.mul(weights!, tf.sub(dWeights, rows(means, block)));
      return {
        dq: unstacked(tf.mul(tf.matMul(dScores, kb!), scale), block),
        // [B, K, E, P + to]: it is the smaller factor that the product has to transpose.
        dk: tf.mul(tf.matMul(qb!, dScores, true, false), scale),
        dv: tf.matMul(dyb, weights!, true, false),
      };
    });
    return [
      byPosition(tf.concat(grads.map(({ dq }) => dq), 3)),
      fromColumns(sumOfPrefixes(grads.map(({ dk }) => dk), edges)),
      fromColumns(sumOfPrefixes(grads.map(({ dv }) => dv), edges)),
    ];
  });
}

/** x[…, from : to, …] along an axis; x itself where that is all of it. */
function slice(x: tf.Tensor, axis: number, from: number, to: number): tf.Tensor {
  if (to - from === x.shape[axis]) return x;
  const begin = x.shape.map((_, i) => i === axis ? from : 0);
  const size = x.shape.map((all, i) => i === axis ? to - from : all);
  return tf.slice(x, begin, size);
}

/** Adds up tensors of which the i-th covers the columns 0 … edges[i] − 1 of axis 3. */
function sumOfPrefixes(prefixes: tf.Tensor[], edges: readonly number[]): tf.Tensor {
  if (prefixes.length === 1) return prefixes[0]!;
  const widths = edges.map((edge, i) => edge - (edges[i - 1] ?? 0));
  const parts = prefixes.map((prefix, i) => tf.split(prefix, widths.slice(0, i + 1), 3));
  return tf.concat(
    widths.map((_, at) => parts.slice(at).map((part) => part[at]!).reduce((a, b) => tf.add(a, b))),
    3,
  );
}

const masks = new Map<string, Float32Array>();

/** [n, P + to] for queries from … to − 1: 0 where the column is not after the row, −∞ where it is. */
function causalMask(prefix: number, { from, to }: Block): tf.Tensor2D {
  const key = `${prefix} ${from} ${to}`;
  const width = prefix + to;
  // Kept, so that every layer has the very same array and a compiled program stores it once.
  const mask = masks.get(key) ?? new Float32Array((to - from) * width);
  if (!masks.has(key)) {
    for (let row = from; row < to; row++) {
      mask.fill(-Infinity, (row - from) * width + prefix + row + 1, (row - from + 1) * width);
    }
    masks.set(key, mask);
  }
  return tf.tensor2d(mask, [to - from, width]);
}
