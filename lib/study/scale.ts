/**
 * The one dial: what base, data, prompts, grader and budget an experiment uses. The miniature is
 * the micro-world; the larger scales take checkpoints and data from the hub. Both sides of this
 * interface are the same code.
 */
import type { RuleSet } from "../decode/rules.ts";
import type { Model } from "../model/checkpoint.ts";
import type { Example } from "../text/example.ts";
import type { Tokenizer } from "../text/tokenizer.ts";
import type { TuneOptions } from "../tune/tune.ts";
import type { Rules, Tuning } from "./arm.ts";

export type ScaleName = "miniature" | "small" | "paper";

export interface Base {
  readonly name: string;
  readonly model: Model;
  readonly tokenizer: Tokenizer;
}

/** An instruction to answer. */
export interface Prompt {
  readonly id: string;
  readonly family: string;
  readonly instruction: string;
  /** A reference response, where there is one. */
  readonly response: string | null;
}

export interface Scale {
  readonly name: ScaleName;
  /** The bases that can be opened, the default first. */
  readonly bases: readonly string[];
  /** The single tasks of §5.1. */
  readonly singleTasks: readonly string[];
  /** The family of prompts a single task trains on, or null where no prompt is of its kind. */
  familyOf(task: string): string | null;
  /** Whether a response has the marks of a single task's responses. */
  inStyle(task: string, response: string): boolean;
  readonly tuning: Omit<TuneOptions, "seed">;
  /** Cap on the response, in tokens; the same for every arm. */
  readonly maxTokens: number;
  loadBase(name: string): Promise<Base>;
  examples(tuning: Tuning, seed: number): Promise<Example[]>;
  prompts(split: "validation" | "test"): Promise<Prompt[]>;
  /** The checker's verdict, or null where a judge has to compare. */
  grade(prompt: Prompt, response: string): { score: number; passed: boolean } | null;
  rules(rules: Rules): RuleSet;
}
