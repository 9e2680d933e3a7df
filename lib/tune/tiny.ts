/** A decoder of a few thousand parameters and examples for it, for tests. */
import { hashParameters, initParameters, type Model, parseConfig } from "@implicit/decoder";
import type { EncodedExample } from "../text/example.ts";

/** A Llama of width 16 with 2 layers and 48 tokens, from a fixed seed. */
export function tinyModel(): Model {
  const config = parseConfig({
    model_type: "llama",
    vocab_size: 48,
    hidden_size: 16,
    intermediate_size: 32,
    num_hidden_layers: 2,
    num_attention_heads: 2,
    num_key_value_heads: 1,
    max_position_embeddings: 64,
    rms_norm_eps: 1e-5,
    rope_theta: 10000,
    tie_word_embeddings: true,
    bos_token_id: 1,
    eos_token_id: 2,
  });
  const parameters = initParameters(config, 1);
  return { name: "tiny", config, parameters, hash: hashParameters(parameters), folder: null };
}

/** Twenty examples of 6 to 25 tokens; the first third of each is no target. */
export function tinyExamples(): EncodedExample[] {
  return Array.from({ length: 20 }, (_, example) => {
    const ids = Array.from({ length: 6 + example }, (_, i) => 3 + ((example * 7 + i * i) % 45));
    return { ids, labels: ids.map((id, i) => (i < ids.length / 3 ? -100 : id)) };
  });
}
