import assert from "node:assert/strict";
import { paperRows, type ResultRow } from "./results.ts";
import { storyOf } from "./story.ts";

const row = (arm: string, model: string, values: number[][], section: string) =>
  ({
    section,
    arm,
    seed: null,
    metric: "win-rate",
    model,
    value: 100 * values.flat().reduce((sum, value) => sum + value, 0) / values.flat().length,
    values,
  }) as unknown as ResultRow;

Deno.test("storyOf() sets each arm's mean over bases beside both of the paper's models", async () => {
  const rows = [
    row("response-tuning", "base-1", [[1, 0]], "B"),
    row("response-tuning", "base-2", [[1, 1]], "B"),
    row("response-tuning", "base-1", [[1, 0]], "C"), // the same runs again
    row("base", "base-1", [[0, 0]], "6"),
    row("base", "base-2", [[0, 0]], "6"),
    row("of-my-own", "base-1", [[1, 1]], "6"),
  ];
  const story = storyOf(rows, await paperRows())!;
  assert.deepEqual(story.groups.map(({ title }) => title), ["Nothing", "Responses only"]);
  const [base, tuned] = story.groups.flatMap((group) => group.rows);
  assert.deepEqual(base!.published, [2.4, 4.7]);
  const { label, value, draws, published } = tuned!;
  assert.deepEqual([label, value, draws, published], [
    "response tuning",
    75,
    [50, 100],
    [43.3, 43.7],
  ]);
  assert.match(story.legend.mean, /mean of 2 bases/);
  assert.equal(storyOf([], await paperRows()), null);
});
