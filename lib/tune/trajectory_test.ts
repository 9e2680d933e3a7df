import assert from "node:assert/strict";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { createEngine } from "@implicit/engine";
import { tinyExamples, tinyModel } from "../testing/tiny.ts";
import { tune } from "./tune.ts";

const stored = fileURLToPath(new URL("./trajectory.json", import.meta.url));

// Remove trajectory.json to have it written anew, where a change of the losses is meant.
Deno.test("tune() takes the fifty steps that were pinned", async () => {
  const { losses } = await tune(await createEngine(), tinyModel(), tinyExamples(), {
    steps: 50,
    batchSize: 4,
    accumulate: 2,
    learningRate: 2e-2,
    schedule: "cosine",
    warmup: 0.1,
    weightDecay: 0.1,
    seed: 5,
  });
  if (!existsSync(stored)) {
    writeFileSync(stored, JSON.stringify(losses.map((loss) => Number(loss.toPrecision(7)))) + "\n");
    assert.fail(`wrote ${stored}: look at it, commit it, and run the test again`);
  }
  const pinned: number[] = JSON.parse(readFileSync(stored, "utf8"));
  assert.equal(losses.length, pinned.length);
  losses.forEach((loss, i) =>
    assert.ok(Math.abs(loss / pinned[i]! - 1) < 1e-3, `step ${i + 1}: ${loss}, not ${pinned[i]}`)
  );
});
