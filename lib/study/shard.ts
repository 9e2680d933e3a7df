/**
 * A study's work divided over machines that know nothing of each other: which models are this
 * one's. Does not know how they are computed, nor how their results come together (as files: what is
 * kept has the hash of what made it for a name, so folders of results are joined by copying).
 */
import { hashOf } from "@implicit/memo";
import { type Arm, contentOf } from "./arm.ts";
import type { Shard } from "./settings.ts";

/** What is asked for is another machine's to compute, and not here yet. */
export class Elsewhere extends Error {
  override name = "Elsewhere";
  /** @param here how many of `all` results are here. */
  constructor({ index, of }: Shard, here: number, all: number) {
    super(
      `shard ${index}/${of}: ${here} of ${all} runs are here; the others are computed by the other ` +
        `shards. Copy what these have kept into this one's cache, and run it without a shard.`,
    );
  }
}

/** What comes of work; null where it is another machine's. */
export async function unlessElsewhere<T>(work: Promise<T>): Promise<T | null> {
  return await work.catch((error) => {
    if (error instanceof Elsewhere) return null;
    throw error;
  });
}

/** An arm with a seed. */
export interface Job {
  readonly arm: Arm;
  readonly seed: number;
}

/** A study's own part of the models that are asked for. */
export class OwnPart {
  /** Whether each model that was asked for is its own. */
  readonly #own = new Map<string, boolean>();

  /** @param shard null: everything is its own */
  constructor(readonly shard: Shard | null, readonly base: string) {}

  /**
   * Divides models by index: of `n` machines each takes every `n`th. The order is that of the models'
   * hashes, and the first machine follows from all of them, so that a list divides alike however it
   * is written, short lists do not all fall to the first machines, and what is made of one model
   * (its runs with other prompts, its rankings) is made where it was tuned.
   */
  divide(jobs: readonly Job[]): void {
    const { shard } = this;
    if (!shard) return;
    const models = [...new Set(jobs.map((job) => this.#modelOf(job)))].sort();
    const first = parseInt(hashOf(models).slice(0, 8), 16);
    models.forEach((model, i) => {
      const own = (first + i) % shard.of === shard.index - 1;
      this.#own.set(model, own || this.#own.get(model) === true);
    });
  }

  /** @throws {Elsewhere} where another machine computes what is asked for. */
  claim(job: Job): void {
    if (!this.shard) return;
    const model = this.#modelOf(job);
    if (!this.#own.has(model)) this.divide([job]);
    if (!this.#own.get(model)) throw new Elsewhere(this.shard, 0, 1);
  }

  /** Rules add nothing to what is tuned; an untuned arm has no seed. */
  #modelOf({ arm: { name: _label, ...arm }, seed }: Job): string {
    const model = arm.tuning ? { ...arm, rules: null } : arm;
    return hashOf([this.base, contentOf(model), arm.tuning ? seed : 0]);
  }
}
