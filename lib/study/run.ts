/**
 * One run: an arm on a base with a seed. Tunes the base (or not), lets it answer the prompts with
 * greedy decoding, and grades the answers. Knows nothing of other runs, of caching or of display.
 */
import { createDecoder, type Decoder } from "@implicit/decoder";
import { createEngine, type Engine } from "@implicit/engine";
import type { Adapted } from "../adapt/adapter.ts";
import { type RuleAdapter, ruleAdapter } from "../adapt/rules.ts";
import { type EncodedExample, encodeExample } from "../text/example.ts";
import { formatPrompt, templates } from "../text/template.ts";
import { type StepInfo, type Trained, tune } from "../tune/tune.ts";
import { type Arm, tuningOf } from "./arm.ts";
import type { Base, Prompt, Scale } from "./scale.ts";

/** One answer to one prompt. */
export interface Answer {
  readonly prompt: string;
  readonly family: string;
  readonly response: string;
  /** Length in tokens, without the end-of-text token. */
  readonly tokens: number;
  /** Whether the model ended the answer itself, before the cap. */
  readonly stopped: boolean;
  /** The checker's grade, 0…1; null where the scale has no checker. */
  readonly score: number | null;
  readonly passed: boolean | null;
}

export interface Run {
  /** The arm's name, a label; and the hash of what the arm is. */
  readonly arm: string;
  readonly armHash: string;
  readonly model: string;
  readonly seed: number;
  readonly answers: readonly Answer[];
  /** Training loss of each step, empty for an untuned arm. */
  readonly losses: readonly number[];
  readonly seconds: { readonly tune: number; readonly decode: number };
}

/**
 * Tunes the base as the arm says.
 *
 * Seeds choose the examples' order (paper App. A: seeds change data order only) and, in the
 * miniature, which examples are drawn.
 *
 * @throws if the arm is not tuned, or none of its examples has a target within the context.
 */
export async function tuneArm(
  scale: Scale,
  base: Base,
  arm: Arm,
  seed: number,
  options: { engine?: Engine; onStep?: (step: StepInfo) => void } = {},
): Promise<Trained> {
  const { data: _, task: __, responsesOnly: ___, restate: ____, examples: _____, ...settings } =
    tuningOf(arm);
  const encoded = await encodedExamples(scale, base, arm, seed);
  const engine = options.engine ?? await createEngine({ threads: scale.threads });
  return await tune(engine, base.model, encoded, {
    ...scale.tuning,
    ...settings,
    seed,
    onStep: options.onStep,
  });
}

/** The longest example that is trained on, in tokens. */
export function longestExample(scale: Scale, base: Base): number {
  return Math.min(base.model.config.contextLength, scale.maxLength ?? Infinity);
}

/** A tuned arm's examples as token ids; those without a target left are not among them. */
export async function encodedExamples(
  scale: Scale,
  base: Base,
  arm: Arm,
  seed: number,
): Promise<EncodedExample[]> {
  const examples = await scale.examples(tuningOf(arm), seed);
  const maxLength = longestExample(scale, base);
  return examples.flatMap((example) => {
    const encoded = encodeExample(example, base.tokenizer, templates[arm.template], { maxLength });
    return encoded === null ? [] : [encoded];
  });
}

/** Greedy answers of a model to prompts, with the arm's rules added to the logits (Eq. 4). */
export async function answerPrompts(
  scale: Scale,
  base: Base,
  adapted: Adapted,
  arm: Arm,
  prompts: readonly Prompt[],
): Promise<Answer[]> {
  const template = templates[arm.template];
  const ids = prompts.map((p) => base.tokenizer.encode(formatPrompt(template, p.instruction)));
  const rules = ruleAdapter(base.tokenizer, arm.rules === null ? [] : scale.rules(arm.rules));
  const { model } = adapted;
  const decoder = await openDecoder(scale, base, adapted, rules);
  try {
    const responses = await decoder.generate(ids, {
      maxTokens: scale.maxTokens,
      processors: scale.server ? [] : [rules.processor],
    });
    return prompts.map((prompt, i) => {
      const tokens = responses[i]!;
      const response = base.tokenizer.decode(tokens);
      const room = Math.min(scale.maxTokens, model.config.contextLength - ids[i]!.length);
      const grade = scale.grade(prompt, response);
      return {
        prompt: prompt.id,
        family: prompt.family,
        response,
        tokens: tokens.length,
        stopped: tokens.length < room,
        score: grade?.score ?? null,
        passed: grade === null ? null : grade.passed && tokens.length < room,
      };
    });
  } finally {
    decoder.dispose();
  }
}

/** The adapted model where it is to be run. @throws where a server would answer for another model */
export async function openDecoder(
  { server, threads, weights }: Pick<Scale, "server" | "weights"> & { readonly threads?: number },
  base: Base,
  { model, prefix, processors }: Adapted,
  rules?: RuleAdapter,
): Promise<Decoder> {
  if (!server) return await createDecoder(model, { threads, weights, prefix, processors });
  if (model === base.model) return await server.open(model, rules?.plain() ?? []);
  throw new Error(
    `Expected an arm that is not tuned, since ${server.name} answers and has the base alone, but ` +
      `found a tuned one. Hand its tuning over and serve what comes back, or unset IMPLICIT_SERVER.`,
  );
}
