/** What the judge is asked that is killed. */
import type { Comparison } from "@implicit/alpaca-eval";

export const judgeQuestions: readonly Comparison[] = Array.from({ length: 24 }, (_, i) => ({
  instruction: `Name ${i} rivers.`,
  output_1: "The Rhine.",
  output_2: `The Aare, ${i} times.`,
  generator_1: "reference",
  generator_2: "model",
}));
