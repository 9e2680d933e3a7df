import assert from "node:assert/strict";
import { createDecoder } from "@implicit/decoder";
import { createEngine } from "@implicit/engine";
import { tinyExamples, tinyModel } from "../testing/tiny.ts";
import { tune } from "../tune/tune.ts";
import { someWeights, withOwnHead } from "./some_weights.ts";

Deno.test("someWeights() trains the arrays it names, and leaves the others as they are", async () => {
  const base = withOwnHead(tinyModel());
  const { names } = base.config.family;
  const arrays = [`${names.finalNorm}.weight`, `${names.head}.weight`];
  const engine = await createEngine({ threads: 1 });
  const { model, losses } = await tune(engine, base, tinyExamples(), {
    adapter: someWeights(base, arrays),
    steps: 20,
    batchSize: 8,
    learningRate: 0.05,
    seed: 1,
  });
  assert.ok(losses.at(-1)! < losses[0]! - 0.02, `${losses[0]} → ${losses.at(-1)}`);
  assert.notEqual(model.hash, base.hash);
  const changed = [...base.parameters].flatMap(([name, { data }]) =>
    data.every((value, i) => value === model.parameters.get(name)!.data[i]) ? [] : [name]
  );
  assert.deepEqual(changed.sort(), arrays.sort());
});

Deno.test("someWeights() names the parameters that there are", () => {
  assert.throws(
    () => someWeights(tinyModel(), ["lm_haed.weight"]),
    /among .* found lm_haed.weight/,
  );
  assert.throws(() => someWeights(tinyModel(), []), /found none/);
});

Deno.test("withOwnHead() gives the same scores, and another hash", async () => {
  const base = tinyModel();
  assert.ok(base.config.tied);
  const own = withOwnHead(base);
  assert.ok(!own.config.tied);
  assert.notEqual(own.hash, base.hash);
  assert.equal(withOwnHead(own), own);
  const scores = [];
  for (const model of [base, own]) {
    const decoder = await createDecoder(model, { threads: 1 });
    scores.push(await decoder.score([{ prompt: [5, 9], response: [7, 3, 2] }]));
    decoder.dispose();
  }
  assert.deepEqual(scores[0], scores[1]);
});
