/**
 * Sentence embeddings for the similarity of §5.2: the mean final states of any model. The paper's own
 * is in small.ts. Knows nothing of what is compared.
 */
import { embed, type Model, type Tokenizer } from "@implicit/decoder";
import { createEngine } from "@implicit/engine";
import { hashOf } from "@implicit/memo";

/** Texts as vectors of length one: a dot product of two is their cosine. */
export interface Embedding {
  (texts: readonly string[]): Promise<Float32Array[]>;
  /** What decides the vectors, where that can be said: then what is made of them can be kept. */
  readonly hash?: string;
}

/** The authors' embedding reads this many tokens of a text, and so do all. */
export const LONGEST = 512;

/**
 * Texts as a model's own mean final states.
 *
 * @example
 * ```ts
 * const { model } = await study.tuned(arms.instructionTuning, 1);
 * const embedding = modelEmbedding(model, study.base.tokenizer);
 * const { spearman } = await similarity(study, "sums", 1, { embedding });
 * ```
 */
export function modelEmbedding(model: Model, tokenizer: Tokenizer): Embedding {
  const longest = Math.min(LONGEST, model.config.contextLength);
  const embedding = async (texts: readonly string[]) => {
    const engine = await createEngine({ threads: 1 });
    return embed(engine, model, texts.map((text) => tokenizer.encode(text).slice(0, longest)));
  };
  return Object.assign(embedding, { hash: hashOf([model.hash, tokenizer.hash, longest]) });
}
