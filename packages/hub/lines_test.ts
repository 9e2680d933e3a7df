import { deepEqual, equal, rejects } from "node:assert/strict";
import { Buffer } from "node:buffer";
import { mkdtemp, rm, truncate, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { linesOf, wholeText } from "./lines.ts";
import { readRows } from "./rows.ts";

/** What `read` makes of a file of this name and content. */
async function of<T>(
  name: string,
  content: string | Uint8Array,
  read: (path: string) => AsyncIterable<T>,
): Promise<T[]> {
  const folder = await mkdtemp(join(tmpdir(), "lines-"));
  try {
    await writeFile(join(folder, name), content);
    return await Array.fromAsync(read(join(folder, name)));
  } finally {
    await rm(folder, { recursive: true });
  }
}
const rows = (name: string, content: string | Uint8Array) => of(name, content, readRows);
const texts = async (content: string | Uint8Array) =>
  (await of("a.txt", content, linesOf)).map(({ text }) => text);
const latin1 = (text: string) => Buffer.from(text, "latin1");

Deno.test("linesOf() ends lines at \\n and \\r\\n alone", async () => {
  const odd = "a\u2028b\u2029c\u0085d\ve\ff\rg";
  deepEqual(await texts(`${odd}\r\n${odd}\n\n\r\n${odd}\r`), [odd, odd, "", "", `${odd}\r`]);
  deepEqual(await texts(""), []);
  deepEqual(await texts("a\n"), ["a"]);
  const long = "ä😀".repeat(100_000); // characters over the borders of what is read at a time
  deepEqual(await texts(`${long}\n${long}`), [long, long]);
  deepEqual(await rows("a.jsonl", `{"a": "x\u2028y\u0085"}\r\n \t\r\n{"a": "\u2029"}`), [
    { a: "x\u2028y\u0085" },
    { a: "\u2029" },
  ]);
  await rejects(rows("a.jsonl", '{"a": 1}\n\u2028\n'), /a\.jsonl, line 2 but found/);
});

Deno.test("a byte-order mark is dropped at the start of a file and nowhere else", async () => {
  deepEqual(await texts("\uFEFFa\n\uFEFFb"), ["a", "\uFEFFb"]);
  deepEqual(await rows("a.jsonl", '\uFEFF{"a": "\uFEFF1"}'), [{ a: "\uFEFF1" }]);
  deepEqual(await rows("a.json", '\uFEFF[{"a": 1}]'), [{ a: 1 }]);
  deepEqual(await rows("a.jsonl.gz", gzipSync('\uFEFF{"a": 1}\n')), [{ a: 1 }]);
});

Deno.test("what is not UTF-8 is refused with its place", async () => {
  const mended = "\uFFFD stands for what was lost\n";
  await rejects(texts(Buffer.concat([Buffer.from(mended), latin1("né\n")])), (error: Error) => {
    equal(
      error.message.replace(/\S+a\.txt/, "FILE"),
      `Expected UTF-8 in FILE but found the byte 0xe9 at byte ${Buffer.byteLength(mended) + 2}, ` +
        "line 2. Write the file anew as UTF-8: iconv -f LATIN1 -t UTF-8.",
    );
    return true;
  });
  const json = latin1('[{"a": 1},\n{"a": "é"}]');
  await rejects(rows("a.json", json), /0xe9 at byte 19, line 2/);
  await rejects(rows("a.jsonl.gz", gzipSync(latin1('{"a": "é"}'))), /0xe9 at byte 8, line 1/);
  await rejects(
    rows("a.jsonl", Buffer.from('\uFEFF{"a": 1}', "utf16le")),
    /found UTF-16 at byte 1/,
  );
  await rejects(texts(Buffer.from([0x61, 0x0a, 0xed, 0xa0, 0x80])), /0xed at byte 3, line 2/);
  await rejects(texts(Buffer.from([0xf0, 0x9f, 0x98])), /0xf0 at byte 1/); // a character cut off
});

Deno.test("numbers that Python writes and JSON lacks are read as Hugging Face datasets does", async () => {
  deepEqual(
    await rows(
      "a.jsonl",
      '{"a": "NaN \\" NaN", "b": NaN}\n{"a": "-Infinity", "b": [-Infinity,Infinity]}',
    ),
    [{ a: 'NaN " NaN', b: null }, { a: "-Infinity", b: [-Infinity, Infinity] }],
  );
  deepEqual(await rows("a.json", '[{"a": "\\\\"},\n\n{"a": NaN}]'), [{ a: "\\" }, { a: null }]);
  for (
    const wrong of ["NaNa", "-NaN", "1.Infinity", "1NaN", "--Infinity", "$NaN", "0-Infinity", "nan"]
  ) {
    await rejects(rows("a.jsonl", `{"a": ${wrong}}`), /readable data in .*line 1 but found/);
  }
  await rejects(rows("a.jsonl", `{"a": ${'"\\'.repeat(200_000)}`), /readable data in .*line 1/);
});

Deno.test("a line without an end, and a gzip file that holds far too much, are refused", async () => {
  const folder = await mkdtemp(join(tmpdir(), "lines-"));
  const path = (name: string) => join(folder, name);
  try {
    await writeFile(path("endless.jsonl"), "{}\n");
    await truncate(path("endless.jsonl"), 2 ** 26 + 10); // zeros, which take no place on the disk
    await rejects(
      Array.fromAsync(readRows(path("endless.jsonl"))),
      /lines of at most 64 MB but found a longer one in .*endless\.jsonl, line 2\./,
    );
    await writeFile(path("bomb.gz"), gzipSync(`${"a".repeat(2 ** 20)}\n`.repeat(24)));
    for (const read of [(name: string) => Array.fromAsync(linesOf(name)), wholeText]) {
      await rejects(read(path("bomb.gz")), /bomb.gz but found: more than 100 times its size in it/);
    }
  } finally {
    await rm(folder, { recursive: true });
  }
});
