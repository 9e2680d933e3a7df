/**
 * An arm: one adaptation of a base with its settings, as a value. Spread one and change a field to
 * make your own. Arms are told apart by their content; the name is a label, and two different arms
 * under one label are refused. Knows nothing of how an arm is run.
 */
import { hashOf, identityOf } from "@implicit/memo";
import { eosRamp, type EosRampOptions } from "../adapt/eos_ramp.ts";
import { repetitionPenalty, type RepetitionPenaltyOptions } from "../adapt/repetition_penalty.ts";
import type { Rule } from "../adapt/rules.ts";
import { type UniformChange, uniformChanges } from "../adapt/uniform_changes.ts";
import {
  type Arm,
  armOptions,
  checkOptions,
  type RuleName,
  type Rules,
  type Tuning,
} from "./options.ts";

export type { Arm, RuleName, Rules, Tuning } from "./options.ts";

function tuned(name: string, tuning: Tuning): Arm {
  return { name, template: "tulu", tuning, rules: null };
}

const RULES = ["eos", "repetition", "uniform"] as const;

/**
 * The arms of the paper.
 *
 * @example
 * ```ts
 * const fewer = { ...arms.responseTuning, name: "response-tuning:60",
 *   tuning: { data: "responses", examples: 60 } };
 * ```
 */
export const arms = {
  /** The pretrained model as it is. */
  base: { name: "base", template: "tulu", tuning: null, rules: null } as Arm,
  /** Instructions and responses (§4.1): what every other arm is measured against. */
  instructionTuning: tuned("instruction-tuning", { data: "instructions" }),
  /** Responses under an empty instruction (§4.1, Eq. 2). */
  responseTuning: tuned("response-tuning", { data: "responses" }),
  /** Control: every instruction with another instruction's response. */
  shuffledPairs: tuned("shuffled-pairs", { data: "shuffled-pairs" }),
  /** Instruction tuning on one narrow task (§5.1): sums, code, poems, recipes or game. */
  singleTask: (task: string): Arm => tuned(`single-task:${task}`, { data: "single-task", task }),
  /** The base times the rules (§6, Eq. 4): all three, or those given. */
  rules: (use: Rules["use"] = RULES): Arm => ({
    name: rulesName(use),
    template: "tulu",
    tuning: null,
    rules: { use: [...paperRules(use), ...ownRules(use)] },
  }),
};

const paperRules = (use: Rules["use"]) => RULES.filter((rule) => use.includes(rule));
const ownRules = (use: Rules["use"]) =>
  use.filter((rule): rule is Rule => !RULES.includes(rule as RuleName));

/** `rules`, `rules-without-eos`, or the names of those that are used: `rules:eos+my-rule`. */
function rulesName(use: Rules["use"]): string {
  const [paper, own] = [paperRules(use), ownRules(use)];
  const missing = RULES.filter((rule) => !paper.includes(rule));
  if (own.length === 0 && missing.length === 0) return "rules";
  if (own.length === 0 && missing.length === 1) return `rules-without-${missing[0]}`;
  return `rules:${[...paper, ...own.map(({ name }) => name)].join("+") || "none"}`;
}

/**
 * The rules that an arm uses, in the paper's order and then its own.
 *
 * @param given the paper's three as the scale has them; the arm's weights replace theirs
 */
export function rulesOf(
  { use, eosSlope, eosHorizon, repetitionWeight, uniform }: Rules,
  given: {
    readonly eos: EosRampOptions;
    readonly repetition: RepetitionPenaltyOptions;
    readonly uniform: readonly UniformChange[];
  },
): readonly Rule[] {
  const { eos, repetition } = given;
  const named: Readonly<Record<RuleName, Rule>> = {
    eos: eosRamp({ ...eos, slope: eosSlope ?? eos.slope, horizon: eosHorizon ?? eos.horizon }),
    repetition: repetitionPenalty({ ...repetition, weight: repetitionWeight ?? repetition.weight }),
    uniform: uniformChanges(uniform ?? given.uniform),
  };
  return [...paperRules(use).map((name) => named[name]), ...ownRules(use)];
}

/** Makes an arm's copy with another template, named for it: `inTemplate("ab")(arms.base)`. */
export function inTemplate(template: Arm["template"]): (arm: Arm) => Arm {
  const suffix = template === "none" ? "no-tags" : `${template}-tags`;
  return (arm) => ({ ...arm, name: `${arm.name}:${suffix}`, template });
}

/** An arm's copy whose responses do not restate the instruction (App. C). */
export function withoutRestating(arm: Arm): Arm {
  return {
    ...arm,
    name: `${arm.name}:no-rephrase`,
    tuning: { ...tuningOf(arm), restate: false },
  };
}

/**
 * How an arm is tuned.
 *
 * @throws if it is not.
 */
export function tuningOf(arm: Arm): Tuning {
  checkArm(arm);
  if (arm.tuning !== null) return arm.tuning;
  throw new Error(
    `Expected an arm that is tuned, but found ${arm.name}: it has no examples and no responses.`,
  );
}

/**
 * What functions of an arm may use of the library: the operations of the forward pass. (tslab writes
 * `implicit_1.tf`, as TypeScript compiles an import for CommonJS.)
 */
const isKnown = (name: string) => name === "tf" || /^implicit_\d+$/.test(name);

/**
 * The content of an arm, or of a part of it, as plain data: functions as their sources.
 *
 * @throws where a function reads a variable from outside it.
 */
export function contentOf(value: unknown): unknown {
  return identityOf(value, isKnown);
}

/** The hash of what an arm is, without its label: by it its runs are known. */
export function armHash({ name: _label, ...content }: Arm): string {
  return hashOf(contentOf(content));
}

/**
 * Checks the arms of a comparison: that each is one, and that no two different ones have one name.
 *
 * @throws names the field that is wrong; or says in what two arms of one name differ.
 */
export function checkArms(list: readonly Arm[]): void {
  const known = new Map<string, Arm>();
  for (const arm of list) {
    checkArm(arm);
    const other = known.get(arm.name) ?? arm;
    known.set(arm.name, other);
    if (armHash(arm) === armHash(other)) continue;
    const [a, b] = [other, arm].map((one) => JSON.stringify(contentOf(one)));
    throw new Error(
      `Expected different names for different arms, but found two arms named "${arm.name}": ${a} ` +
        `and ${b}. Give one of them another name.`,
    );
  }
}

/**
 * Checks that a value is an arm: cells are written without types.
 *
 * @throws names the field that is unknown, missing or out of bounds, and what there is.
 */
export function checkArm(arm: Arm): void {
  if (typeof arm !== "object" || arm === null) {
    throw new Error(
      `Expected an arm, but found ${arm}: check its name; arms has ${
        Object.keys(arms).join(", ")
      }.`,
    );
  }
  checkOptions(armOptions, arm, `the arm "${arm.name}"`);
  const { tuning, name } = arm;
  if (tuning && (tuning.data === "single-task") !== (tuning.task !== undefined)) {
    throw new Error(
      `Expected a task with data: "single-task", and with no other, but found data ` +
        `"${tuning.data}" and task ${tuning.task} in the arm "${name}".`,
    );
  }
}
