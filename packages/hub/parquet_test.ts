import { deepEqual, equal, match, ok, rejects } from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parquetRows } from "./parquet.ts";

const golden = new URL("./golden/", import.meta.url).pathname;
const files = readdirSync(golden).filter((name) => name.endsWith(".parquet"));

Deno.test("parquetRows() reads every codec that writers use", async () => {
  const codecs = files.filter((name) => name.startsWith("codec."));
  equal(codecs.length, 7); // made by golden/make_parquet.py
  for (const name of codecs) {
    const rows = await Array.fromAsync(parquetRows(join(golden, name)));
    equal(rows.length, 40, name);
    deepEqual(rows.map((row) => row.question), rows.map((_, i) => `What is ${i} + ${i}?`), name);
    deepEqual(
      rows.slice(25, 28).map(({ answer, tags, n }) => [answer, tags, n === null ? n : Number(n)]),
      [["50", ["a"], 25], ["52 and so on", ["a", "b"], 26], ["54 and so on and so on", [], 27]],
      name,
    );
  }
});

Deno.test("parquetRows() reads columns of nulls, lists that are null, and pages of nothing", async () => {
  const rows = await Array.fromAsync(parquetRows(join(golden, "nulls.lz4.parquet")));
  equal(rows.length, 12);
  deepEqual(rows.slice(0, 3), [
    { text: "row 0", none: null, tags: null, pair: null },
    { text: "row 1", none: null, tags: ["x"], pair: { a: 1n } },
    { text: "row 2", none: null, tags: ["x", "x"], pair: { a: 2n } },
  ]);
});

Deno.test("a damaged Parquet file gives an error that can be caught, and no other", async () => {
  const folder = await mkdtemp(join(tmpdir(), "parquet-"));
  const path = join(folder, "damaged.parquet");
  const stray: unknown[] = [];
  const listener = (event: PromiseRejectionEvent) => {
    event.preventDefault();
    stray.push(event.reason);
  };
  addEventListener("unhandledrejection", listener);
  try {
    let tried = 0, refused = 0;
    for (const name of files) {
      const whole = readFileSync(join(golden, name));
      for (let at = 0; at < whole.length; at += 89) {
        const flipped = whole.map((byte, i) => i === at ? byte ^ (1 << tried % 8) : byte);
        const torn = whole.subarray(0, at), lacking = [...torn, ...whole.subarray(at + 1 + at % 7)];
        for (const damaged of [flipped, torn, Uint8Array.from(lacking)]) {
          await writeFile(path, damaged);
          tried++;
          try {
            ok((await Array.fromAsync(parquetRows(path))).length < 100, `${name}, byte ${at}`);
          } catch (error) {
            match(
              (error as Error).message,
              /^Expected readable data in \S+damaged.parquet but found: ./,
            );
            refused++;
          }
        }
      }
    }
    await new Promise((go) => setTimeout(go, 50));
    ok(refused > tried / 2 && refused < tried, `${refused} of ${tried}`);
    deepEqual(stray, []);
  } finally {
    removeEventListener("unhandledrejection", listener);
    await rm(folder, { recursive: true });
  }
});

Deno.test("parquetRows() believes no run of more values than its page has", async () => {
  const folder = await mkdtemp(join(tmpdir(), "parquet-"));
  try {
    const path = join(folder, "long.parquet"),
      damaged = readFileSync(join(golden, "codec.none.parquet"));
    const levels = damaged.indexOf(Uint8Array.of(2, 0, 0, 0, 2 * 25, 1)); // of 25 values, none is null
    ok(levels > 0);
    damaged.set([0xfe, 0xff, 0xff, 0xff, 0x0f], levels + 4);
    await writeFile(path, damaged);
    await rejects(
      Array.fromAsync(parquetRows(path)),
      /long.parquet but found: column question, page 2: 2147483647 equal values in a run/,
    );
  } finally {
    await rm(folder, { recursive: true });
  }
});

Deno.test("parquetRows() names a missing file", async () => {
  await rejects(
    Array.fromAsync(parquetRows("no.parquet")),
    /data file at no.parquet but found none/,
  );
});
