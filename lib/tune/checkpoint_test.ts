import assert from "node:assert/strict";
import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { readCheckpoint, writeCheckpoint } from "./checkpoint.ts";

async function inFolder(test: (folder: string) => Promise<void>): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), "checkpoint-"));
  try {
    await test(folder);
  } finally {
    await rm(folder, { recursive: true });
  }
}

const arrays = () => ({ values: Float32Array.of(1, 2, 3), mean: Float32Array.of(4, 5, 6) });

Deno.test("readCheckpoint() gives back what writeCheckpoint() kept, and only the latest", () =>
  inFolder(async (folder) => {
    await writeCheckpoint(folder, { run: "a", step: 1, losses: [0.1] }, arrays());
    const later = { values: Float32Array.of(7, 8, 9), mean: Float32Array.of(0, 0, 1) };
    await writeCheckpoint(folder, { run: "a", step: 2, losses: [0.1, 1 / 3] }, later);
    const into = arrays();
    const progress = await readCheckpoint(folder, "a", into);
    assert.deepEqual(progress, { run: "a", step: 2, losses: [0.1, 1 / 3] });
    assert.deepEqual(into, later);
    assert.deepEqual(await readdir(folder), ["step-2.safetensors"]);
  }));

Deno.test("readCheckpoint() finds nothing in an empty or absent folder", () =>
  inFolder(async (folder) => {
    assert.equal(await readCheckpoint(folder, "a", arrays()), null);
    assert.equal(await readCheckpoint(join(folder, "absent"), "a", arrays()), null);
  }));

Deno.test("readCheckpoint() passes over what a killed process left, and the next write removes it", () =>
  inFolder(async (folder) => {
    await writeCheckpoint(folder, { run: "a", step: 1, losses: [0] }, arrays());
    await writeFile(join(folder, "step-2.safetensors.77.tmp"), "half");
    assert.equal((await readCheckpoint(folder, "a", arrays()))?.step, 1);
    await writeCheckpoint(folder, { run: "a", step: 2, losses: [0, 0] }, arrays());
    assert.deepEqual(await readdir(folder), ["step-2.safetensors"]);
  }));

Deno.test("readCheckpoint() refuses another run, and arrays of another length", () =>
  inFolder(async (folder) => {
    await writeCheckpoint(folder, { run: "a", step: 1, losses: [0] }, arrays());
    await assert.rejects(readCheckpoint(folder, "b", arrays()), /to be of run b, but found .* a:/);
    const short = { values: new Float32Array(2) };
    await assert.rejects(
      readCheckpoint(folder, "a", short),
      /Expected 2 values of values in .* found 3/,
    );
  }));

Deno.test("readCheckpoint() warns of a checkpoint with any byte changed, and removes it", () =>
  inFolder(async (folder) => {
    const path = join(folder, "step-1.safetensors"), { warn } = console;
    await writeCheckpoint(folder, { run: "a", step: 1, losses: [0.5] }, arrays());
    const whole = await readFile(path);
    for (let at = 0; at < whole.length; at += 7) {
      const damaged = Uint8Array.from(whole, (byte, i) => (i === at ? byte ^ 1 : byte));
      await writeFile(path, damaged);
      const warnings: string[] = [], into = arrays();
      console.warn = (text) => warnings.push(text);
      const progress = await readCheckpoint(folder, "a", into).finally(() => (console.warn = warn));
      if (progress) { // spaces that pad the header, or its "pt"
        assert.deepEqual([progress, into], [{ run: "a", step: 1, losses: [0.5] }, arrays()]);
        continue;
      }
      assert.match(warnings.join(), /^The training begins anew/);
      assert.deepEqual(into, arrays());
      assert.deepEqual(await readdir(folder), []);
    }
  }));
