import assert from "node:assert/strict";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { bareSource, hashCode, importClosure } from "./code.ts";

const house: Readonly<Record<string, string>> = {
  "deno.json": '{"imports": {"pure-rand": "npm:pure-rand@8.4.2", "yaml": "npm:yaml@2.9.1"}}',
  "lib/deno.json": '{"name": "implicit", "exports": {".": "./mod.ts"}}',
  "lib/run.ts":
    'import { add } from "@implicit/sums";\nimport type { Row } from "./rows.ts";\nexport {\n  add,\n};\n',
  "lib/rows.ts": 'import "yaml";\nexport type Row = number;\n',
  "packages/sums/deno.json": '{"name": "@implicit/sums", "exports": "./mod.ts"}',
  "packages/sums/mod.ts": 'export { add } from "./add.ts";\n',
  "packages/sums/add.ts":
    'import { uniformInt } from "pure-rand/distribution/uniformInt";\nimport "node:fs";\n' +
    "/** Adds. */\nexport const add = (a: number, b: number) => a + b; // plainly\n",
};

async function inHouse(
  body: (root: string, write: (file: string, text: string) => Promise<void>) => Promise<void>,
) {
  const root = await mkdtemp(join(tmpdir(), "house-"));
  const write = async (file: string, text: string) => {
    await mkdir(dirname(join(root, file)), { recursive: true });
    await writeFile(join(root, file), text);
  };
  try {
    for (const [file, text] of Object.entries(house)) await write(file, text);
    await body(root, write);
  } finally {
    await rm(root, { recursive: true });
  }
}

Deno.test("importClosure() follows doors and files, not types, and names packages' versions", () =>
  inHouse(async (root, write) => {
    assert.deepEqual(await importClosure(["lib/run.ts"], root), {
      files: ["lib/run.ts", "packages/sums/add.ts", "packages/sums/mod.ts"],
      packages: ["npm:pure-rand@8.4.2"],
    });
    await write("lib/rows.ts", 'import "danfojs";\n');
    await assert.rejects(importClosure(["lib/rows.ts"], root), /"danfojs".*lib\/rows\.ts/);
  }));

Deno.test("hashCode() changes with what runs and with versions, not with comments or layout", () =>
  inHouse(async (root, write) => {
    const hash = () => hashCode(["lib/run.ts"], root);
    const before = await hash();
    const add = house["packages/sums/add.ts"]!;
    await write("packages/sums/add.ts", add.replace("plainly", "with care").replace("b:", " b:"));
    assert.equal(await hash(), before);
    await write("packages/sums/add.ts", add.replace("a + b", "a - b"));
    assert.notEqual(await hash(), before);
    await write("packages/sums/add.ts", add);
    await write("lib/rows.ts", "export type Row = string;\n");
    assert.equal(await hash(), before, "types compute nothing");
    await write("deno.json", house["deno.json"]!.replace("8.4.2", "8.4.3"));
    assert.notEqual(await hash(), before);
  }));

Deno.test("bareSource() tells comments from what looks like them", () => {
  assert.equal(bareSource('const url = "http://a"; // gone'), 'const url = "http://a" ;');
  assert.equal(
    bareSource("const r = /\\/\\/.*/; /* gone */ f();"),
    "const r = /\\/\\/.*/ ; f ( ) ;",
  );
  assert.notEqual(bareSource("`a // b`"), bareSource("`a // c`"));
});
