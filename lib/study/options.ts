/**
 * What can be written in an arm and in a study's options: one description of each, from which come
 * the types, the checks when a cell runs (cells are written by hand, without types), and
 * {@link optionsTable}. Knows fields and values, not what is done with them.
 */
import { closest, distance } from "fastest-levenshtein";
import { z } from "zod";
import type { Judge } from "@implicit/alpaca-eval";
import type { Adapter } from "../adapt/adapter.ts";
import type { Rule } from "../adapt/rules.ts";

const count = (most: number) => z.int().min(1).max(most);
const share = z.number().min(0).max(1);
const functionsOf = (value: unknown, ...names: string[]) =>
  typeof value === "object" && value !== null &&
  names.every((name) => typeof (value as Record<string, unknown>)[name] === "function");

const adapter = z.custom<Adapter>(
  (value) => functionsOf(value, "init", "apply", "merge"),
  "an adapter: lora({ rank: 4 }), learnedBias(), prefix({ length: 4 }), { name, init, apply, merge }",
);
const ruleName = z.enum(["eos", "repetition", "uniform"]);

/** The rules that the paper names; the scale has their weights. */
export type RuleName = z.infer<typeof ruleName>;

const rule = z.custom<RuleName | Rule>(
  (value) => ruleName.safeParse(value).success || functionsOf(value, "resolve", "score"),
  { error: "eos, repetition, uniform, or a rule { name, resolve, score }", params: ruleName.enum },
);

const training = {
  steps: count(1e6).describe("how many updates").optional(),
  epochs: count(1e4).describe("or else how often every example is seen").optional(),
  batchSize: count(4096).describe("examples a batch").optional(),
  learningRate: z.number().positive().max(10).describe("the peak of the schedule").optional(),
  adapter: adapter.describe("what is trained in place of all weights").optional(),
};

export const tuningOptions = z.strictObject({
  data: z.enum(["instructions", "responses", "shuffled-pairs", "single-task"])
    .describe("what is trained on"),
  task: z.string().describe('which single task; only with data: "single-task"').optional(),
  responsesOnly: z.boolean()
    .describe("empty a single task's instructions too (scripted by the authors, unreported)")
    .optional(),
  restate: z.literal(false).describe("leave out openings that restate the instruction (App. C)")
    .optional(),
  examples: count(1e6).describe("how many examples; the scale's if not given").optional(),
  ...training,
}).readonly();

/** What the base is tuned on; what is left out has the scale's setting. */
export type Tuning = z.infer<typeof tuningOptions>;

export const rulesOptions = z.strictObject({
  use: z.array(rule).readonly()
    .describe("the paper's rules by name, and rules of one's own as values"),
  variant: z.enum(["paper", "code"]).describe("as the paper or as its code has them").optional(),
  eosSlope: z.number().describe("added to EOS for each token of the response").optional(),
  eosHorizon: count(1e6).describe("response tokens after which the EOS ramp ends").optional(),
  repetitionWeight: z.number().describe("added once to a token that the response has").optional(),
  uniform: z.array(
    z.strictObject({ string: z.string(), weight: z.number(), exact: z.boolean().optional() }),
  ).readonly().describe("words of the uniform rule, in place of the scale's").optional(),
}).readonly();

/** The rules of §6; a weight given here replaces the scale's. */
export type Rules = z.infer<typeof rulesOptions>;

export const armOptions = z.strictObject({
  name: z.string().min(1).describe("what tables call it"),
  template: z.enum(["tulu", "ab", "swapped", "none"])
    .describe("the tags around instruction and response, in tuning and in evaluation"),
  tuning: tuningOptions.nullable().describe("how the base is tuned, or null"),
  rules: rulesOptions.nullable().describe("the rules added to its logits, or null"),
}).readonly();

/** One adaptation of a base with its settings, as a value. */
export type Arm = z.infer<typeof armOptions>;

export const studyOptions = z.strictObject({
  scale: z.enum(["miniature", "small", "paper"]).describe("base, data, judge and budget")
    .optional(),
  base: z.string().describe("one of the scale's bases; at small a hub id or folder").optional(),
  override: z.record(z.string(), z.json())
    .describe("options in place of those of the base's config.json; null takes one away")
    .optional(),
  data: z.string().describe('"lima", "alpaca", or a file or folder of data').optional(),
  seeds: count(100).describe("how many seeds, 1…N").optional(),
  split: z.enum(["validation", "test", "ranking"]).describe("which instructions").optional(),
  prompts: count(1e6).describe("how many of them, the first ones").optional(),
  maxTokens: count(1e6).describe("cap on a response, in tokens").optional(),
  judge: z.custom<Judge>((value) => typeof value === "function")
    .describe("says which of two answers is better: comparisons → preferences").optional(),
  tuning: z.strictObject({
    ...training,
    accumulate: count(4096).describe("batches a step").optional(),
    multiple: count(4096).describe("rows are padded to a multiple of so many tokens").optional(),
    schedule: z.enum(["linear", "cosine", "constant", "warmup-stable-decay"]).optional(),
    warmup: share.describe("of the steps").optional(),
    finalFraction: share.describe("of the peak, where the schedule ends").optional(),
    betas: z.tuple([share, share]).readonly().describe("AdamW's").optional(),
    epsilon: z.number().positive().describe("AdamW's").optional(),
    weightDecay: z.number().min(0).optional(),
    decayAll: z.boolean().describe("norms and biases too").optional(),
    clip: z.number().positive().nullable().describe("the most the gradient's norm may be")
      .optional(),
    reduction: z.enum(["example-mean", "token-mean", "sum"]).optional(),
    checkpointLayers: z.boolean().describe("less memory, a third more work").optional(),
  }).readonly().describe("settings that replace the scale's").optional(),
}).readonly();

/** What `openStudy` takes. */
export type StudyOptions = z.infer<typeof studyOptions>;

/** Where wrong responses come from, in ranking. */
export const negativesOption = z.enum(["random", "family", "length"]);
export type Negatives = z.infer<typeof negativesOption>;

/**
 * Checks a value against its description.
 *
 * @param what what it is called in errors: `the arm "mine"`.
 * @throws at the first field that is unknown, missing or out of bounds: names it, lists what there
 *   is, and suggests the nearest.
 * @example
 * ```ts
 * checkOptions(tuningOptions, { data: "response" }, "tuning");
 * // Expected data of tuning to be one of instructions, responses, …, but found "response": did you
 * // mean responses?
 * ```
 */
export function checkOptions(schema: z.ZodType, value: unknown, what: string): void {
  const { issues = [] } = schema.safeParse(value).error ?? {};
  const issue = issues.find(({ code }) => code === "unrecognized_keys") ?? issues[0];
  if (!issue) return;
  const place = issue.path.length === 0 ? what : `${issue.path.join(".")} of ${what}`;
  if (issue.code === "unrecognized_keys") {
    const [field] = issue.keys as [string];
    const known = fieldsAt(schema, issue.path);
    throw new Error(
      `Expected ${place} to have no fields but ${known.join(", ")}, but found ${field}` +
        nearest(field, known),
    );
  }
  const found = issue.path.reduce((at, key) => (at as Record<PropertyKey, unknown>)?.[key], value);
  const shown = typeof found === "string" ? JSON.stringify(found) : String(found);
  const names = issue.code === "invalid_value"
    ? issue.values.map(String)
    : issue.code === "custom"
    ? Object.keys(issue.params ?? {})
    : [];
  throw new Error(
    `Expected ${place} to be ${expectation(issue)}, but found ${shown}` +
      (typeof found === "string" ? nearest(found, names) : "."),
  );
}

const kinds: Readonly<Record<string, string>> = {
  int: "a whole number",
  number: "a number",
  string: "text",
  array: "a list",
  object: "an object with its fields",
};

function expectation(issue: z.core.$ZodIssue): string {
  switch (issue.code) {
    case "invalid_value":
      return `one of ${issue.values.join(", ")}`;
    case "invalid_type":
      return kinds[issue.expected] ?? issue.expected;
    case "too_small":
      return `${issue.inclusive ? "at least" : "more than"} ${issue.minimum}`;
    case "too_big":
      return `at most ${issue.maximum}`;
    default:
      return issue.message;
  }
}

/** The end of an error about a word: what may have been meant. */
function nearest(word: string, known: readonly string[]): string {
  const begun = known.find((name) => name.startsWith(word) || word.startsWith(name));
  const name = begun ?? (known.length > 0 ? closest(word, known) : "");
  const isNear = begun !== undefined || distance(word, name) <= Math.ceil(word.length / 3);
  return isNear && name !== "" ? `: did you mean ${name}?` : ".";
}

/** The object that stands at a path, whatever is wrapped around it. */
function fieldsAt(schema: z.ZodType, path: readonly PropertyKey[]): string[] {
  return Object.keys(path.reduce<Record<string, z.ZodType>>(
    (shape, key) => typeof key === "number" ? shape : shapeOf(shape[String(key)]!),
    shapeOf(schema),
  ));
}

function shapeOf(schema: z.ZodType): Record<string, z.ZodType> {
  const { shape, innerType, element } = schema.def as unknown as {
    shape?: Record<string, z.ZodType>;
    innerType?: z.ZodType;
    element?: z.ZodType;
  };
  return shape ?? shapeOf((innerType ?? element)!);
}

/**
 * The fields of a description, and what each is, as rows of a table.
 *
 * @example
 * ```ts
 * await showTable(optionsTable(tuningOptions));
 * ```
 */
export function optionsTable(schema: z.ZodType): { option: string; what: string }[] {
  return Object.entries(shapeOf(schema)).map(([option, field]) => {
    const { innerType } = field.def as unknown as { innerType?: z.ZodType };
    return { option, what: field.description ?? innerType?.description ?? "" };
  });
}
