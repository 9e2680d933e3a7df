import { deepEqual, equal, ok, rejects } from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { generator, mutated } from "./testing/mutate.ts";
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
    let refused = 0;
    for (let seed = 0; seed < 400; seed++) {
      const random = generator(seed);
      const whole = readFileSync(join(golden, files[seed % files.length]!));
      await writeFile(path, mutated(random, whole));
      try {
        ok((await Array.fromAsync(parquetRows(path))).length < 100, `seed ${seed}`);
      } catch (error) {
        ok(
          /^Expected readable data in \S+damaged.parquet but found: ./.test(
            (error as Error).message,
          ),
        );
        refused++;
      }
    }
    await new Promise((go) => setTimeout(go, 50));
    ok(refused > 200);
    deepEqual(stray, []);
  } finally {
    removeEventListener("unhandledrejection", listener);
    await rm(folder, { recursive: true });
  }
});

Deno.test("parquetRows() names a missing file", async () => {
  await rejects(
    Array.fromAsync(parquetRows("no.parquet")),
    /data file at no.parquet but found none/,
  );
});
