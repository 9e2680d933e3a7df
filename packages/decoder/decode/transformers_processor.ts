/**
 * Our logits processors, the rule adapter's among them, as ones of transformers.js: for any causal
 * language model it runs, batches included. Knows transformers.js's calling convention, not its code.
 */
import type { LogitsProcessor } from "./processor.ts";

/** What transformers.js calls at each step: ids [batch][length] so far, logits [batch, vocabulary]. */
export type TransformersProcessor = <T extends TransformersLogits>(
  inputIds: readonly (readonly (bigint | number)[])[],
  logits: T,
) => T;

/** The part of transformers.js's Tensor that is read and written. */
export interface TransformersLogits {
  readonly dims: readonly number[];
  readonly data: unknown;
}

/**
 * Wraps a processor for one call of transformers.js's `generate`, in its list `logits_processor`.
 *
 * @param options.padId padding on the left of shorter prompts, which the processor does not see
 * @throws at the first step if the logits are not float32.
 * @example
 * const adapter = ruleAdapter(tokenizer, rules.llama2());
 * await model.generate({ ...inputs, logits_processor: [transformersProcessor(adapter.processor)] });
 */
export function transformersProcessor(
  processor: LogitsProcessor,
  options: { padId?: number | null } = {},
): TransformersProcessor {
  let promptLength: number | undefined; // with padding: at the first step there is nothing else
  return (inputIds, logits) => {
    const { data } = logits;
    if (!(data instanceof Float32Array)) {
      throw new Error("Expected logits of float32; load the model with another dtype.");
    }
    const vocabSize = logits.dims.at(-1)!;
    inputIds.forEach((row, i) => {
      const ids = row.map(Number);
      promptLength ??= ids.length;
      let padding = 0;
      while (padding < promptLength - 1 && ids[padding] === options.padId) padding++;
      processor(data.subarray(i * vocabSize, (i + 1) * vocabSize), {
        row: i,
        ids: ids.slice(padding),
        promptLength: promptLength - padding,
      });
    });
    return logits;
  };
}
