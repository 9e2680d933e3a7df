import assert from "node:assert/strict";
import { cp, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { miniature } from "./miniature.ts";
import { projectRoot } from "./settings.ts";

Deno.test("a base whose weights are not those that were pretrained is refused", async () => {
  const home = process.cwd();
  const root = await mkdtemp(join(tmpdir(), "miniature-"));
  const base = join(root, "data", "world", "base-1");
  try {
    await cp(join(projectRoot(), "data", "world", "base-1"), base, { recursive: true });
    await writeFile(join(root, "deno.json"), "{}");
    process.chdir(root);
    const scale = await miniature();
    assert.deepEqual(scale.bases, ["base-1"]);
    await scale.loadBase("base-1");
    const weights = await readFile(join(base, "model.safetensors"));
    weights[weights.length - 1]! ^= 1;
    await writeFile(join(base, "model.safetensors"), weights);
    await assert.rejects(scale.loadBase("base-1"), /Expected weights in .* as training\.json has/);
  } finally {
    process.chdir(home);
    await rm(root, { recursive: true });
  }
});
