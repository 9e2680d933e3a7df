/**
 * Generation under rules, step by step: what the base alone would have made of each token, and what
 * each rule added to it.
 *
 * Knows the adapter's parts; does not know how a trace is shown.
 */
import { argmax, type Decoder, type GenerateOptions, logprob } from "@implicit/decoder";
import type { RuleAdapter } from "./rules.ts";

/** One chosen token. Log-probabilities are natural. */
export interface TraceStep {
  readonly id: number;
  /** Under the base alone. */
  readonly baseLogprob: number;
  /** Under base and rules together. */
  readonly logprob: number;
  /** What the base alone would have chosen here. */
  readonly baseId: number;
  /** What each rule added to the token's logit, by its name. */
  readonly pushes: Readonly<Record<string, number>>;
}

/**
 * Generates greedily from `prompt` under `adapter` and tells the story of each token. The last step
 * is EOS, if that ended the response.
 *
 * @example
 * const steps = await traceRules(decoder, prompt, adapter, { maxTokens: 40 });
 */
export async function traceRules(
  decoder: Decoder,
  prompt: readonly number[],
  adapter: RuleAdapter,
  options: Pick<GenerateOptions, "maxTokens" | "eosId" | "signal"> = {},
): Promise<TraceStep[]> {
  const steps: TraceStep[] = [];
  await decoder.generate([prompt], {
    ...options,
    processors: [(logits, context) => {
      const base = logits.slice();
      adapter.processor(logits, context);
      const id = argmax(logits);
      const pushes: Record<string, number> = {};
      for (const [rule, part] of adapter.parts) {
        pushes[rule] = 0;
        part(context, (other, weight) => {
          if (other === id) pushes[rule]! += weight;
        });
      }
      steps.push({
        id,
        baseLogprob: logprob(base, id),
        logprob: logprob(logits, id),
        baseId: argmax(base),
        pushes,
      });
    }],
  });
  return steps;
}
