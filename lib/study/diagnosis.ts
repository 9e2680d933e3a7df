/**
 * What a base of the micro-world does before any arm is run: a minute that says whether a recipe can
 * show the paper's effects at all, and afterwards why it did or did not.
 */
import { createDecoder } from "@implicit/decoder";
import {
  createWorld,
  diagnose,
  evaluationSet,
  type Figures,
  type Greedy,
  recipe,
} from "@implicit/world";
import { codeVersion, DiskCache } from "@implicit/memo";
import { ruleAdapter } from "../adapt/rules.ts";
import { formatPrompt, templates } from "../text/template.ts";
import { arms } from "./arm.ts";
import type { Base } from "./scale.ts";
import { openScale } from "./scales.ts";
import { projectRoot, readSettings } from "./settings.ts";

/** One condition without which an effect cannot be seen, and whether the base fulfils it. */
export interface Gate {
  readonly gate: string;
  readonly figures: string;
  readonly passes: boolean;
}

export interface BaseDiagnosis {
  /** Percent, by family of instructions and over all. */
  readonly families: readonly ({ readonly family: string } & Figures)[];
  /** Percent of the greedy answers, under each set of rules. */
  readonly greedy: readonly ({ readonly rules: string } & Greedy)[];
  readonly gates: readonly Gate[];
}

/**
 * Diagnoses a base of the miniature on validation instructions, by which recipes are chosen. What came
 * out is kept.
 *
 * @example
 * ```ts
 * const { greedy, gates } = await diagnoseBase(study.base);
 * await showTable(gates, { caption: "What this base can show" });
 * ```
 */
export async function diagnoseBase(base: Base): Promise<BaseDiagnosis> {
  const { cache, fresh } = readSettings();
  const key = {
    diagnosis: base.model.hash,
    tokenizer: base.tokenizer.hash,
    code: await codeVersion(["lib/study/diagnosis.ts"], projectRoot()),
  };
  return await new DiskCache(cache, fresh, "IMPLICIT_CACHE")
    .of("diagnoses", key, () => diagnosed(base));
}

async function diagnosed({ model, tokenizer }: Base): Promise<BaseDiagnosis> {
  const scale = await openScale("miniature");
  const sets = [
    arms.rules(),
    arms.rules(["repetition", "uniform"]),
    arms.rules(["eos", "uniform"]),
    arms.rules(["eos", "repetition"]),
  ];
  const decoder = await createDecoder(model, { threads: 1 });
  try {
    const world = createWorld(recipe.worldSeed);
    const found = await diagnose(decoder, tokenizer, world, {
      tasks: evaluationSet(world, "validation", recipe.evaluation.validation),
      prompt: (instruction) => formatPrompt(templates.tulu, instruction),
      rules: {
        base: [],
        ...Object.fromEntries(sets.map(({ name, rules }) => [
          name,
          [ruleAdapter(tokenizer, scale.rules(rules!)).processor],
        ])),
      },
      named: recipe.rules.uniform.map(({ string }) => string),
      maxTokens: recipe.evaluation.maxTokens,
    });
    const families = Object.entries({ ...found.families, all: found.all });
    return {
      families: families.map(([family, figures]) => ({ family, ...percent(figures) })),
      greedy: Object.entries(found.greedy).map(([rules, shares]) => (
        { rules, ...percent(shares) }
      )),
      gates: gatesOf(found.greedy),
    };
  } finally {
    decoder.dispose();
  }
}

/** Each rule needs something to do, and the base must fail without them. */
function gatesOf(greedy: Readonly<Record<string, Greedy>>): Gate[] {
  const share = (rules: string, which: keyof Greedy & string) =>
    Math.round(100 * greedy[rules]![which]);
  const gate = (
    gate: string,
    which: keyof Greedy & string,
    rules: string,
    passes: (x: number, all: number) => boolean,
  ) => {
    const [found, all] = [share(rules, which), share("rules", which)];
    const figures = `${which}: ${rules} ${found} %, rules ${all} %`;
    return { gate, figures, passes: passes(found, all) };
  };
  return [
    gate("the base passes fewer than 10 %", "passes", "base", (found) => found < 10),
    gate(
      "without the EOS ramp fewer answers end",
      "stops",
      "rules-without-eos",
      (found, all) => found < all - 20,
    ),
    gate(
      "without the repetition rule more answers loop",
      "loops",
      "rules-without-repetition",
      (found, all) => found > all + 20,
    ),
    gate(
      "without the uniform rule fewer answers pass",
      "passes",
      "rules-without-uniform",
      (found, all) => found < all - 10,
    ),
  ];
}

const percent = <T extends object>(shares: T): T =>
  Object.fromEntries(
    Object.entries(shares).map(([name, share]) => [name, Math.round(100 * share)]),
  ) as T;
