/**
 * Generation under rules, step by step: what the base alone would have made of each token, and what
 * each rule added to it.
 *
 * Knows the adapter's parts; does not know how a trace is shown.
 */
import { argmax, type Decoder, type GenerateOptions } from "@implicit/decoder";
import type { Rule, RuleAdapter } from "./rules.ts";

/** One chosen token. Log-probabilities are natural. */
export interface TraceStep {
  readonly id: number;
  /** Under the base alone. */
  readonly baseLogprob: number;
  /** Under base and rules together. */
  readonly logprob: number;
  /** What the base alone would have chosen here. */
  readonly baseId: number;
  /** What each rule added to the token's logit. */
  readonly pushes: Readonly<Partial<Record<Rule, number>>>;
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
      const pushes: Partial<Record<Rule, number>> = {};
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

function logprob(logits: Float32Array, id: number): number {
  const most = logits[argmax(logits)]!;
  let sum = 0;
  for (const logit of logits) sum += Math.exp(logit - most);
  return logits[id]! - most - Math.log(sum);
}
