/**
 * An arm: one adaptation of a base with its settings, as a value. Spread one and change a field to
 * make your own. Arms are told apart by their content; the name is a label, and two different arms
 * under one label are refused. Knows nothing of how an arm is run.
 */
import type { Adapter } from "../adapt/adapter.ts";
import type { Rule } from "../adapt/rules.ts";
import type { UniformChange } from "../adapt/uniform_changes.ts";
import { identityOf } from "../adapt/value.ts";
import { hashOf } from "./hash.ts";

/** What the base is tuned on. `steps`, `learningRate`, … default to the scale's settings. */
export interface Tuning {
  readonly data: "instructions" | "responses" | "shuffled-pairs" | "single-task";
  /** Which single task; only with `data: "single-task"`. */
  readonly task?: string;
  /** Empty the instructions of a single task too (a control the authors scripted, unreported). */
  readonly responsesOnly?: boolean;
  /** Leave out openings that restate the instruction (App. C). */
  readonly restate?: false;
  readonly examples?: number;
  readonly steps?: number;
  readonly batchSize?: number;
  readonly learningRate?: number;
  /** What is trained: `lora({ rank: 4 })`, `learnedBias()`, `prefix({ length: 4 })` or one's own. */
  readonly adapter?: Adapter;
}

/** The rules that the paper names; the scale has their weights. */
export type RuleName = "eos" | "repetition" | "uniform";

/** The rules of §6; a weight given here replaces the scale's. */
export interface Rules {
  /** The paper's rules by name, and rules of one's own as values. */
  readonly use: readonly (RuleName | Rule)[];
  readonly variant?: "paper" | "code";
  readonly eosSlope?: number;
  /**
   * Response tokens after which the EOS ramp ends: with nothing in the `code` variant, with a weight
   * of 100 in the `paper` variant. The authors' is 250; the miniature's answers are shorter than its
   * ramp, which therefore has no end unless one is given.
   */
  readonly eosHorizon?: number;
  readonly repetitionWeight?: number;
  /** Words of the uniform rule, in place of the scale's. */
  readonly uniform?: readonly UniformChange[];
}

export interface Arm {
  /** What tables call it. */
  readonly name: string;
  /** The tags put around instruction and response, in tuning and in evaluation. */
  readonly template: "tulu" | "ab" | "swapped" | "none";
  readonly tuning: Tuning | null;
  readonly rules: Rules | null;
}

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
    rules: {
      use: [...RULES.filter((rule) => use.includes(rule)), ...use.filter((rule) => !isPaper(rule))],
    },
  }),
};

const isPaper = (rule: RuleName | Rule) => typeof rule === "string" && RULES.includes(rule);

/** `rules`, `rules-without-eos`, or the names of those that are used: `rules:eos+my-rule`. */
function rulesName(use: Rules["use"]): string {
  const missing = RULES.filter((rule) => !use.includes(rule));
  const own = use.filter((rule) => !isPaper(rule));
  if (own.length === 0 && missing.length === 0) return "rules";
  if (own.length === 0 && missing.length === 1) return `rules-without-${missing[0]}`;
  const names = [...RULES.filter((rule) => use.includes(rule)), ...own]
    .map((rule) => typeof rule === "string" ? rule : rule.name);
  return `rules:${names.join("+") || "none"}`;
}

/** The rules that an arm uses: the paper's by their names, in its order, then its own. */
export function useRules(
  use: Rules["use"],
  named: Readonly<Record<RuleName, Rule>>,
): readonly Rule[] {
  const own = use.filter((rule) => typeof rule !== "string");
  return [...RULES.filter((name) => use.includes(name)).map((name) => named[name]), ...own];
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
  if (arm.tuning !== null) return arm.tuning;
  throw new Error(
    `Expected an arm that is tuned, but found ${arm.name}: it has no examples and no responses.`,
  );
}

/** What functions of an arm may use of the library: the operations of the forward pass. */
const KNOWN = new Set(["tf"]);

/**
 * The content of an arm, or of a part of it, as plain data: functions as their sources.
 *
 * @throws where a function reads a variable from outside it (lib/adapt/value.ts).
 */
export function contentOf(value: unknown): unknown {
  return identityOf(value, KNOWN);
}

/** The hash of what an arm is, without its label: by it its runs are known. */
export function armHash({ name: _label, ...content }: Arm): string {
  return hashOf(contentOf(content));
}

/**
 * Checks that no two different arms of a comparison have one name.
 *
 * @throws if two do; the error says in what they differ.
 */
export function checkNames(list: readonly Arm[]): void {
  const known = new Map<string, Arm>();
  for (const arm of list) {
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
