/**
 * Opens a study: what is asked for in a cell, the environment, and the scale, made into its parts.
 * Does not compute any run.
 */
import type { Judge } from "@implicit/alpaca-eval";
import { formatPrompt, templates } from "../text/template.ts";
import { fitting } from "./fit.ts";
import { checkerJudge } from "./judges.ts";
import { checkOptions, type StudyOptions, studyOptions } from "./options.ts";
import type { Base, Prompt, Scale } from "./scale.ts";
import { openScale } from "./scales.ts";
import { readSettings, type Settings } from "./settings.ts";
import { Study } from "./study.ts";

/**
 * Opens a study: loads the base and the prompts of a scale. What the environment asks for
 * (`IMPLICIT_` variables) is read here, once; options go before it.
 *
 * @throws if an option, the scale or the base is unknown (the error lists what there is), or if a
 * base's files are missing or damaged.
 * @example
 * ```ts
 * const study = await openStudy({ scale: "miniature", seeds: 1 });
 * const runs = await study.runs([arms.instructionTuning, arms.responseTuning]);
 * ```
 */
export async function openStudy(
  options: StudyOptions = {},
  settings: Settings = readSettings(),
): Promise<Study> {
  checkOptions(studyOptions, options, "the study's options");
  const name = options.scale ?? (settings.model ? "small" : "miniature");
  const { tuning, maxTokens } = options;
  const opened = await openScale(name, options, settings);
  const scale: Scale = {
    ...opened,
    // Epochs asked for replace the scale's steps, which would go before them.
    tuning: { ...opened.tuning, ...(tuning?.epochs ? { steps: undefined } : {}), ...tuning },
    maxTokens: maxTokens ?? opened.maxTokens,
  };
  const baseName = options.base ?? settings.base ?? scale.bases[0]!;
  if (!scale.bases.includes(baseName)) {
    throw new Error(
      `Expected a base of the ${scale.name} scale (${scale.bases.join(", ")}), but found ` +
        `"${baseName}": choose one of these.`,
    );
  }
  return await studyOn(await scale.loadBase(baseName), scale, options, settings);
}

/**
 * A study on a base at hand, which need not be one of the scale's.
 *
 * @example
 * ```ts
 * const study = await studyOn(base, await openScale("miniature"), { seeds: 1, prompts: 96 });
 * ```
 */
export async function studyOn(
  base: Base,
  scale: Scale,
  options: StudyOptions = {},
  settings: Settings = readSettings(),
): Promise<Study> {
  const count = options.seeds ?? settings.seeds;
  const split = options.split ?? "test";
  const seeds = Array.from({ length: count }, (_, i) => i + 1);
  const asked = (await scale.prompts(split)).slice(0, options.prompts);
  const { contextLength } = base.model.config;
  // In every template, so that all arms answer the same; one token at least must be left to say.
  const fits = ({ instruction }: Prompt) =>
    Object.values(templates).every((template) =>
      base.tokenizer.encode(formatPrompt(template, instruction)).length < contextLength
    );
  const { kept, leftOut } = fitting("instructions", asked, fits, contextLength, ({ id }) => id);
  const judge = options.judge ?? scale.judge ?? checkerOf(scale, kept);
  return new Study({
    scale,
    base,
    seeds,
    prompts: kept,
    split,
    judge,
    settings: { ...settings, data: options.data ?? settings.data },
    leftOut,
    override: options.override,
  });
}

/**
 * A study with another base, or another part of its scale, and all else as it is: other examples,
 * other prompts.
 *
 * @example
 * ```ts
 * const own = await studyLike(study, { scale: { examples: () => Promise.resolve(mine) } });
 * ```
 */
export function studyLike(
  { base, scale, prompts, settings, seeds, split }: Study,
  other: { readonly base?: Base; readonly scale?: Partial<Scale> },
): Promise<Study> {
  return studyOn(
    other.base ?? base,
    { ...scale, ...other.scale },
    { seeds: seeds.length, prompts: prompts.length, split },
    settings,
  );
}

/** The scale's checker as a judge; null where it has none. */
function checkerOf(scale: Scale, prompts: readonly Prompt[]): Judge | null {
  if (prompts.every((prompt) => scale.grade(prompt, "") === null)) return null;
  const byId = new Map(prompts.map((prompt) => [prompt.id, prompt]));
  return checkerJudge((id, response) => scale.grade(byId.get(id)!, response)?.score ?? null);
}
