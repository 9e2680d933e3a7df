import assert from "node:assert/strict";
import type { Notebook } from "./notebook.ts";
import { chooseNotebooks, paceOf } from "./shelf.ts";

const names = ["00 start here", "01 response tuning", "10 more", "solutions"];

Deno.test("chooseNotebooks() finds notebooks by number and by name, in order", () => {
  assert.deepEqual(chooseNotebooks(names, undefined), names);
  assert.deepEqual(chooseNotebooks(names, "10, 1"), ["01 response tuning", "10 more"]);
  assert.deepEqual(chooseNotebooks(names, "resp,00 START"), [
    "00 start here",
    "01 response tuning",
  ]);
  assert.deepEqual(chooseNotebooks(names, "sol"), ["solutions"]);
});

Deno.test("chooseNotebooks() lists what there is when it finds nothing", () => {
  assert.throws(() => chooseNotebooks(names, "01,77"), /found "77":\n {2}00 start here\n {2}01/);
  assert.throws(() => chooseNotebooks(names, ","), /Expected one of these notebooks/);
});

Deno.test("paceOf() reckons the time left from recorded times", () => {
  const cell = (from: number, to: number) => ({
    cell_type: "code" as const,
    source: "",
    metadata: {
      execution: {
        "iopub.execute_input": new Date(from * 1000).toISOString(),
        "shell.execute_reply": new Date(to * 1000).toISOString(),
      },
    },
  });
  const notebook: Notebook = {
    nbformat: 4,
    nbformat_minor: 5,
    metadata: {},
    cells: [cell(0, 100), cell(100, 150)],
  };
  const pace = paceOf(new Map([["a", notebook]]));
  assert.equal(Math.round(pace.left()!), 150);
  pace.begin("a", 1); // already there: twice as fast as recorded, or more
  assert(pace.left()! > 5 && pace.left()! < 25);
  pace.end("a");
  assert.equal(pace.left(), 0);
  assert.equal(paceOf(new Map()).left(), null);
});
