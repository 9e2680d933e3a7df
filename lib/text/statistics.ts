/**
 * A first look at training examples: how long they are in tokens, and a few of them as text.
 *
 * Plain data for tables; showing it is lib/show's. Does NOT know where the examples come from.
 */
import { mean, quantileSorted } from "simple-statistics";
import {
  encodeExample,
  type EncodeOptions,
  type Example,
  IGNORED,
  splitAtTarget,
} from "./example.ts";
import type { ChatTemplate } from "./template.ts";
import type { Tokenizer } from "@implicit/decoder";

/** Lengths in tokens: of the whole example, or of its targets alone. */
export interface LengthRow {
  readonly part: "whole" | "prompt" | "targets";
  readonly count: number;
  readonly mean: number;
  readonly min: number;
  readonly p10: number;
  readonly median: number;
  readonly p90: number;
  readonly max: number;
}

/** What encoding a data set gives. */
export interface LengthStatistics {
  readonly rows: readonly LengthRow[];
  /** Examples that reach the limit (their last response may have no EOS). */
  readonly truncated: number;
  /** Examples that have no target left and are dropped. */
  readonly dropped: number;
  /** First target tokens, most frequent first: how varied the openings are. */
  readonly firstTokens: readonly { readonly token: string; readonly count: number }[];
}

/**
 * Encodes every example and counts.
 *
 * @example
 * const { rows, firstTokens } = lengthStatistics(examples, tokenizer, templates.tulu);
 * showTable(rows);
 */
export function lengthStatistics(
  examples: readonly Example[],
  tokenizer: Tokenizer,
  template: ChatTemplate,
  options: EncodeOptions = {},
): LengthStatistics {
  const { maxLength = 2048 } = options;
  const encoded = examples.map((e) => encodeExample(e, tokenizer, template, options));
  const kept = encoded.filter((e) => e !== null);
  const first = new Map<string, number>();
  for (const one of kept) {
    const token = tokenizer.token(splitAtTarget(one).response[0]!);
    first.set(token, (first.get(token) ?? 0) + 1);
  }
  const whole = kept.map((e) => e.ids.length);
  const targets = kept.map((e) => e.labels.filter((label) => label !== IGNORED).length);
  const prompt = kept.map((e) => splitAtTarget(e).prompt.length);
  return {
    rows: kept.length === 0
      ? []
      : [lengthRow("whole", whole), lengthRow("prompt", prompt), lengthRow("targets", targets)],
    truncated: whole.filter((length) => length === maxLength).length,
    dropped: encoded.length - kept.length,
    firstTokens: [...first].map(([token, count]) => ({ token, count }))
      .sort((a, b) => b.count - a.count),
  };
}

/** An example cut short enough to stand in a table. */
export interface PreviewRow {
  /** From 1. */
  readonly number: number;
  readonly instruction: string;
  readonly response: string;
  /** Turns of the assistant. */
  readonly turns: number;
}

/**
 * The first few examples as text, each side cut to `characters`.
 *
 * @example showTable(previewExamples(examples));
 */
export function previewExamples(
  examples: readonly Example[],
  count = 3,
  characters = 240,
): PreviewRow[] {
  const first = (example: Example, role: "user" | "assistant") =>
    cut(example.messages.find((m) => m.role === role)?.content ?? "", characters);
  return examples.slice(0, count).map((example, i) => ({
    number: i + 1,
    instruction: first(example, "user"),
    response: first(example, "assistant"),
    turns: example.messages.filter((m) => m.role === "assistant").length,
  }));
}

function cut(text: string, characters: number): string {
  const points = Array.from(text); // code points: a cut must not halve an emoji
  return points.length <= characters ? text : points.slice(0, characters - 1).join("") + "…";
}

function lengthRow(part: LengthRow["part"], lengths: readonly number[]): LengthRow {
  const sorted = [...lengths].sort((a, b) => a - b);
  const at = (p: number) => quantileSorted(sorted, p);
  return {
    part,
    count: sorted.length,
    mean: mean(sorted),
    min: sorted[0]!,
    p10: at(0.1),
    median: at(0.5),
    p90: at(0.9),
    max: sorted.at(-1)!,
  };
}
