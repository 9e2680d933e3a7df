/**
 * From measured pairs and points to what scatter plots take, each point with the texts that it stands
 * for. Knows names and texts, nothing of drawing; nor how anything was measured.
 */
import type { PointSeries } from "./scatter.ts";

/** What is shown of the prompts that a ranking or a similarity was measured on. */
interface PointPrompts {
  readonly prompts: readonly { readonly instruction: string; readonly response: string | null }[];
}

/** A model's pairs of a right response and a wrong one, with log-probabilities a token of both. */
interface ShownRanking {
  readonly arm: string;
  readonly pairs: readonly {
    readonly real: number;
    readonly fake: number;
    readonly scores: Readonly<Record<"real" | "fake", { readonly mean: number }>>;
  }[];
}

/** A ranking's pairs as points: log-probability a token of the right response and of the wrong. */
export function rankingPoints({ prompts }: PointPrompts, { arm, pairs }: ShownRanking) {
  const shown = pairs.filter((pair) => Number.isFinite(pair.scores.real.mean));
  return {
    name: arm,
    x: shown.map(({ scores }) => scores.real.mean),
    y: shown.map(({ scores }) => scores.fake.mean),
    text: shown.map(({ real, fake }) =>
      `${prompts[real]!.instruction} → ${prompts[fake]!.response!.slice(0, 60)}`
    ),
  } satisfies PointSeries;
}

/** An answered instruction at its place. */
interface ShownPoint {
  readonly x: number;
  readonly y: number;
  readonly instruction: string;
  readonly response: string;
  readonly family: string;
}

/** A task's similarities as points, those of the instructions in the task's own family apart. */
export function similarityPoints(
  { scale }: { readonly scale: { familyOf(task: string): string | null } },
  task: string,
  { points }: { readonly points: readonly ShownPoint[] },
) {
  const family = scale.familyOf(task);
  const series = (name: string, list: readonly ShownPoint[]) => ({
    name,
    x: list.map(({ x }) => x),
    y: list.map(({ y }) => y),
    text: list.map((p) => `${p.instruction} → ${p.response.slice(0, 80)}`),
  });
  return [
    series("other instructions", points.filter((point) => point.family !== family)),
    series("instructions of the task", points.filter((point) => point.family === family)),
  ].filter(({ x }) => x.length > 0) satisfies PointSeries[];
}
