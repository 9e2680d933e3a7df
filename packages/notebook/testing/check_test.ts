import assert from "node:assert/strict";
import { mkdir } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { checkNotebooks } from "./check.ts";
import { notebookOf } from "./sample.ts";

const folder = import.meta.dirname!;

Deno.test("checkNotebooks() names notebook, cell and line of what does not fit", async () => {
  const fine = notebookOf(
    `import { duration } from "@implicit/notebook";\nconst words = duration(3);`,
    `import { duration, tableText } from "@implicit/notebook";\nconst words = tableText;`,
    `console.log(words, duration(4), await Promise.resolve(1));`,
  );
  const faulty = notebookOf(
    `# prose`,
    `import {\n  duration,\n  durations,\n} from "@implicit/notebook";`,
    `const words = duration(3);\nwords.toFixed(1);`,
    `duration("3");`,
  );
  const faults = await checkNotebooks(new Map([["fine", fine], ["faulty", faulty]]), folder);
  const codes = faults.map(({ notebook, cell, line, message }) => ({
    at: `${notebook} ${cell}:${line}`,
    code: message.split(":")[0],
  }));
  assert.deepEqual(codes, [
    { at: "faulty 2:1", code: "TS2724" },
    { at: "faulty 3:2", code: "TS2551" },
    { at: "faulty 4:1", code: "TS2345" },
  ]);
});

Deno.test("checkNotebooks() names the cell of a fault of syntax, too", async () => {
  const broken = new Map([["broken", notebookOf(`# prose`, `const a = 1;\nconst = 2;`)]]);
  const [fault] = await checkNotebooks(broken, folder);
  assert.deepEqual([fault?.cell, fault?.line], [2, 2]);
});

Deno.test("checkNotebooks() refuses a folder that the checker does not read", async () => {
  const excluded = fileURLToPath(new URL("../../../.cache", import.meta.url));
  await mkdir(excluded, { recursive: true });
  const fine = new Map([["fine", notebookOf(`1;`)]]);
  await assert.rejects(checkNotebooks(fine, excluded), /Expected "deno check" to read every cell/);
});
