import { deepStrictEqual, ok, rejects } from "node:assert/strict";
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import type { Annotation } from "./annotation.ts";
import {
  readAnnotations,
  readDifficulty,
  readGamed,
  readModelOutputs,
  writeRows,
} from "./files.ts";

/** Runs with a folder that is gone afterwards. */
async function inFolder(body: (folder: string) => Promise<void>): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), "judge-"));
  try {
    await body(folder);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

const row: Annotation = {
  instruction: 'Say "NaN" 👍',
  output_1: "a",
  output_2: null,
  generator_1: "r",
  generator_2: "c",
  preference: NaN,
};

Deno.test("writeRows() and readAnnotations() agree, gzip and Python's NaN included", async () => {
  await inFolder(async (folder) => {
    const path = join(folder, "annotations.json");
    await writeRows(path, [row, { ...row, preference: 1.25 }]);
    deepStrictEqual(readdirSync(folder), ["annotations.json"]);
    deepStrictEqual(await readAnnotations(path), [row, { ...row, preference: 1.25 }]);
    const python = readFileSync(path, "utf8").replace('"preference": null', '"preference": NaN');
    ok(python.includes(": NaN"));
    writeFileSync(path + ".gz", gzipSync(python));
    deepStrictEqual((await readAnnotations(path + ".gz"))[0], row);
  });
});

Deno.test("readers refuse files of two models, references or annotators", async () => {
  await inFolder(async (folder) => {
    const path = join(folder, "rows.json");
    const write = (rows: unknown) => writeFileSync(path, JSON.stringify(rows));
    const judged = { ...row, preference: 1, annotator: "a" };
    for (const field of ["generator_1", "generator_2", "annotator"]) {
      write([judged, { ...judged, [field]: "other" }]);
      await rejects(readAnnotations(path), new RegExp(`one ${field} in .* found 2, .*"other"`));
    }
    write([judged, { ...judged, annotator: null }, { ...judged, annotator: undefined }]);
    ok((await readAnnotations(path)).length === 3, "a draw without a judge names none");
    const output = { instruction: "i", output: "o", generator: "g" };
    write([output, { ...output, generator: "other" }]);
    await rejects(readModelOutputs(path), /one generator in .* "g" and "other"/);
  });
});

Deno.test("readers name the file, the row and the field that is wrong", async () => {
  await inFolder(async (folder) => {
    const file = (
      name: string,
      text: string,
    ) => (writeFileSync(join(folder, name), text), join(folder, name));
    await rejects(readModelOutputs(file("a.json", "[{}")), /Expected JSON in .*a\.json/);
    await rejects(readModelOutputs(file("b.json", '{"a": 1}')), /list of rows in .*b\.json/);
    await rejects(
      readModelOutputs(file("c.json", '[{"instruction": 3, "output": "", "generator": ""}]')),
      /Expected string in "instruction" of row 0 of .*c\.json but found number/,
    );
    await rejects(readGamed(file("d.csv", "a,b\n1,2\n")), /column "preference"/);
    await rejects(
      readDifficulty(file("e.csv", "index,instruction_difficulty\n0,x\n")),
      /Expected a number in "instruction_difficulty" of row 0/,
    );
    const gamed = "preference,std_delta_len,instruction_difficulty\n1,1,1\n1.2,1,1\n";
    await rejects(readGamed(file("g.csv", gamed)), /probability as preference in row 1 .* 1\.2/);
    const judged = JSON.stringify([{ ...row, preference: 7 }]);
    await rejects(readAnnotations(file("h.json", judged)), /from 1 to 2, 0 or null in row 0 .* 7/);
    writeFileSync(join(folder, "j.csv"), Uint8Array.of(0xff, 0x0a));
    await rejects(readGamed(join(folder, "j.csv")), /Expected a file to read at .*j\.csv/);
    const packed = gzipSync("[]");
    for (const bytes of [packed.subarray(0, 12), gzipSync("[".repeat(1 << 25))]) {
      writeFileSync(join(folder, "k.json"), bytes);
      await rejects(
        readAnnotations(join(folder, "k.json")),
        /Expected a file to read at .*k\.json/,
      );
    }
    await rejects(
      readDifficulty(file("f.csv", "index,instruction_difficulty\n0,1\n2,1\n")),
      /each index 0…1 once/,
    );
  });
});
