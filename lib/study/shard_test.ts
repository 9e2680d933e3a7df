import assert from "node:assert/strict";
import { arms } from "./arm.ts";
import { Elsewhere, OwnPart } from "./shard.ts";

const jobs = [arms.base, arms.rules(), arms.instructionTuning, arms.responseTuning]
  .flatMap((arm) => [1, 2].map((seed) => ({ arm, seed })));
const MODELS = 6; // two untuned arms, two tuned ones with two seeds

const owners = (list: typeof jobs, job: typeof jobs[number], of: number) =>
  Array.from({ length: of }, (_, i) => i + 1).filter((index) => {
    const part = new OwnPart({ index, of }, "base-1");
    part.divide(list);
    try {
      part.claim(job);
      return true;
    } catch (error) {
      assert.ok(error instanceof Elsewhere);
      assert.match(error.message, new RegExp(`^shard ${index}/${of}: 0 of 1 runs are here`));
      return false;
    }
  });

Deno.test("OwnPart gives each model to one machine, and each machine its share", () => {
  for (const count of [1, 2, 3, MODELS, 20]) {
    const whose = jobs.map((job) => owners(jobs, job, count));
    assert.ok(whose.every(({ length }) => length === 1), JSON.stringify(whose));
    const models = new Map(
      jobs.map(({ arm, seed }, i) => [arm.name + (arm.tuning ? seed : ""), whose[i]![0]]),
    );
    const shares = Map.groupBy(models.values(), (index) => index);
    for (const { length } of shares.values()) assert.ok(length <= Math.ceil(MODELS / count));
    const other = [...jobs].reverse();
    assert.deepEqual(other.map((job) => owners(other, job, count)), [...whose].reverse());
  }
});

Deno.test("OwnPart gives a model that is asked for alone to one machine, and keeps to a list", () => {
  for (const job of jobs) assert.equal(owners([], job, 3).length, 1);
  const whole = new OwnPart(null, "base-1");
  for (const job of jobs) whole.claim(job);
});
