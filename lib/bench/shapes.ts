/** The shapes of decoders that are measured or reckoned with, as config.json has them. */
import { initParameters, type Model, parseConfig } from "@implicit/decoder";

const smolLM2 = {
  model_type: "llama",
  vocab_size: 49152,
  hidden_size: 576,
  intermediate_size: 1536,
  num_hidden_layers: 30,
  num_attention_heads: 9,
  num_key_value_heads: 3,
  max_position_embeddings: 8192,
  rms_norm_eps: 1e-5,
  rope_theta: 100000,
  tie_word_embeddings: true,
  bos_token_id: 0,
  eos_token_id: 0,
};

/** By name; all are Llamas. `T` is the small one of `deno task bench`, `world` the miniature's base. */
export const shapes = {
  "SmolLM2-135M": smolLM2,
  "Llama-2-7B": {
    ...smolLM2,
    vocab_size: 32000,
    hidden_size: 4096,
    intermediate_size: 11008,
    num_hidden_layers: 32,
    num_attention_heads: 32,
    num_key_value_heads: 32,
    max_position_embeddings: 4096,
    tie_word_embeddings: false,
  },
  T: {
    ...smolLM2,
    vocab_size: 2048,
    hidden_size: 256,
    intermediate_size: 688,
    num_hidden_layers: 4,
    num_attention_heads: 4,
    num_key_value_heads: 4,
    max_position_embeddings: 2048,
  },
  world: {
    ...smolLM2,
    vocab_size: 1536,
    hidden_size: 128,
    intermediate_size: 352,
    num_hidden_layers: 4,
    num_attention_heads: 4,
    num_key_value_heads: 4,
    max_position_embeddings: 2048,
  },
} as const;

/** A model of a shape with random weights; its hash is left empty. */
export function randomModel(name: string, json: Readonly<Record<string, unknown>>): Model {
  const config = parseConfig(json);
  return { name, config, parameters: initParameters(config, 1), hash: "", folder: null };
}
