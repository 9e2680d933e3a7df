import { deepStrictEqual, ok, rejects, strictEqual } from "node:assert/strict";
import { existsSync, mkdirSync, readFileSync, rmSync, utimesSync, writeFileSync } from "node:fs";
import { hostname } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { lockFolder } from "./lock.ts";
import { warningsOf, withCache } from "./testing/judging.ts";

Deno.test("lockFolder() takes over from a holder that is gone, whatever it left", async () => {
  await withCache(async (folder) => {
    const file = join(folder, ".lock");
    const gone = 2147483646; // no process has this number
    const left = [
      "",
      String(gone),
      `${gone} ${hostname()} x`,
      `${process.pid} ${hostname()} of-an-earlier-run`,
      `${process.ppid} ${hostname()} the-number-is-anothers-by-now`,
      "1 another-machine x",
      "\0\0\0\0",
    ];
    for (const holder of left) {
      writeFileSync(file, holder);
      const lock = await lockFolder(folder, 200);
      ok(!lock.isLost() && readFileSync(file, "utf8").startsWith(`${process.pid} `), holder);
      lock.release();
      ok(!existsSync(file), "given back");
    }
  });
});

Deno.test("lockFolder() waits for a holder that lives, and for one that touches the file", async () => {
  await withCache(async (folder) => {
    const file = join(folder, ".lock");
    const first = await lockFolder(folder);
    let second: Awaited<ReturnType<typeof lockFolder>> | undefined;
    const said = await warningsOf(async () => {
      const waiting = lockFolder(folder).then((lock) => second = lock);
      await new Promise((resolve) => setTimeout(resolve, 250));
      strictEqual(second, undefined);
      first.release();
      await waiting;
    });
    ok(!second!.isLost());
    deepStrictEqual(said.map((line) => /\(process \d+\) is at work/.test(line)), [true]);
    second!.release();

    writeFileSync(file, "1 another-machine x");
    let third: Awaited<ReturnType<typeof lockFolder>> | undefined;
    const waiting = lockFolder(folder, 400).then((lock) => third = lock);
    for (let beat = 1; beat <= 8; beat++) {
      await new Promise((resolve) => setTimeout(resolve, 100));
      if (third === undefined) utimesSync(file, beat, beat); // a clock of 1970 will do
    }
    strictEqual(third, undefined, "twice its patience, but touched all the while");
    (await waiting).release();
  });
});

Deno.test("lockFolder() tells a holder that was taken over, and gives nobody else's lock back", async () => {
  await withCache(async (folder) => {
    const file = join(folder, ".lock");
    const lock = await lockFolder(folder);
    writeFileSync(file, `${process.ppid} ${hostname()} the-next`);
    strictEqual(lock.isLost(), true);
    lock.release();
    ok(existsSync(file), "the next one's stays");
    rmSync(file);
    mkdirSync(file);
    await rejects(lockFolder(folder), "a folder in its place is an error, not an endless wait");
  });
});
