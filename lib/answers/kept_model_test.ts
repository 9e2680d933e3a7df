import assert from "node:assert/strict";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DiskCache, hashOf } from "@implicit/memo";
import { tinyModel } from "../testing/tiny.ts";
import { keptModel } from "./kept_model.ts";

Deno.test("keptModel() trains once, for all who ask at once, and again where the weights are damaged", async () => {
  const folder = await mkdtemp(join(tmpdir(), "kept-model-"));
  try {
    let trained = 0;
    const model = tinyModel();
    const ask = () =>
      keptModel(new DiskCache(folder), "models", { seed: 1 }, () => {
        trained++;
        return Promise.resolve(model);
      });
    const [first, second] = await Promise.all([ask(), ask()]);
    assert.deepEqual([first.hash, second.hash, trained], [model.hash, model.hash, 1]);
    assert.equal((await ask()).hash, model.hash);
    assert.equal(trained, 1, "from the disk");
    const place = join(folder, "models", hashOf({ seed: 1 }));
    await writeFile(join(place, "model.safetensors"), "no weights");
    assert.equal((await ask()).hash, model.hash);
    assert.equal(trained, 2);
  } finally {
    await rm(folder, { recursive: true });
  }
});
