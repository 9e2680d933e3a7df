import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";
import { notebookNames, readNotebooks } from "@implicit/notebook";
import { checkNotebooks } from "@implicit/notebook/testing";

Deno.test("every notebook's cells fit the door, by the rules of notebooks/deno.json", async () => {
  const folder = fileURLToPath(new URL("../notebooks", import.meta.url));
  const notebooks = await readNotebooks(folder, await notebookNames(folder));
  assert(notebooks.size >= 10);
  const faults = (await checkNotebooks(notebooks, folder))
    .map(({ notebook, cell, line, message }) => [`${notebook}, cell ${cell}`, line, message]);
  assert.deepEqual(faults, []);
});
