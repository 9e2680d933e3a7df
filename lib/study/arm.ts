/**
 * An arm: one adaptation of a base with its settings, as plain data. Spread one and change a
 * field to make your own; give it a new name, since results are told apart by it.
 * Knows nothing of how an arm is run.
 */

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
}

/** The rules of §6; a weight given here replaces the scale's. */
export interface Rules {
  readonly use: readonly ("eos" | "repetition" | "uniform")[];
  readonly variant?: "paper" | "code";
  readonly eosSlope?: number;
  /**
   * Response tokens after which the EOS ramp ends: with nothing in the `code` variant, with a weight
   * of 100 in the `paper` variant. The authors' is 250; the miniature's answers are shorter than its
   * ramp, which therefore has no end unless one is given.
   */
  readonly eosHorizon?: number;
  readonly repetitionWeight?: number;
}

export interface Arm {
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
    rules: { use: RULES.filter((rule) => use.includes(rule)) },
  }),
};

/** `rules`, `rules-without-eos` or, with one rule or none, `rules:eos`. */
function rulesName(use: Rules["use"]): string {
  const missing = RULES.filter((rule) => !use.includes(rule));
  if (missing.length === 0) return "rules";
  if (missing.length === 1) return `rules-without-${missing[0]}`;
  return `rules:${RULES.filter((rule) => use.includes(rule)).join("+") || "none"}`;
}

/** Makes an arm's copy with another template, named for it: `inTemplate("ab")(arms.base)`. */
export function inTemplate(template: Arm["template"]): (arm: Arm) => Arm {
  const suffix = template === "none" ? "no-tags" : `${template}-tags`;
  return (arm) => ({ ...arm, name: `${arm.name}:${suffix}`, template });
}

/** An arm's copy whose responses do not restate the instruction (App. C). */
export function withoutRestating(arm: Arm): Arm {
  if (arm.tuning === null) {
    throw new Error(`Expected an arm that is tuned, but found ${arm.name}: it has no responses.`);
  }
  return {
    ...arm,
    name: `${arm.name}:no-rephrase`,
    tuning: { ...arm.tuning, restate: false },
  };
}
