import assert from "node:assert/strict";
import { mkdir, mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { notebookOf } from "../testing/sample.ts";
import { prepareKernel } from "./kernels.ts";
import { writeNotebook } from "./notebook.ts";
import { runNotebooks } from "./series.ts";

const kernel = await prepareKernel("deno", fileURLToPath(new URL("../../../", import.meta.url)));

async function inFolder(work: (folder: string) => Promise<void>) {
  const folder = await mkdtemp(join(tmpdir(), "series-"));
  try {
    await work(folder);
  } finally {
    await rm(folder, { recursive: true });
  }
}

/** A cell that ends once a file is there. */
const awaiting = (file: string) => `
  const { existsSync } = await import("node:fs");
  while (!existsSync("${file}")) await new Promise((resolve) => setTimeout(resolve, 50));
`;
const making = (file: string) => `(await import("node:fs")).writeFileSync("${file}", "")`;

Deno.test("runNotebooks() runs as many side by side as it is told, and all are kept", () =>
  inFolder(async (folder) => {
    // Each waits for the other: one after the other they would wait for ever.
    await writeNotebook(join(folder, "a.ipynb"), notebookOf(making("a"), awaiting("b")));
    await writeNotebook(join(folder, "b.ipynb"), notebookOf(awaiting("a"), making("b")));
    const finished: string[] = [], lines: string[] = [];
    await runNotebooks(folder, ["a", "b"], {
      ...kernel,
      out: join(folder, "out"),
      atOnce: 2,
      onFinished: (name) => void finished.push(name),
      onStatus: (line) => void lines.push(line),
    });
    assert.deepEqual(finished.toSorted(), ["a", "b"]);
    assert.deepEqual((await readdir(join(folder, "out"))).sort(), ["a.ipynb", "b.ipynb"]);
    assert(lines.some((line) => /a · cell \d of 2 · b · cell \d of 2/.test(line)), `${lines}`);
  }));

Deno.test("runNotebooks() finishes what is under way beside a cell that fails, and begins no more", () =>
  inFolder(async (folder) => {
    await writeNotebook(join(folder, "a.ipynb"), notebookOf(`throw new Error("no luck")`));
    await writeNotebook(join(folder, "b.ipynb"), notebookOf(awaiting("../late"), "1 + 1"));
    await writeNotebook(join(folder, "c.ipynb"), notebookOf("2 + 2"));
    const cwd = join(folder, "cells"), out = join(folder, "out");
    await mkdir(cwd);
    setTimeout(() => void writeFile(join(folder, "late"), ""), 4000);
    const finished: string[] = [];
    const run = runNotebooks(folder, ["a", "b", "c"], {
      ...kernel,
      cwd,
      out,
      atOnce: 2,
      onFinished: (name) => void finished.push(name),
    });
    await assert.rejects(run, /Notebook "a" failed in cell 1 of 1:[^]*no luck/);
    assert.deepEqual(finished, ["b"]);
    assert.deepEqual((await readdir(out)).sort(), ["a.ipynb", "b.ipynb"]);
  }));
