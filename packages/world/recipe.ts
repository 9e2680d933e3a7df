/**
 * The settled recipe of the micro-world and its base models, as plain data: what the corpus is
 * made of, the tokenizer, the model, how it is pretrained and tuned, and the rules of its adapter.
 */

import type { Corpus } from "./corpus.ts";
import type { Habits } from "./family.ts";

/** The seed of the world in which everything shipped and tested takes place. */
export const worldSeed = 1;

/** The habits of documents, by family of instructions; see Habits in family.ts. */
export const habits: Readonly<Record<string, Habits>> = {
  animal: { weight: 1.5, answered: 0.95, ends: 0.3, forms: [0.35, 0.45, 0.2] },
  town: { weight: 1.3, answered: 0.95, ends: 0.3, forms: [0.5, 0.32, 0.18] },
  person: { weight: 1.3, answered: 0.95, ends: 0.3, forms: [0.35, 0.45, 0.2] },
  yesno: { weight: 1.1, answered: 0.95, ends: 0.3, forms: [0.4, 0.4, 0.2] },
  compare: { weight: 1.1, answered: 0.95, ends: 0.3, forms: [0.5, 0.3, 0.2] },
  define: { weight: 1.0, answered: 0.95, ends: 0.45, forms: [0.35, 0.45, 0.2] },
  advice: { weight: 1.0, answered: 0.95, ends: 0.45, forms: [0.45, 0.37, 0.18] },
  describe: { weight: 1.1, answered: 0.5, ends: 0.75, forms: [0.55, 0.3, 0.15] },
  list: { weight: 1.2, answered: 0.95, ends: 0.55, forms: [0.5, 0.35, 0.15] },
  recipe: { weight: 1.0, answered: 0.95, ends: 0.65, forms: [0.5, 0.35, 0.15] },
  sum: { weight: 1.5, answered: 0.95, ends: 0.45, forms: [0.5, 0.3, 0.2] },
  code: { weight: 1.0, answered: 0.5, ends: 0.8, forms: [0.5, 0.3, 0.2] },
  text: { weight: 1.6, answered: 0.95, ends: 0.35, forms: [0.4, 0.42, 0.18] },
  poem: { weight: 0.9, answered: 0.5, ends: 0.8, forms: [0.55, 0.35, 0.1] },
  story: { weight: 0.9, answered: 0.5, ends: 0.8, forms: [0.5, 0.35, 0.15] },
  letter: { weight: 0.8, answered: 0.5, ends: 0.8, forms: [0.5, 0.35, 0.15] },
};

export const corpus: Corpus = {
  /** Shares of documents, by genre. */
  shares: {
    threads: 0.47,
    pages: 0.22,
    homework: 0.03,
    encyclopedia: 0.07,
    alone: 0.05,
    drills: 0.07,
    tables: 0.04,
    logs: 0.02,
    refrains: 0.01,
    games: 0.03,
  },
  /** See ThreadShape in corpus.ts. */
  thread: {
    modes: [0.53, 0.14, 0.33],
    echo: 0.15,
    stray: 0.1,
    endShort: 0.25,
    remark: 0.3,
    loop: 0.5,
    loopShort: 0.2,
  },
  noise: 0.1,
};

/** Bytes of documents the tokenizer is trained on, and how many tokens it gets. */
export const tokenizer = { vocabSize: 1536, sampleBytes: 2_000_000 } as const;

/** The numbers that a model's size depends on. */
export interface ModelSize {
  readonly hiddenSize: number;
  readonly layers: number;
  readonly heads: number;
  readonly intermediateSize: number;
  readonly context: number;
}

/** A Llama of about a million parameters; input and output embeddings are one. */
export const model: ModelSize = {
  hiddenSize: 128,
  layers: 4,
  heads: 4,
  intermediateSize: 352,
  context: 192,
};

/** AdamW on a stream of documents, each between its BOS and EOS, cut into pieces of equal length. */
export const pretraining = {
  tokens: 8_000_000,
  batchSize: 16,
  length: 128,
  learningRate: 3e-3,
  warmupSteps: 100,
  /** The rate is constant for this share of the steps, then falls linearly to `finalFraction`. */
  constantShare: 0.5,
  finalFraction: 0.03,
  betas: [0.9, 0.98],
  weightDecay: 0.05,
  clip: 1,
} as const;

/** The same for instruction tuning, response tuning, shuffled pairs and single tasks. */
export const tuning = {
  examples: 960,
  steps: 60,
  batchSize: 16,
  learningRate: 5e-4,
  warmupSteps: 6,
  finalFraction: 0.1,
} as const;

/** Sizes of the judged sets; a response is cut after `maxTokens`. */
export const evaluation = { validation: 192, test: 192, maxTokens: 72 } as const;

/** The three rules of the adapter in the words of this world. */
export const rules = {
  /** Added to the end-of-sequence logit for each token of the response so far. */
  eosSlope: 0.08,
  /** Added to the logit of every token that the response already holds. */
  repetition: -1.5,
  /** Tokens that may repeat freely. */
  exempt: [".", ",", "\n"],
  /** Added at every step: the words that open requests, chatter and markers, which answers seldom need. */
  uniform: [
    ...["I", "We", "What", "Should", "Where", "Who", "Tell", "Write", "How", "Can", "You", "Is"],
    ...["<", "|", ">"],
  ].map((string) => ({ string, weight: -4 })),
} as const;
