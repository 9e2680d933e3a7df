/**
 * The whole story in one figure: every arm's win rate, the paper's beside the miniature's mean over
 * bases. Knows the arms' order and names for people; not how the figure is drawn.
 */
import type { ForestPlot, ForestRow } from "@implicit/notebook";
import { overBases } from "./bases.ts";
import type { PaperRow, ResultRow } from "./results.ts";

/** Arms in the order of the story, each with its name in the figure and what the paper calls it. */
const GROUPS: readonly {
  readonly title: string;
  readonly note: string;
  readonly arms: readonly (readonly [arm: string, label: string, note?: string])[];
}[] = [
  { title: "Nothing", note: "pretrained, then asked", arms: [["base", "base"]] },
  {
    title: "Three rules, no training",
    note: "added to logits: end, do not repeat, shift a few words",
    arms: [
      ["rules:repetition", "repetition"],
      ["rules:uniform", "uniform"],
      ["rules:eos", "EOS"],
      ["rules-without-eos", "all but EOS"],
      ["rules-without-uniform", "all but uniform"],
      ["rules-without-repetition", "all but repetition"],
      ["rules", "all three"],
    ],
  },
  {
    title: "One task only",
    note: "tuned on a single kind of request, asked every other",
    arms: [
      ["single-task:game", "game", "chess"],
      ["single-task:code", "code", "MBPP"],
      ["single-task:recipes", "recipes"],
      ["single-task:poems", "poems"],
      ["single-task:sums", "sums", "GSM"],
    ],
  },
  {
    title: "Responses only",
    note: "tuned to answer, never shown what was asked",
    arms: [
      ["shuffled-pairs", "shuffled pairs", "a control"],
      ["response-tuning:no-rephrase", "that do not restate"],
      ["response-tuning:ab-tags", "between A/B tags"],
      ["response-tuning", "response tuning"],
    ],
  },
];

/**
 * The story's figure, of those arms that were measured; null where none was.
 *
 * @param rows results of one base or more; those over all seeds are used.
 * @example
 * ```ts
 * forestSvg(storyOf(rows, await paperRows())!, { theme: "light" });
 * ```
 */
export function storyOf(
  rows: readonly ResultRow[],
  paper: readonly PaperRow[],
): ForestPlot | null {
  const over = rows.filter(({ seed, metric }) => seed === null && metric === "win-rate");
  // An arm may be measured in several sections, with the same runs: one of them will do.
  const wins = GROUPS.flatMap(({ arms }) => arms).flatMap(([arm]) => {
    const own = over.filter((row) => row.arm === arm);
    return own.filter(({ section }) => section === own[0]!.section);
  });
  const means = overBases(wins);
  const is = (arm: string) => (row: ResultRow | PaperRow) =>
    row.arm === arm && row.metric === "win-rate";
  const models = [...new Set(paper.map(({ model }) => model))];
  const bases = new Set(wins.map(({ model }) => model)).size;
  const rowOf = ([arm, label, note]: (typeof GROUPS)[number]["arms"][number]): ForestRow[] => {
    const mean = means.find((row) => row.arm === arm);
    if (!mean) return [];
    const { value, low, high } = mean;
    const published = models.map((model) =>
      paper.filter(is(arm)).find((row) => row.model === model)?.value ?? null
    );
    const draws = wins.filter(is(arm)).map((row) => row.value);
    return [{ label, ...(note ? { note } : {}), value, low, high, draws, published }];
  };
  const groups = GROUPS.map(({ title, note, arms }) => ({ title, note, rows: arms.flatMap(rowOf) }))
    .filter((group) => group.rows.length > 0);
  return groups.length === 0 ? null : {
    title: "How much must one teach a model before it follows instructions?",
    subtitle: "Win rate against the same base after instruction tuning, %",
    legend: {
      mean: bases === 1 ? "here, 95 % interval" : `here: mean of ${bases} bases, 95 % interval`,
      draw: bases === 1 ? null : "each base",
    },
    publishers: models.map((model) => `paper, ${model.replace(/-Feb2024$/, "")}`),
    groups,
    reference: { value: 50, label: "instruction tuning = 50" },
  };
}
