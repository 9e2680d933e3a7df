import assert from "node:assert/strict";
import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Notebook, readNotebook, writeNotebook } from "./notebook.ts";
import { CellFailed, runNotebook } from "./run.ts";
import { notebookOf } from "../testing/sample.ts";

const argv = [Deno.execPath(), "jupyter", "--kernel", "--conn", "{connection_file}"];

async function inFolder(work: (path: string) => Promise<void>) {
  const folder = await mkdtemp(join(tmpdir(), "run-"));
  try {
    await work(join(folder, "toy.ipynb"));
  } finally {
    await rm(folder, { recursive: true });
  }
}

const show = "Deno.jupyter.display";
const seen = (notebook: Notebook, cell: number) => notebook.cells[cell]!.outputs ?? [];

Deno.test("runNotebook() gathers streams, displays, updates and results in order", () =>
  inFolder(async (path) => {
    const notebook = notebookOf(
      `console.log("a"); console.log("b"); const x = 20`,
      `await ${show}({"text/plain": "first", "text/html": "<b>1</b>"}, {raw: true, display_id: "d"});
       await ${show}({"text/plain": "second"}, {raw: true, display_id: "d", update: true});
       await new Promise((r) => setTimeout(r, 20)); undefined`,
      `x + Number(Deno.env.get("TOY"))`,
    );
    const cells: number[] = [];
    await runNotebook(notebook, path, {
      argv,
      env: { TOY: "22" },
      onCell: (_cell, index) => cells.push(index),
    });
    assert.deepEqual(cells, [0, 1, 2]);
    assert.deepEqual(seen(notebook, 0), [{
      output_type: "stream",
      name: "stdout",
      text: "a\nb\n",
    }]);
    assert.deepEqual(seen(notebook, 1), [
      { output_type: "display_data", data: { "text/plain": "second" }, metadata: {} },
    ]);
    const result = seen(notebook, 2)[0]!;
    assert.equal(result.output_type, "execute_result");
    assert.match(JSON.stringify(result), /42/);
    assert.deepEqual(notebook.cells.map((cell) => cell.execution_count), [1, 2, 3]);

    await writeNotebook(path, notebook);
    assert.deepEqual((await readNotebook(path)).cells, notebook.cells);
    assert.deepEqual(await readdir(join(path, "..")), ["toy.ipynb"]);
  }));

Deno.test("runNotebook() names the cell that throws and keeps what was finished", () =>
  inFolder(async (path) => {
    const notebook = notebookOf(`console.log("fine")`, `throw new TypeError("on purpose")`, `1`);
    await assert.rejects(runNotebook(notebook, path, { argv }), (error) => {
      assert(error instanceof CellFailed);
      assert.equal(error.number, 2);
      assert.match(error.reason, /on purpose/);
      assert.match(error.source, /throw new TypeError/);
      return true;
    });
    assert.equal(seen(notebook, 0).length, 1);
    assert.equal(seen(notebook, 1)[0]!.output_type, "error");
    assert.deepEqual(seen(notebook, 2), []);
  }));

Deno.test("runNotebook() notices that the kernel died", () =>
  inFolder(async (path) => {
    const notebook = notebookOf(`1`, `console.log("last words"); Deno.exit(3)`);
    await assert.rejects(
      runNotebook(notebook, path, { argv }),
      /Cell 2 failed: Expected the kernel to go on but found it dead \(status 3\)/,
    );
  }));

Deno.test("runNotebook() gives up on a cell after its time, and when aborted", () =>
  inFolder(async (path) => {
    const endless = notebookOf(`await new Promise(() => setInterval(() => {}, 1000))`);
    await assert.rejects(runNotebook(endless, path, { argv, timeout: 1 }), /within 1 s/);
    const abort = new AbortController();
    const run = runNotebook(notebookOf(`while (true) {}`), path, {
      argv,
      signal: abort.signal,
      onCell: () => setTimeout(() => abort.abort(new Error("stopped by hand")), 300),
    });
    await assert.rejects(run, /stopped by hand/);
  }));

Deno.test("runNotebook() says so when the kernel's program is missing", () =>
  inFolder(async (path) => {
    const run = runNotebook(notebookOf("1"), path, { argv: ["no-such-kernel"] });
    await assert.rejects(run, /Expected to start the kernel "no-such-kernel" but found/);
  }));

Deno.test("readNotebook() refuses what is no notebook", () =>
  inFolder(async (path) => {
    await Deno.writeTextFile(path, `{"nbformat": 3, "worksheets": []}`);
    await assert.rejects(readNotebook(path), /Expected nbformat 4 in toy.ipynb but found 3/);
    await Deno.writeTextFile(path, `{"nbformat": 4, "cells": [{"cell_type": "poem"}]}`);
    await assert.rejects(readNotebook(path), /found "poem"/);
    const deep = "[".repeat(30_000) + "]".repeat(30_000);
    const odd = [
      `{"cell_type": "code", "outputs": [null]}`,
      `{"cell_type": "code", "outputs": [{"output_type": "stream", "name": "stdout", "text": 7}]}`,
      `{"cell_type": "raw", "source": {"a": 1}}`,
      `{"cell_type": "raw", "metadata": {"a": ${deep}}}`,
      `null`,
    ];
    for (const cell of odd) {
      await Deno.writeTextFile(path, `{"nbformat": 4, "cells": [${cell}]}`);
      await assert.rejects(readNotebook(path), /Expected a notebook in toy.ipynb but found/);
    }
    await Deno.writeTextFile(path, `{"nbf`);
    await assert.rejects(readNotebook(path), /Expected a notebook in toy.ipynb/);
  }));
