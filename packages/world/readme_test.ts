import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";

const room = import.meta.dirname!;

Deno.test("the README's example runs, and every reference response passes", async () => {
  const example = /```ts\n([^]*?)```/.exec(readFileSync(join(room, "README.md"), "utf8"))?.[1];
  assert.ok(example);
  const folder = await mkdtemp(join(room, "example-")); // in the room, where its name resolves
  try {
    const file = join(folder, "example.ts");
    await writeFile(file, example);
    const { status, stdout, stderr } = spawnSync(Deno.execPath(), ["run", "-A", file], {
      cwd: room,
      encoding: "utf8",
    });
    assert.equal(status, 0, stderr);
    assert.equal(stdout.match(/ 1 true$/gm)?.length, 3, stdout);
  } finally {
    await rm(folder, { recursive: true });
  }
});
