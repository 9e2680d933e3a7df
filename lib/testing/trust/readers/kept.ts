/** Trials of what reads the project's own files again: runs, trainings, results, notebooks. */
import { Buffer } from "node:buffer";
import assert from "node:assert/strict";
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { DiskCache } from "@implicit/memo";
import { chaptersOf, readNotebook, writeNotebook, writeReport } from "@implicit/notebook";
import { readResults, summaryRows } from "../../../study/record.ts";
import { readCheckpoint, writeCheckpoint } from "../../../tune/checkpoint.ts";
import { mutateBytes, pick } from "../mutate.ts";
import type { Reader } from "../trial.ts";
import { damaged } from "./model.ts";

/** A run in the cache: as it was kept, or made anew. */
export const keptRuns: Reader = async (folder) => {
  const key = { base: "ab", arm: { name: "base" }, seed: 1 };
  const value = {
    answers: [{ prompt: "p1", response: "x é", score: 0.5, passed: false }],
    losses: [1.5, 1 / 3],
    seconds: { tune: 1, decode: 2 },
  };
  const cache = new DiskCache(folder);
  const ask = () => cache.of("runs", key, () => Promise.resolve(value));
  await ask();
  const path = join(folder, "runs", readdirSync(join(folder, "runs"))[0]!);
  const whole = JSON.parse(readFileSync(path, "utf8"));
  return async (random) => {
    writeFileSync(path, damaged(random, whole));
    const found = await ask();
    return () => assert.deepEqual(found, value, "another run than the one that was kept");
  };
};

/** A training's checkpoint: its bits and losses as they were written, or a training from the start. */
export const keptTrainings: Reader = async (folder) => {
  const arraysOf = (of: (i: number) => number) => ({
    values: Float32Array.from({ length: 16 }, (_, i) => of(i)),
    mean: Float32Array.from({ length: 16 }, (_, i) => of(i) / 7),
  });
  const progress = { run: "r".repeat(64), step: 3, losses: [3, 2.5, 1 / 3] };
  const written = arraysOf((i) => i / 3), zeros = arraysOf(() => 0);
  await writeCheckpoint(folder, progress, written);
  const path = join(folder, "step-3.safetensors");
  const whole = readFileSync(path);
  return async (random) => {
    writeFileSync(path, mutateBytes(random, whole));
    const into = arraysOf(() => 0);
    const found = await readCheckpoint(folder, progress.run, into);
    return () => {
      assert.deepEqual(found, found && progress);
      assert.deepEqual(into, found ? written : zeros);
    };
  };
};

/** The rows that notebooks append: each with an arm and a number. */
export const results: Reader = (folder) => {
  const row = {
    ...{ section: "4.1", arm: "base", model: "m", seed: null, metric: "win-rate", value: 2 },
    ...{
      low: 1,
      high: 3,
      sd: null,
      n: 9,
      paper: 2.4,
      seconds: 1,
      engine: "e",
      hashes: {},
      versions: {},
    },
  };
  const lines = [row, { ...row, arm: "rules", seed: 1 }].map((one) => JSON.stringify(one));
  return Promise.resolve(async (random) => {
    const path = join(folder, "results.jsonl");
    const [first, second] = lines as [string, string];
    const text = Buffer.from(`${first}\n${second}\n`);
    const isText = random(2) > 0;
    writeFileSync(
      path,
      isText ? mutateBytes(random, text) : `${Buffer.from(damaged(random, row))}\n${second}\n`,
    );
    const rows = await readResults(path);
    summaryRows(rows);
    return () => {
      for (const { arm, value } of rows) {
        assert.ok(typeof arm === "string" && Number.isFinite(value), `${arm}: ${value}`);
      }
    };
  });
};

/** A notebook: the same when it is written and read again; nothing of its texts is markup. */
export const notebooks: Reader = (folder) => {
  const whole = {
    nbformat: 4,
    nbformat_minor: 5,
    metadata: { kernelspec: { name: "deno" } },
    cells: [
      {
        cell_type: "markdown",
        id: "a",
        metadata: {},
        source: ["# T\n", "$x^2$ [l](01%20x.ipynb)"],
      },
      {
        cell_type: "code",
        id: "b",
        execution_count: 1,
        metadata: { execution: { "iopub.execute_input": "2026-01-01T00:00:00Z" } },
        outputs: [
          { output_type: "stream", name: "stdout", text: ["a\n", "<script>x</script>"] },
          {
            output_type: "display_data",
            data: { "text/html": ["<b>x</b>"], "text/plain": "x", "application/json": { a: 1 } },
            metadata: {},
          },
          { output_type: "error", ename: "E", evalue: "v", traceback: ["\u001b[31mt"] },
        ],
        source: "1+1",
      },
    ],
  };
  const path = join(folder, "some.ipynb"), copies = join(folder, "copy");
  mkdirSync(copies);
  return Promise.resolve(async (random) => {
    writeFileSync(path, damaged(random, whole));
    const read = await readNotebook(path);
    await writeNotebook(join(copies, "some.ipynb"), read);
    const again = await readNotebook(join(copies, "some.ipynb"));
    const withReport = random(60) === 0;
    if (withReport) {
      const title = pick(random, ["t", "<script>x</script>"]);
      await writeReport(copies, { title }, await chaptersOf(copies));
    }
    return () => {
      assert.equal(JSON.stringify(again), JSON.stringify(read), "another when it is read again");
      if (!withReport) return;
      const page = readFileSync(join(copies, "index.html"), "utf8");
      assert.ok(!page.includes("<script>x"), "a text became markup");
      rmSync(join(copies, "index.html"));
    };
  });
};
