/**
 * A seeded source of choices. It knows nothing of the world: everything random in this room is
 * drawn through it, so that one seed fixes every fact, document and task.
 */
import { xoroshiro128plus } from "pure-rand/generator/xoroshiro128plus";
import { uniformInt } from "pure-rand/distribution/uniformInt";
import { uniformFloat64 } from "pure-rand/distribution/uniformFloat64";

/** Draws integers, elements and orders; each draw moves it on. */
export class Random {
  readonly #generator;

  /** @param seed a 32-bit integer; the same seed gives the same draws. */
  constructor(seed: number) {
    this.#generator = xoroshiro128plus(seed);
  }

  /** An integer from 0 to `n` − 1. */
  below(n: number): number {
    return uniformInt(this.#generator, 0, n - 1);
  }

  /** An integer from `low` to `high`, both included. */
  between(low: number, high: number): number {
    return uniformInt(this.#generator, low, high);
  }

  /** True with probability `p`. */
  chance(p: number): boolean {
    return uniformFloat64(this.#generator) < p;
  }

  /** One element, each as likely as the others. */
  pick<T>(from: readonly T[]): T {
    const chosen = from[this.below(from.length)];
    if (chosen === undefined) {
      throw new Error("Expected a list to pick from but found an empty one");
    }
    return chosen;
  }

  /** An index drawn in proportion to `weights`. */
  weighted(weights: readonly number[]): number {
    let left = uniformFloat64(this.#generator) * weights.reduce((sum, w) => sum + w, 0);
    const index = weights.findIndex((w) => (left -= w) < 0);
    return index < 0 ? weights.length - 1 : index;
  }

  /** `n` different elements in random order. */
  sample<T>(from: readonly T[], n: number): T[] {
    const pool = [...from];
    for (let i = 0; i < n; i++) {
      const j = i + this.below(pool.length - i);
      [pool[i], pool[j]] = [pool[j] as T, pool[i] as T];
    }
    return pool.slice(0, n);
  }
}

/** Mixes integers into one seed, so that neighbouring seeds give unrelated draws. */
export function mixSeed(...parts: readonly number[]): number {
  let hash = 0x811c9dc5;
  for (const part of parts) {
    hash = Math.imul(hash ^ part, 0x01000193);
    hash = Math.imul(hash ^ (hash >>> 15), 0x2c1b3c6d);
    hash ^= hash >>> 13;
  }
  return hash | 0;
}
