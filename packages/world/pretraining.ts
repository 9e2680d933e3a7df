/**
 * What a base is pretrained on and from: the world's tokenizer, its documents as one stream of
 * tokens, the configuration of the model. It knows nothing of how a model is trained.
 */
import { createTokenizer, type Tokenizer, type TokenizerConfig } from "@implicit/decoder";
import { type TokenizerFiles, trainBpe, wordPattern } from "./bpe.ts";
import type { Corpus } from "./corpus.ts";
import { documents } from "./documents.ts";
import type { World } from "./facts.ts";
import { model, type ModelSize, pretraining, tokenizer as tokens } from "./recipe.ts";

/** The tokenizer's sample is drawn with this seed, so that all bases share one tokenizer. */
const TOKENIZER_SEED = 0;

/** The files of the world's tokenizer, trained anew: the same bits every time. */
export function tokenizerFiles(world: World): TokenizerFiles {
  return trainBpe(sample(world), tokens.vocabSize);
}

/** Makes a tokenizer of files that were never written. */
export function tokenizerOf(files: TokenizerFiles): Tokenizer {
  const config = files["tokenizer_config.json"] as TokenizerConfig;
  return createTokenizer(JSON.stringify(files["tokenizer.json"]), config);
}

/** Documents of about the recipe's number of bytes. */
function* sample(world: World): Generator<string> {
  let bytes = 0;
  for (const document of documents(world, TOKENIZER_SEED)) {
    if (bytes > tokens.sampleBytes) return;
    bytes += document.length;
    yield document;
  }
}

/**
 * The first `length` tokens of the documents drawn with `seed`, each document between BOS and EOS.
 * The few thousand words that documents are made of are encoded once each.
 *
 * @param corpus what the documents are made of; the recipe's own by default
 * @throws where the tokenizer has no BOS
 * @example tokenStream(world, tokenizer, 1, 8_000_000)
 */
export function tokenStream(
  world: World,
  tokenizer: Tokenizer,
  seed: number,
  length: number,
  corpus?: Corpus,
): Uint16Array {
  const { bosId, eosId } = tokenizer;
  if (bosId === null) throw new Error("Expected a tokenizer with a BOS token but found none");
  const known = new Map<string, readonly number[]>();
  const encode = (word: string) => {
    const ids = known.get(word) ?? tokenizer.encode(word, { special: false });
    known.set(word, ids);
    return ids;
  };
  const stream = new Uint16Array(length);
  let filled = 0;
  for (const document of documents(world, seed, corpus)) {
    const ids = [bosId, ...(document.match(wordPattern) ?? []).flatMap(encode), eosId];
    stream.set(ids.slice(0, length - filled), filled);
    filled += ids.length;
    if (filled >= length) break;
  }
  return stream;
}

/** A model's config.json for a tokenizer: a Llama of the recipe's size, or of another. */
export function configOf(tokenizer: Tokenizer, size: ModelSize = model): Record<string, unknown> {
  return {
    architectures: ["LlamaForCausalLM"],
    model_type: "llama",
    vocab_size: tokenizer.vocabSize,
    hidden_size: size.hiddenSize,
    intermediate_size: size.intermediateSize,
    num_hidden_layers: size.layers,
    num_attention_heads: size.heads,
    num_key_value_heads: size.heads,
    max_position_embeddings: size.context,
    rms_norm_eps: 1e-5,
    rope_theta: 10000,
    hidden_act: "silu",
    attention_bias: false,
    mlp_bias: false,
    tie_word_embeddings: true,
    bos_token_id: tokenizer.bosId,
    eos_token_id: tokenizer.eosId,
    pad_token_id: tokenizer.padId,
  };
}

/** How the recipe trains on a stream of so many tokens; `seed` orders it. */
export function trainingOptions(tokens: number, seed: number) {
  const { batchSize, length, learningRate, warmupSteps, finalFraction } = pretraining;
  const steps = Math.floor(tokens / (batchSize * length));
  return {
    steps,
    batchSize,
    length,
    learningRate,
    schedule: "warmup-stable-decay",
    warmup: warmupSteps / steps,
    finalFraction,
    betas: pretraining.betas,
    weightDecay: pretraining.weightDecay,
    clip: pretraining.clip,
    reduction: "token-mean",
    seed,
  } as const;
}
