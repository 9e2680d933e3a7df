import assert from "node:assert/strict";
import { existsSync, readdirSync } from "node:fs";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { createEngine } from "@implicit/engine";
import { loadCheckpoint } from "@implicit/decoder";
import { compareGolden, readGolden, tolerances } from "./golden.ts";

const path = (relative: string) => fileURLToPath(new URL(relative, import.meta.url));
const shipped = path("../../packages/decoder/model/testdata");
const shared = path("../../../shared/golden");
const folders = [shipped, shared].filter(existsSync).flatMap((root) =>
  readdirSync(root, { withFileTypes: true })
    .filter((entry) =>
      entry.isDirectory() && (root === shipped || !existsSync(join(shipped, entry.name)))
    )
    .map(({ name }) => ({ name, folder: join(root, name) }))
);
if (!existsSync(shared)) {
  console.log("Five families are not compared: there is no ../shared/golden.");
}

for (const { name, folder } of folders) {
  for (const kind of ["compiled", "eager"] as const) {
    Deno.test(`the ${kind} engine agrees with PyTorch on ${name}`, async () => {
      const engine = await createEngine({ kind });
      const model = await loadCheckpoint(folder);
      const errors = await compareGolden(engine, model, await readGolden(folder));
      for (const [what, tolerance] of Object.entries(tolerances)) {
        const error = errors[what as keyof typeof tolerances];
        assert.ok(error <= tolerance, `${what}: expected at most ${tolerance} but found ${error}`);
      }
      assert.equal(errors.greedy, null);
    });
  }
}

Deno.test("compareGolden() notices weights that are not those of the golden", async () => {
  const folder = join(shipped, "llama-mha");
  const model = await loadCheckpoint(folder);
  model.parameters.get("model.layers.1.mlp.up_proj.weight")!.data[5]! += 0.05;
  const errors = await compareGolden(await createEngine(), model, await readGolden(folder));
  assert.ok(errors.logits > tolerances.logits);
  assert.ok(errors.gradients > tolerances.gradients);
});

Deno.test("readGolden() refuses a file without its parts", async () => {
  const folder = await mkdtemp(join(tmpdir(), "golden-"));
  await assert.rejects(readGolden(folder), /Expected .*golden.json/);
  await writeFile(join(folder, "golden.json"), '{"loss": 1}');
  await assert.rejects(readGolden(folder), /Expected "input_ids"/);
  await rm(folder, { recursive: true });
});
