/**
 * Sentence embeddings for the similarity of §5.2: the paper's own, through transformers.js, and the
 * mean final states of any model. Knows nothing of what is compared.
 */
import { embed, type Model, type Tokenizer } from "@implicit/decoder";
import { createEngine } from "@implicit/engine";
import { embedTexts } from "@implicit/hub";
import { showDownload } from "./data.ts";

/** Texts as vectors of length one: a dot product of two is their cosine. */
export type Embedding = (texts: readonly string[]) => Promise<Float32Array[]>;

/** The authors' embedding reads this many tokens of a text, and so do all. */
const LONGEST = 512;

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
  return async (texts) => {
    const engine = await createEngine({ threads: 1 });
    return embed(engine, model, texts.map((text) => tokenizer.encode(text).slice(0, longest)));
  };
}

/**
 * The authors' embedding: nomic-embed-text-v1 without a task prefix. Fetches it, and transformers.js,
 * the first time (550 and 490 MB).
 */
export const paperEmbedding: Embedding = (texts) => {
  const name = "nomic-ai/nomic-embed-text-v1";
  return showDownload(
    name,
    (onProgress) => embedTexts(name, texts, { maxTokens: LONGEST, install: true, onProgress }),
  );
};
