/**
 * Reads the options of a config.json one by one and by type, and knows of those that say nothing
 * about what a model computes. Whoever reads an option says what may stand there; what nobody has
 * read is refused, unless it is known to be harmless.
 *
 * It knows nothing of families, nor of what an option does.
 *
 * @module
 */

/** The contents of a config.json. */
export type ConfigJson = Readonly<Record<string, unknown>>;

/** The options of one config.json; reading one marks it as understood. */
export interface Options {
  /** The value; the default where the option is left out. An explicit null stays null. */
  value(name: string): unknown;
  /** A whole number from 1 to `most`; `fallback` where it is null or has no default. */
  size(name: string, most: number, fallback?: number): number;
  /** A finite number above 0 that float32 can hold. */
  positive(name: string, fallback?: number): number;
  /** True or false; null is false, as in Python. */
  flag(name: string): boolean;
  /** Ids of tokens below `vocabulary`: one, several or none. −1 is an older spelling of none. */
  tokenIds(name: string, vocabulary: number): number[];
  /** @throws where a harmful or unknown option has not been read. */
  refuseRest(): void;
}

/**
 * Makes the reader of one config.json.
 *
 * @param defaults what Hugging Face assumes where an option is left out
 * @example
 * const options = readOptions({ hidden_size: 64 }, { rms_norm_eps: 1e-6 });
 * options.size("hidden_size", 1024); // 64
 * options.refuseRest();
 */
export function readOptions(json: ConfigJson, defaults: ConfigJson): Options {
  const used = new Set<string>();
  const value = (name: string): unknown => {
    used.add(name);
    const found = Object.hasOwn(json, name) ? json[name] : undefined;
    return found === undefined ? defaults[name] ?? null : found;
  };
  return {
    value,
    size(name, most, fallback) {
      const found = value(name) ?? fallback ?? null;
      if (!Number.isSafeInteger(found) || (found as number) < 1 || (found as number) > most) {
        throw wrong(name, `a whole number from 1 to ${most}`, found);
      }
      return found as number;
    },
    positive: (name, fallback) => positive(name, value(name) ?? fallback ?? null),
    flag(name) {
      const found = value(name) ?? false;
      if (typeof found !== "boolean") throw wrong(name, "true or false", found);
      return found;
    },
    tokenIds(name, vocabulary) {
      const found = value(name);
      const ids = found === null ? [] : Array.isArray(found) ? found : [found];
      const isDefault = json[name] === undefined; // of another vocabulary, perhaps
      const isId = (id: unknown) =>
        Number.isSafeInteger(id) && (id as number) >= -1 && (id as number) < vocabulary;
      if (!isDefault && !ids.every(isId)) {
        throw wrong(name, `token ids below the vocab_size of ${vocabulary}`, found);
      }
      return ids.filter((id) => id >= 0 && id < vocabulary);
    },
    refuseRest() {
      for (const [name, found] of Object.entries(json)) {
        if (!used.has(name) && !isHarmless(name, found)) throw unknown(name, found);
      }
    },
  };
}

/** `found`, if it is a finite number above 0 that float32 can hold. */
export function positive(name: string, found: unknown): number {
  const isPositive = typeof found === "number" && Math.fround(found) > 0 &&
    Number.isFinite(Math.fround(found));
  if (!isPositive) throw wrong(name, "a positive number", found);
  return found;
}

/** Bookkeeping: options that say nothing about what the model computes. */
const bookkeeping = new Set(
  `architectures transformers_version torch_dtype dtype use_cache initializer_range
  classifier_dropout is_llama_config output_hidden_states output_attentions return_dict
  use_return_dict id2label label2id num_labels problem_type finetuning_task tokenizer_class
  task_specific_params auto_map custom_pipelines attn_implementation unsloth_version unsloth_fixed
  gradient_checkpointing pretraining_tp transformers.js_config keys_to_ignore_at_inference
  internal_version model_name model_version version license license_name license_link language tags
  library_name pipeline_tag base_model author description chunk_size_feed_forward pruned_heads
  is_decoder torchscript tf_legacy_loss use_bfloat16 tie_encoder_decoder sep_token_id
  decoder_start_token_id prefix use_flash_attn use_flash_attention use_flash_attention_2
  flash_attention`.split(/\s+/),
);

/** Settings of generation, which older configs hold: here the caller of a decoder gives them. */
const generation = new Set(
  `max_length min_length max_new_tokens min_new_tokens do_sample early_stopping num_beams
  num_beam_groups diversity_penalty temperature top_k top_p min_p typical_p epsilon_cutoff
  eta_cutoff penalty_alpha repetition_penalty encoder_repetition_penalty length_penalty
  no_repeat_ngram_size encoder_no_repeat_ngram_size bad_words_ids force_words_ids
  num_return_sequences output_scores output_logits return_dict_in_generate forced_bos_token_id
  forced_eos_token_id remove_invalid_values exponential_decay_length_penalty suppress_tokens
  begin_suppress_tokens renormalize_logits`.split(/\s+/),
);

/** What an option would do that is implemented at one value only (false, null or 0). */
const offOnly: Readonly<Record<string, string>> = {
  rope_interleaved: "rotary embedding of interleaved pairs",
  quantization_config: "reading quantized weights",
};

/** Whether an option that nobody has read changes nothing: bookkeeping, off, empty, zero dropout. */
function isHarmless(name: string, found: unknown): boolean {
  if (name.startsWith("_") || bookkeeping.has(name) || generation.has(name)) return true;
  if (found === null || found === false) return true;
  if (typeof found === "object" && Object.keys(found).length === 0) return true;
  return isDropout(name) && found === 0;
}

/** Dropout and its kin: `attn_pdrop`, `hidden_dropout_prob`, `drop_path_rate`, `layerdrop`. */
const isDropout = (name: string) => name.includes("drop");

function unknown(name: string, found: unknown): Error {
  const what = Object.hasOwn(offOnly, name) ? offOnly[name] : isDropout(name) ? "dropout" : null;
  const value = JSON.stringify(found);
  return new Error(
    what
      ? `Expected no ${name} in config.json, but found ${value}: ${what} is not implemented. ` +
        `To do without, ${overriding(name, null)}.`
      : `Expected no option "${name}" in config.json, but found ${value}: it is not implemented. ` +
        `If it changes nothing in what the model computes, ${overriding(name, null)}.`,
  );
}

/** How to load a checkpoint with another value than its config.json has. */
export function overriding(name: string, value: unknown): string {
  return `load the model with { override: ${JSON.stringify({ [name]: value })} }`;
}

/** How to mend most faults: a checkpoint's weights go with its config as it came. */
const CHOOSE = "Mend the file if it was edited, or choose another checkpoint.";

export function among(names: readonly string[]): string {
  return `one of ${names.join(", ")}`;
}

export function wrong(name: string, expected: string, found: unknown, mend = CHOOSE): Error {
  const shown = typeof found === "number" ? String(found) : JSON.stringify(found); // Infinity
  return new Error(`Expected ${expected} for ${name} in config.json, but found ${shown}. ${mend}`);
}
