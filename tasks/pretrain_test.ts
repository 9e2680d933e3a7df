/** A shipped base is made of nothing but its seed: its pretraining begins again as it began. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { createEngine } from "@implicit/engine";
import { pretrain, projectRoot } from "implicit/tasks";
import { trainingOptions } from "@implicit/world";
import { beginning, processor } from "./pretrain.ts";

const about = JSON.parse(
  readFileSync(join(projectRoot(), "data", "world", "base-1", "training.json"), "utf8"),
);

// Half a minute: the losses of the first steps, each of which depends on all steps before it.
Deno.test("pretraining computes the first 200 losses of base-1 again", async () => {
  const { model, stream } = beginning("base-1", about.seed, about.tokens);
  assert.equal(model.hash, about.hashes.start);
  const first: number[] = about.loss.first;
  assert.equal(first.length, 200);
  const losses: number[] = [];
  const enough = new AbortController();
  const engine = await createEngine({ threads: about.engine.threads });
  await assert.rejects(
    pretrain(engine, model, stream, {
      ...trainingOptions(about.tokens, about.seed),
      signal: enough.signal,
      onStep({ loss }) {
        losses.push(loss);
        if (losses.length === first.length) enough.abort(new Error("enough"));
      },
    }),
    /enough/,
  );
  // Bit for bit on the kind of processor and the versions that made it; other kinds of processor
  // round sums in another order, as do other versions of the runtime.
  const same = processor() === about.processor &&
    JSON.stringify(engine.describe()) === JSON.stringify(about.engine);
  if (same) assert.deepEqual(losses, first);
  else losses.forEach((loss, i) => assert.ok(Math.abs(loss - first[i]!) < 1e-4, `step ${i + 1}`));
});
