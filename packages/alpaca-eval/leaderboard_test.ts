import { deepStrictEqual, ok, strictEqual, throws } from "node:assert/strict";
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
    const listed = outputs.map((output) => ({ instruction: "j", generator: "c", output }));
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

Deno.test("leaderboardRow() gives AlpacaEval's length-controlled rate with its tables, or another name", () => {
  const rows = Array.from({ length: 20 }, (_, i) => ({ ...row, preference: 1 + i / 19 }));
  const difficulty = rows.map((_, i) => Math.sin(i));
  const gamed = [{ preference: 0.5, std_delta_len: 1, instruction_difficulty: 0.1 }];
  const of = (...options: Parameters<typeof leaderboardRow>) => {
    const found = leaderboardRow(...options);
    return Object.keys(found).filter((name) => /winrate$/.test(name) && found[name] !== null);
  };
  deepStrictEqual(of(rows, { difficulty, gamed }), ["length_controlled_winrate"]);
  deepStrictEqual(of(rows, { difficulty }), ["length_controlled_noreg_winrate"]);
  deepStrictEqual(of(rows), ["length_controlled_minimal_winrate"]);
  deepStrictEqual(of(rows.slice(16)), []);
  ok(/that of another model, length_controlled_minimal/.test(String(leaderboardRow(rows).note)));
  strictEqual(leaderboardRow(rows).lc_standard_error, null);
  strictEqual(leaderboardRow(rows, { difficulty, gamed }).note, null);
  // A candidate that wins where it is much longer, and loses where it is as long.
  const long = rows.map((one, i) =>
    i % 4
      ? { ...one, output_2: "x".repeat(90), preference: 2 }
      : { ...one, output_2: "a", preference: 1 }
  );
  ok(/very different/.test(String(leaderboardRow(long, { difficulty, gamed, c: 1e4 }).note)));
});

Deno.test("leaderboardRow() refuses outputs that are not those that were judged", () => {
  const outputs = [{ instruction: "i", generator: "d\u202e", output: "x" }];
  throws(() => leaderboardRow([row], { outputs }), /outputs of "c", .* but found those of "d/);
  const own = { ...outputs[0]!, generator: "c" };
  throws(() => leaderboardRow([row], { outputs: [own] }), /other texts for 1 of 1 instructions/);
  const of = (output: string | null) => leaderboardRow([row], { outputs: [{ ...own, output }] });
  deepStrictEqual([of(null).n_missing_outputs, of("").n_missing_outputs], [1, 0]);
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
