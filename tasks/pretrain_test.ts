/**
 * What is shipped is made of nothing but seeds: a base's pretraining begins again as it began, and
 * an arm tuned on it gives the answers that stand in data/results.json.
 */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { createEngine } from "@implicit/engine";
import {
  arms,
  beginning,
  openStudy,
  pretrain,
  projectRoot,
  readSettings,
  type ResultRow,
} from "implicit/tasks";
import { recipe, trainingOptions } from "@implicit/world";
import { processor } from "./pretrain.ts";

const about = JSON.parse(
  readFileSync(join(projectRoot(), "data", "world", "base-1", "training.json"), "utf8"),
);

// Half a minute: the losses of the first steps, each of which depends on all steps before it.
Deno.test("pretraining computes the first 200 losses of base-1 again", async () => {
  const { seed, tokens } = about;
  const { size, corpus } = { size: recipe.model, corpus: recipe.corpus };
  const { start: model, stream } = beginning({ name: "base-1", seed, tokens, size, corpus });
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
  if (await alike()) assert.deepEqual(losses, first);
  else losses.forEach((loss, i) => assert.ok(Math.abs(loss - first[i]!) < 1e-4, `step ${i + 1}`));
});

/**
 * Bits are the same on the kind of processor and the versions that made them; other kinds of
 * processor round sums in another order, as do other versions of the runtime.
 */
async function alike(): Promise<boolean> {
  const engine = await createEngine({ threads: about.engine.threads });
  return processor() === about.processor &&
    JSON.stringify(engine.describe()) === JSON.stringify(about.engine);
}

// A quarter of a minute: tunes base-1 and lets it answer every test instruction.
Deno.test("response tuning of base-1 passes the instructions that data/results.json says", async () => {
  const path = join(projectRoot(), "data", "results.json");
  const { rows }: { rows: ResultRow[] } = JSON.parse(readFileSync(path, "utf8"));
  const { values } = rows.find(({ model, section, arm, metric, seed }) =>
    model === "base-1" && section === "4.1" && arm === "response-tuning" &&
    metric === "pass-rate" && seed === null
  )!;
  const settings = { ...readSettings(), fresh: true };
  const study = await openStudy({ scale: "miniature", base: "base-1", seeds: 1 }, settings);
  const { answers } = await study.run(arms.responseTuning, 1);
  const passed = answers.map((answer) => answer.passed ? 1 : 0);
  if (await alike()) assert.deepEqual(passed, values![0]);
  else {
    const other = passed.filter((value, i) => value !== values![0]![i]).length;
    assert.ok(other <= 0.1 * passed.length, `${other} of ${passed.length} answers differ`);
  }
});
