import { deepStrictEqual, ok, strictEqual } from "node:assert/strict";
import type { Annotation } from "./annotation.ts";
import { readAnnotations, readDifficulty, readGamed, readModelOutputs } from "./files.ts";
import { leaderboardRow } from "./leaderboard.ts";
import { absent, at, models, publishedLeaderboard } from "./testing/published.ts";

const row: Annotation = {
  instruction: "i",
  output_1: "a",
  output_2: null,
  generator_1: "r",
  generator_2: "c",
  preference: 1,
};

Deno.test("leaderboardRow() counts code points, floors, and reads a missing output as empty", () => {
  const lengths = (outputs: (string | null)[], difficulty?: number[]) => {
    const listed = outputs.map((output) => ({ instruction: "i", generator: "c", output }));
    const { avg_length, n_missing_outputs } = leaderboardRow([row], {
      outputs: listed,
      difficulty,
    });
    return [avg_length, n_missing_outputs];
  };
  deepStrictEqual(lengths(["👍👍👍", null, "ab"]), [1, 1]);
  deepStrictEqual(lengths(["👍👍👍", "ab"], [0, 0, 0, 0]), [1, 2]);
  deepStrictEqual(lengths(["👍👍👍", "ab"], [0]), [2, 0]);
});

Deno.test("leaderboardRow() of four rows has no length-controlled rate; of five it has", () => {
  const rows = Array.from({ length: 5 }, (_, i) => ({ ...row, preference: 1 + i / 4 }));
  strictEqual(leaderboardRow(rows.slice(1)).length_controlled_winrate, null);
  strictEqual(typeof leaderboardRow(rows).length_controlled_winrate, "number");
});

Deno.test({
  name: "leaderboardRow() equals the published row (needs ../shared/testdata)",
  ignore: absent,
  fn: async () => {
    const board = publishedLeaderboard();
    const difficulty = await readDifficulty(at("instruction_difficulty_RECOVERED.csv"));
    const gamed = await readGamed(at("df_gamed_RECONSTRUCTED.csv"));
    for (const model of models) {
      const annotations = await readAnnotations(at(`${model}.annotations.json.gz`));
      const outputs = await readModelOutputs(at(`${model}.model_outputs.json.gz`));
      const found = leaderboardRow(annotations, { outputs, difficulty, gamed });
      const published = board.get(model)!;
      for (const column of ["win_rate", "standard_error", "discrete_win_rate"]) {
        const error = Math.abs((found[column] as number) - (published[column] as number));
        // One of the four discrete rates was published by another order of operations: a last bit off.
        ok(
          error <= (column === "discrete_win_rate" ? 1e-12 : 1e-6),
          `${model}.${column}: ${error}`,
        );
      }
      const exact = [
        "n_wins",
        "n_wins_base",
        "n_draws",
        "n_total",
        "avg_length",
      ];
      for (const column of exact) {
        strictEqual(found[column], published[column], `${model}.${column}`);
      }
    }
  },
});
