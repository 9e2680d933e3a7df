/**
 * Generation under rules, step by step: what the base alone would have made of each token, and what
 * each rule added to it. Knows the adapter's parts; does not know how a trace is shown.
 */
import {
  argmax,
  type Decoder,
  type GenerateOptions,
  logprob,
  type Tokenizer,
} from "@implicit/decoder";
import type { RuleAdapter } from "./rules.ts";

/** One of the tokens that may come next. */
export interface TokenScores {
  readonly id: number;
  /** Its text. */
  readonly token: string;
  /** Its probability, 0…1, under the base alone, and under base and rules together. */
  readonly base: number;
  readonly adapted: number;
  /** What each rule added to its logit, by the rule's name. */
  readonly pushes: Readonly<Record<string, number>>;
}

/** The token that was chosen. */
export interface TokenStory extends TokenScores {
  /** What the base alone would have chosen in its place; null where that is the same token. */
  readonly rival: TokenScores | null;
  /** The likeliest others under base and rules, as many as were asked for. */
  readonly others: readonly TokenScores[];
}

/** How a story is told. */
export interface TraceOptions extends Pick<GenerateOptions, "maxTokens" | "eosId"> {
  /** How many other tokens at each step; default none. */
  readonly others?: number;
  /** Called with each story as it happens. */
  readonly onStory?: (story: TokenStory) => void;
}

/**
 * Generates greedily from `prompt` under `adapter` and tells the story of each token, and of the one
 * that it was chosen over: a rule can act by pushing a rival down. The last one is EOS, if that ended
 * the response.
 *
 * @example
 * const stories = await traceRules(decoder, tokenizer, prompt, adapter, { maxTokens: 40 });
 */
export async function traceRules(
  decoder: Decoder,
  tokenizer: Tokenizer,
  prompt: readonly number[],
  adapter: RuleAdapter,
  { others = 0, onStory, ...options }: TraceOptions,
): Promise<TokenStory[]> {
  const stories: TokenStory[] = [];
  await decoder.generate([prompt], {
    ...options,
    processors: [(logits, context) => {
      const base = logits.slice();
      adapter.processor(logits, context);
      const scoresOf = (id: number): TokenScores => {
        const pushes: Record<string, number> = {};
        for (const [rule, part] of adapter.parts) {
          pushes[rule] = 0;
          part(context, (other, weight) => {
            if (other === id) pushes[rule]! += weight;
          });
        }
        return {
          id,
          token: id === tokenizer.eosId ? "(end)" : tokenizer.decode([id]),
          base: Math.exp(logprob(base, id)),
          adapted: Math.exp(logprob(logits, id)),
          pushes,
        };
      };
      const [chosen, ...next] = likeliest(logits, 1 + others) as [number, ...number[]];
      const alone = argmax(base);
      const rival = alone === chosen ? null : scoresOf(alone);
      const story = { ...scoresOf(chosen), rival, others: next.map(scoresOf) };
      stories.push(story);
      onStory?.(story);
    }],
  });
  return stories;
}

/** The ids of the `count` largest logits, the largest first; of equal ones the lower id. */
function likeliest(logits: Float32Array, count: number): number[] {
  const rest = logits.slice();
  return Array.from({ length: count }, () => {
    const id = argmax(rest);
    rest[id] = -Infinity;
    return id;
  });
}
