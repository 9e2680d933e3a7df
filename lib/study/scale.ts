/**
 * The one dial: what base, data, prompts, grader, judge and budget an experiment uses. The miniature
 * is the micro-world; the larger scales take checkpoints and data from the hub. Both sides of this
 * interface are the same code.
 */
import type { Judge } from "@implicit/alpaca-eval";
import type { ConfigJson, Decoder, Model, Tokenizer, WeightType } from "@implicit/decoder";
import type { PlainRule, Rule } from "../adapt/rules.ts";
import { shuffledOrder } from "../text/batch.ts";
import { type Example, toResponseTuning } from "../text/example.ts";
import type { TuneOptions } from "../tune/tune.ts";
import type { Rules, Tuning } from "./arm.ts";
import type { Embedding } from "./embedding.ts";
import type { Settings } from "./settings.ts";

export type ScaleName = "miniature" | "small" | "paper";

/**
 * Which instructions: those that settings are chosen on, those that arms are compared on, and those
 * whose responses are ranked (§4.2: Alpaca's; in the miniature the test's).
 */
export type Split = "validation" | "test" | "ranking";

/** What of a scale the reader may choose. */
export interface ScaleOptions {
  /** A base of the scale; at `small` any hub id or checkpoint folder. */
  readonly base?: string;
  /** Options in place of those of the base's config.json, where it is refused; not for the miniature. */
  readonly override?: ConfigJson;
  /** "lima", "alpaca", or a file or folder of data (`experimentData` of the hub); not for the miniature. */
  readonly data?: string;
}

/** Opens a scale with what the reader chose, and what the environment asks for. */
export type OpenScale = (options: ScaleOptions, settings: Settings) => Promise<Scale>;

export interface Base {
  readonly name: string;
  readonly model: Model;
  readonly tokenizer: Tokenizer;
}

/** A server that has a base, as it is known in results, and its decoder under these rules. */
export interface Server {
  readonly name: string;
  open(model: Model, rules: readonly PlainRule[]): Promise<Decoder>;
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
  /** The files, relative to the project, whose code decides examples, prompts and grades. */
  readonly code: readonly string[];
  /** The family of prompts a single task trains on, or null where no prompt is of its kind. */
  familyOf(task: string): string | null;
  /** Whether a response has the marks of a single task's responses. */
  inStyle(task: string, response: string): boolean;
  readonly tuning: Omit<TuneOptions, "seed">;
  /** Cap on the response, in tokens; the same for every arm. */
  readonly maxTokens: number;
  /** Longest training example in tokens, where that is less than the base's context. */
  readonly maxLength?: number;
  /** Threads of a run; as many runs go side by side as the cores allow. */
  readonly threads: number;
  /** The weights that generate and score, if not as they were tuned. */
  readonly weights?: WeightType;
  /** What generates and scores in place of this machine, where somebody serves the base. */
  readonly server?: Server | null;
  loadBase(name: string): Promise<Base>;
  examples(tuning: Tuning, seed: number): Promise<Example[]>;
  /** Where the examples come from and what became of every row, in one line; absent if made here. */
  account?(tuning: Tuning): Promise<string>;
  prompts(split: Split): Promise<Prompt[]>;
  /** The checker's verdict, or null where there is none. */
  grade(prompt: Prompt, response: string): { score: number; passed: boolean } | null;
  /** Compares two answers, if the study has no judge of its own; null: the checker, or nothing. */
  readonly judge: Judge | null;
  /** The sentence embedding under which texts are compared (§5.2). */
  embedding(base: Base): Embedding;
  /** The rules of an arm as they are here, in the paper's order and then one's own. */
  rules(rules: Rules): readonly Rule[];
}

/**
 * Instructions with their responses as an arm is tuned on them: shuffled pairs give every example's
 * first instruction the responses of another one; response tuning leaves the instructions empty.
 */
export function asTuned(
  examples: readonly Example[],
  { data, responsesOnly }: Tuning,
  seed: number,
): Example[] {
  if (data === "shuffled-pairs") {
    // Neighbours on a seeded random cycle change places, so that none keeps its own.
    const order = shuffledOrder(examples.length, seed, 0);
    const shuffled = new Array<Example>(examples.length);
    order.forEach((place, i) => {
      const other = examples[order[(i + 1) % order.length]!]!;
      shuffled[place] = { messages: [examples[place]!.messages[0]!, ...other.messages.slice(1)] };
    });
    return shuffled;
  }
  return data === "responses" || responsesOnly ? examples.map(toResponseTuning) : [...examples];
}
