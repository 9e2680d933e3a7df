import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";

Deno.test("README's example runs a notebook and draws a figure", async () => {
  const room = import.meta.dirname!;
  const [, example] = /```ts\n([\s\S]*?)```/.exec(await readFile(join(room, "README.md"), "utf8"))!;
  const folder = await mkdtemp(join(room, ".readme-")); // inside, so that names are found
  try {
    await writeFile(join(folder, "example.ts"), example!);
    const { status, stdout, stderr } = spawnSync(
      Deno.execPath(),
      ["run", "-A", "--check", "--no-lock", "example.ts"],
      { cwd: folder, encoding: "utf8" },
    );
    assert.equal(status, 0, stderr);
    assert.match(stdout, /name: "stdout", text: "42\\n"/);
    assert.match(await readFile(join(folder, "figure.svg"), "utf8"), /^<svg[\s\S]*Win rate/);
  } finally {
    await rm(folder, { recursive: true });
  }
});
