/**
 * One run: an arm on a base with a seed. Tunes the base (or not), lets it answer the prompts with
 * greedy decoding, and grades the answers. Knows nothing of other runs, of caching or of display.
 */
import { createEngine } from "../engine/engine.ts";
import type { Engine } from "../engine/engine.ts";
import type { Model } from "../model/checkpoint.ts";
import { createDecoder } from "../decode/decoder.ts";
import type { LogitsProcessor } from "../decode/decoder.ts";
import { ruleAdapter } from "../decode/rules.ts";
import type { Example } from "../text/example.ts";
import { encodeExample } from "../text/example.ts";
import { formatPrompt, templates } from "../text/template.ts";
import { tune } from "../tune/tune.ts";
import type { StepInfo } from "../tune/tune.ts";
import type { Arm } from "./arm.ts";
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
  readonly arm: string;
  readonly model: string;
  readonly seed: number;
  readonly answers: readonly Answer[];
  /** Training loss of each step, empty for an untuned arm. */
  readonly losses: readonly number[];
  readonly seconds: { readonly tune: number; readonly decode: number };
}

/**
 * Tunes the base as the arm says; returns the base itself for an untuned arm.
 *
 * Seeds choose the examples' order (paper App. A: seeds change data order only) and, in the
 * miniature, which examples are drawn.
 */
export async function tuneArm(
  scale: Scale,
  base: Base,
  arm: Arm,
  seed: number,
  options: { threads?: number; engine?: Engine; onStep?: (step: StepInfo) => void } = {},
): Promise<{ model: Model; losses: number[] }> {
  if (arm.tuning === null) return { model: base.model, losses: [] };
  const examples = await scale.examples(arm.tuning, seed);
  const encoded = encodeAll(examples, base, arm);
  const engine = options.engine ?? await createEngine({ threads: options.threads ?? 1 });
  const {
    data: _data,
    task: _task,
    responsesOnly: _only,
    restate: _restate,
    examples: _count,
    ...settings
  } = arm.tuning;
  return await tune(engine, base.model, encoded, {
    ...scale.tuning,
    ...settings,
    seed,
    onStep: options.onStep,
  });
}

function encodeAll(examples: readonly Example[], base: Base, arm: Arm) {
  const maxLength = base.model.config.contextLength;
  return examples.flatMap((example) => {
    const encoded = encodeExample(example, base.tokenizer, templates[arm.template], { maxLength });
    return encoded === null ? [] : [encoded];
  });
}

/** Greedy answers of a model to prompts, with the arm's rules added to the logits (Eq. 4). */
export async function answerPrompts(
  scale: Scale,
  base: Base,
  model: Model,
  arm: Arm,
  prompts: readonly Prompt[],
  options: { threads?: number } = {},
): Promise<Answer[]> {
  const template = templates[arm.template];
  const ids = prompts.map((p) => base.tokenizer.encode(formatPrompt(template, p.instruction)));
  const processors: LogitsProcessor[] = arm.rules === null
    ? []
    : [ruleAdapter(base.tokenizer, scale.rules(arm.rules)).processor];
  const decoder = await createDecoder(model, { threads: options.threads ?? 1 });
  try {
    const responses = await decoder.generate(ids, { maxTokens: scale.maxTokens, processors });
    return prompts.map((prompt, i) => {
      const tokens = responses[i]!;
      const response = base.tokenizer.decode(tokens);
      const grade = scale.grade(prompt, response);
      return {
        prompt: prompt.id,
        family: prompt.family,
        response,
        tokens: tokens.length,
        stopped: tokens.length < scale.maxTokens,
        score: grade?.score ?? null,
        passed: grade === null ? null : grade.passed && tokens.length < scale.maxTokens,
      };
    });
  } finally {
    decoder.dispose();
  }
}
