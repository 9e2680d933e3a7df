import assert from "node:assert/strict";
import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { prepareKernel } from "./kernels.ts";
import type { Json } from "./message.ts";
import { type Notebook, Outputs, readNotebook, writeNotebook } from "./notebook.ts";
import { CellFailed, runNotebook } from "./run.ts";
import { notebookOf } from "../testing/sample.ts";

const root = fileURLToPath(new URL("../../../", import.meta.url));
const { argv, env } = await prepareKernel("deno", root);

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
       undefined`,
      `x + Number(Deno.env.get("TOY"))`,
    );
    const cells: number[] = [];
    await runNotebook(notebook, path, {
      argv,
      env: { ...env, TOY: "22" },
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

Deno.test("runNotebook() keeps every output, in its cell and in order, however long", () =>
  inFolder(async (path) => {
    const lines = (count: number, word: string) =>
      `for (let i = 0; i < ${count}; i++) console.log("${word}", i);`;
    const notebook = notebookOf(
      lines(5000, "first"),
      lines(1000, "second"),
      `console.log("x".repeat(10_000_000));`,
      `setTimeout(() => console.log("late"), 300); "y".repeat(3_000_000)`,
      `console.log("a");
       await ${show}({ "text/plain": "b" }, { raw: true });
       console.log("c");
       ${show}({ "text/plain": "d" }, { raw: true }); // nobody waits for it
       process.stdout.write("e");
       "f"`,
      `await new Promise((resolve) => setTimeout(resolve, 500));`,
    );
    await runNotebook(notebook, path, { argv, env });
    const text = (cell: number) =>
      seen(notebook, cell).map((output) => output.output_type === "stream" ? output.text : "");
    const counted = (word: string, count: number) =>
      Array.from({ length: count }, (_, i) => `${word} ${i}\n`).join("");
    assert.deepEqual(text(0), [counted("first", 5000)]);
    assert.deepEqual(text(1), [counted("second", 1000)]);
    assert.deepEqual(text(2).map((long) => long.length), [10_000_001]);
    assert.deepEqual(text(3).sort(), ["", "late\n"]);
    assert.deepEqual(
      seen(notebook, 4).map((output) => "data" in output ? output.data["text/plain"] : output),
      [
        { output_type: "stream", name: "stdout", text: "a\n" },
        "b",
        { output_type: "stream", name: "stdout", text: "c\n" },
        "d",
        { output_type: "stream", name: "stdout", text: "e" },
        '\x1b[32m"f"\x1b[39m',
      ],
    );
    assert.deepEqual(text(5), []);
  }));

Deno.test("runNotebook() lets tagged cells fail, and leaves others as they are", () =>
  inFolder(async (path) => {
    const notebook = notebookOf(`throw new Error("expected")`, `Deno.exit(1)`, `console.log("on")`);
    const kept = [{ output_type: "stream" as const, name: "stdout", text: "kept" }];
    notebook.cells[0]!.metadata = { tags: ["raises-exception"] };
    Object.assign(notebook.cells[1]!, { metadata: { tags: ["skip-execution"] }, outputs: kept });
    await runNotebook(notebook, path, { argv, env });
    assert.equal(seen(notebook, 0)[0]!.output_type, "error");
    assert.deepEqual(seen(notebook, 1), kept);
    assert.equal(seen(notebook, 2).length, 1);
  }));

Deno.test("readNotebook() and writeNotebook() keep attached pictures", () =>
  inFolder(async (path) => {
    const notebook = notebookOf("# A dot\n\n![dot](attachment:dot.png)");
    const attachments = { "dot.png": { "image/png": "iVBORw0KGgo=" } };
    notebook.cells[0] = { ...notebook.cells[0]!, attachments };
    await writeNotebook(path, notebook);
    assert.deepEqual((await readNotebook(path)).cells, notebook.cells);
  }));

Deno.test("Outputs.add() clears at once, or when the next output comes", () => {
  const outputs = new Outputs(), cell = notebookOf("1").cells[0]!;
  const add = (type: string, content: Json) =>
    outputs.add(cell, { type, content, id: "", parentId: "", header: {}, metadata: {} });
  add("stream", { name: "stdout", text: "a" });
  add("clear_output", { wait: true });
  assert.equal(cell.outputs!.length, 1);
  add("stream", { name: "stdout", text: "b" });
  assert.deepEqual(cell.outputs, [{ output_type: "stream", name: "stdout", text: "b" }]);
  add("clear_output", { wait: false });
  assert.deepEqual(cell.outputs, []);
});

Deno.test("runNotebook() names the cell that throws and keeps what was finished", () =>
  inFolder(async (path) => {
    const notebook = notebookOf(`console.log("fine")`, `throw new TypeError("on purpose")`, `1`);
    await assert.rejects(runNotebook(notebook, path, { argv, env }), (error) => {
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
      runNotebook(notebook, path, { argv, env }),
      /Cell 2 failed: Expected the kernel to go on but found it dead \(status 3\)/,
    );
  }));

Deno.test("runNotebook() gives up on a cell after its time, and when aborted", () =>
  inFolder(async (path) => {
    const endless = notebookOf(`await new Promise(() => setInterval(() => {}, 1000))`);
    await assert.rejects(runNotebook(endless, path, { argv, env, timeout: 1 }), /within 1 s/);
    const abort = new AbortController();
    const run = runNotebook(notebookOf(`while (true) {}`), path, {
      argv,
      env,
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
