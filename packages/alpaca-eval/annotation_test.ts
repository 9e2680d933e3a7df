import { deepStrictEqual, ok, rejects, strictEqual } from "node:assert/strict";
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import {
  type Annotation,
  pairOutputs,
  readAnnotations,
  readDifficulty,
  readGamed,
  readLeaderboard,
  readModelOutputs,
  writeLeaderboard,
  writeRows,
} from "./annotation.ts";
import { averageLength, leaderboardRow } from "./leaderboard.ts";
import { absent, at, models } from "./testdata.ts";

/** Runs with a folder that is gone afterwards. */
async function inFolder(body: (folder: string) => Promise<void>): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), "judge-"));
  try {
    await body(folder);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

const row: Annotation = {
  instruction: 'Say "NaN" 👍',
  output_1: "a",
  output_2: null,
  generator_1: "r",
  generator_2: "c",
  preference: NaN,
};

Deno.test("writeRows() and readAnnotations() agree, gzip and Python's NaN included", async () => {
  await inFolder(async (folder) => {
    const path = join(folder, "annotations.json");
    await writeRows(path, [row, { ...row, preference: 1.25 }]);
    deepStrictEqual(readdirSync(folder), ["annotations.json"]);
    deepStrictEqual(await readAnnotations(path), [row, { ...row, preference: 1.25 }]);
    const python = readFileSync(path, "utf8").replace('"preference": null', '"preference": NaN');
    ok(python.includes(": NaN"));
    writeFileSync(path + ".gz", gzipSync(python));
    deepStrictEqual((await readAnnotations(path + ".gz"))[0], row);
  });
});

Deno.test("readers name the file, the row and the field that is wrong", async () => {
  await inFolder(async (folder) => {
    const file = (
      name: string,
      text: string,
    ) => (writeFileSync(join(folder, name), text), join(folder, name));
    await rejects(readModelOutputs(file("a.json", "[{}")), /Expected JSON in .*a\.json/);
    await rejects(readModelOutputs(file("b.json", '{"a": 1}')), /list of rows in .*b\.json/);
    await rejects(
      readModelOutputs(file("c.json", '[{"instruction": 3, "output": "", "generator": ""}]')),
      /Expected string in "instruction" of row 0 of .*c\.json but found number/,
    );
    await rejects(readGamed(file("d.csv", "a,b\n1,2\n")), /column "preference"/);
    await rejects(
      readDifficulty(file("e.csv", "index,instruction_difficulty\n0,x\n")),
      /Expected a number in "instruction_difficulty" of row 0/,
    );
    await rejects(
      readDifficulty(file("f.csv", "index,instruction_difficulty\n0,1\n2,1\n")),
      /each index 0…1 once/,
    );
  });
});

Deno.test("pairOutputs() pairs by instruction and reports what only one side has", () => {
  const output = (instruction: string, generator: string, output: string | null) => ({
    instruction,
    generator,
    output,
  });
  const { comparisons, unpaired } = pairOutputs(
    [output("b", "c", "1"), output("a", "c", "2"), output("a", "c", "3"), output("x", "c", "4")],
    [output("a", "r", "5"), output("b", "r", null), output("a", "r", "6"), output("y", "r", "7")],
  );
  deepStrictEqual(comparisons.map((c) => [c.instruction, c.output_1, c.output_2]), [
    ["b", null, "1"],
    ["a", "5", "2"],
    ["a", "6", "3"],
  ]);
  deepStrictEqual(unpaired, ["x", "y"]);
});

Deno.test("averageLength() counts code points, floors, and reads a missing output as empty", () => {
  strictEqual(averageLength(["👍👍👍", null, "ab"]), 1);
  strictEqual(averageLength(["👍👍👍", "ab"], 4), 1);
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
    const board = await readLeaderboard(at("leaderboard_subset.csv"));
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

Deno.test({
  name: "writeLeaderboard() writes what readLeaderboard() reads (needs ../shared/testdata)",
  ignore: absent,
  fn: () =>
    inFolder(async (folder) => {
      const board = await readLeaderboard(at("leaderboard_subset.csv"));
      strictEqual(board.get("alpaca-7b")!.lc_standard_error, null);
      await writeLeaderboard(join(folder, "board.csv"), board);
      deepStrictEqual(await readLeaderboard(join(folder, "board.csv")), board);
    }),
});
