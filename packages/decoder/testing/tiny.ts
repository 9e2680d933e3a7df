/** Decoders of a few thousand random parameters, the same in every test that names no options. */
import { hashParameters, type Model } from "../model/checkpoint.ts";
import { parseConfig } from "../model/config.ts";
import { initParameters } from "../model/init.ts";

/** The sizes of config.json for a model of width 16 with 2 layers and 48 tokens, of any family. */
export const tinySizes = {
  vocab_size: 48,
  hidden_size: 16,
  intermediate_size: 32,
  num_hidden_layers: 2,
  num_attention_heads: 2,
  max_position_embeddings: 64,
  bos_token_id: 1,
  eos_token_id: 2,
};

/**
 * A Llama of {@link tinySizes}, as training would start with it.
 *
 * @param options of config.json that differ
 * @example const model = tinyModel({ tie_word_embeddings: false });
 */
export function tinyModel(options: Readonly<Record<string, unknown>> = {}): Model {
  return randomModel({
    model_type: "llama",
    ...tinySizes,
    num_key_value_heads: 1,
    rms_norm_eps: 1e-5,
    rope_theta: 10000,
    tie_word_embeddings: true,
    ...options,
  });
}

/** A model of any config.json, as training would start with it, always from the same seed. */
export function randomModel(json: Readonly<Record<string, unknown>>): Model {
  const config = parseConfig(json);
  const parameters = initParameters(config, 1);
  return { name: "tiny", config, parameters, hash: hashParameters(parameters), folder: null };
}

/** The model with weights unlike those it starts with: biases not 0, norms not 1, scores far apart. */
export function spread(model: Model): Model {
  const parameters = new Map(
    [...model.parameters].map(([name, { shape, data }]) => {
      const far = data.map((value, i) => 2 * value + 0.1 * Math.sin(i));
      return [name, { shape, data: far }];
    }),
  );
  return { ...model, parameters, hash: hashParameters(parameters) };
}
