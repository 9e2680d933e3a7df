import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";
import { notebookNames, readNotebooks } from "@implicit/notebook";
import { checkNotebooks, lostNames } from "@implicit/notebook/testing";

Deno.test("every notebook's cells fit the door, by the rules of notebooks/deno.json", async () => {
  const folder = fileURLToPath(new URL("../notebooks", import.meta.url));
  const notebooks = await readNotebooks(folder, await notebookNames(folder));
  assert(notebooks.size >= 10);
  const faults = (await checkNotebooks(notebooks, folder))
    .map(({ notebook, cell, line, message }) => [`${notebook}, cell ${cell}`, line, message]);
  assert.deepEqual(faults, []);
});

Deno.test("no cell of code is longer than ten lines", async () => {
  const folder = fileURLToPath(new URL("../notebooks", import.meta.url));
  const notebooks = await readNotebooks(folder, await notebookNames(folder));
  const long = [...notebooks].flatMap(([name, { cells }]) =>
    cells.filter(({ cell_type, source }) => cell_type === "code" && source.split("\n").length > 10)
      .map(({ source }) => `${name}: ${source.slice(0, 60)}`)
  );
  assert.deepEqual(long, []);
});

Deno.test("no cell has an earlier cell's name as a shorthand property, which tslab loses", async () => {
  const folder = fileURLToPath(new URL("../notebooks", import.meta.url));
  const notebooks = await readNotebooks(folder, await notebookNames(folder));
  const lost = [...notebooks].flatMap(([name, notebook]) =>
    lostNames(notebook).map((one) => `${name}, cell ${one.cell}: { ${one.name} }`)
  );
  assert.deepEqual(lost, []);
});

Deno.test("no cell shows its last value, which one kernel displays and the other prints", async () => {
  const folder = fileURLToPath(new URL("../notebooks", import.meta.url));
  const notebooks = await readNotebooks(folder, await notebookNames(folder));
  const shown = [...notebooks].flatMap(([name, { cells }]) =>
    cells.filter(({ outputs }) => outputs?.some((one) => one.output_type === "execute_result"))
      .map(({ source }) => `${name}: ${source.slice(0, 60)}`)
  );
  assert.deepEqual(shown, []);
});
