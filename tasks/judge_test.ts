import { deepStrictEqual, ok, strictEqual } from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";

/** Runs the task's command. */
async function task(...args: string[]) {
  const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", "--quiet", fileURLToPath(new URL("judge.ts", import.meta.url)), ...args],
  }).output();
  const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
  return { code, out: text(stdout), error: text(stderr) };
}

Deno.test("deno task judge prints AlpacaEval's columns, of a gzipped file too", async () => {
  const folder = mkdtempSync(join(tmpdir(), "judge-"));
  const row = { instruction: "i", output_1: "ab", generator_1: "r", generator_2: "c" };
  const rows = [2, 1, 1.5, 1.9, null].map((preference, i) => ({
    ...row,
    output_2: "👍".repeat(i),
    preference,
  }));
  const path = join(folder, "annotations.json.gz");
  writeFileSync(path, gzipSync(JSON.stringify(rows)));
  const { code, out } = await task("--annotations", path, "--json");
  strictEqual(code, 0);
  const found = JSON.parse(out);
  deepStrictEqual(
    [found.n_wins, found.n_wins_base, found.n_draws, found.n_total, found.n_missing],
    [2, 1, 1, 4, 1],
  );
  ok(Math.abs(found.win_rate - 60) < 1e-12);
  strictEqual(found.discrete_win_rate, 62.5);
  strictEqual(found.avg_length, 2);
  strictEqual(found.length_controlled_winrate, null);
  const outputs = join(folder, "outputs.json");
  const other = [{ instruction: "i", output: "x", generator: "other\u001b[2J\u202e" }];
  writeFileSync(outputs, JSON.stringify(other));
  const refused = await task("--annotations", path, "--outputs", outputs);
  strictEqual(refused.code, 1);
  ok(/outputs of "c", .* those of "other\\u001b\[2J\\u202e"/.test(refused.error), refused.error);
  const missing = await task("--annotations", path + ".not");
  strictEqual(missing.code, 1);
  ok(
    /annotations\.json\.gz\.not/.test(missing.error) && !/\n\s+at /.test(missing.error),
    missing.error,
  );
  ok(/--difficulty <file>/.test((await task("--help")).out));
  rmSync(folder, { recursive: true });
});
