import assert from "node:assert/strict";
import {
  type Arm,
  arms,
  compareArms,
  inTemplate,
  learnedBias,
  openStudy,
  optionsTable,
  rankArms,
  tuningOptions,
  withoutRestating,
} from "implicit";
import { armOptions, checkOptions, studyOptions } from "./options.ts";

/** As a cell, which has no types. */
// deno-lint-ignore no-explicit-any
const untyped = (value: unknown) => value as any;

const study = await openStudy({ seeds: 1, prompts: 2 });
const { responseTuning, rules, base } = arms;
const tuned = (tuning: unknown) => untyped({ ...responseTuning, name: "mine", tuning });
const ruled = (use: unknown) => untyped({ ...rules(), name: "mine", rules: use });

Deno.test("what is mistyped in an arm is refused when it runs: named, listed, the nearest suggested", async () => {
  const cases: [arm: Arm, pattern: RegExp][] = [
    [tuned({ data: "response" }), /tuning\.data of the arm "mine".*did you mean responses\?/],
    [tuned({ data: "responses", exmaples: 60 }), /but found exmaples: did you mean examples\?/],
    [tuned({ data: "responses", examples: 1e9 }), /examples .* at most 1000000, but found 1e?/],
    [tuned({ data: "responses", steps: 0 }), /steps .* at least 1, but found 0/],
    [tuned({ data: "responses", steps: "9" }), /steps .* number, but found "9"/],
    [tuned({ data: "responses", learningRate: NaN }), /learningRate .* but found NaN/],
    [tuned({ data: "responses", adapter: { rank: 4 } }), /an adapter: lora\(/],
    [tuned({ data: "responses", task: "sums" }), /data: "single-task".*task sums/],
    [tuned({ data: "single-task" }), /task undefined/],
    [ruled({ use: ["eos", "uniforme"] }), /use\.1 .*did you mean uniform\?/],
    [ruled({ use: ["eos"], eosSlop: 0.5 }), /but found eosSlop: did you mean eosSlope\?/],
    [ruled({ use: ["uniform"], uniform: [{ string: "I", wieght: 1 }] }), /did you mean weight\?/],
    [rules(untyped(["eos", "uniforme"])), /did you mean uniform\?/],
    [untyped({ ...responseTuning, template: "tulip" }), /one of tulu, ab.*did you mean tulu\?/],
    [untyped({ ...responseTuning, tunning: null }), /did you mean tuning\?/],
    [untyped(arms).responsTuning, /Expected an arm, but found undefined.*responseTuning/],
  ];
  for (const [arm, pattern] of cases) {
    await assert.rejects(study.runs([arm]), pattern);
    await assert.rejects(study.run(arm, 1), pattern);
    await assert.rejects(compareArms(study, null, [base], arm), pattern);
    await assert.rejects(rankArms(study, [arm], "random"), pattern);
  }
});

Deno.test("what is mistyped in a study's or a ranking's options is refused", async () => {
  const cases: [options: unknown, pattern: RegExp][] = [
    [{ seed: 5 }, /but found seed: did you mean seeds\?/],
    [{ split: "valid" }, /split .* validation, test, ranking.*did you mean validation\?/],
    [{ scale: "minature" }, /did you mean miniature\?/],
    [{ prompts: 0.5 }, /prompts .* a whole number/],
    [{ maxTokens: -1 }, /maxTokens .* at least 1/],
    [{ tuning: { learningrate: 1 } }, /did you mean learningRate\?/],
    [{ judge: { baseUrl: "http://localhost" } }, /judge of the study's options/],
  ];
  for (const [options, pattern] of cases) {
    await assert.rejects(openStudy(untyped(options)), pattern);
  }
  await assert.rejects(
    rankArms(study, [base], untyped("famly")),
    /negatives .* one of random, family, length, but found "famly": did you mean family\?/,
  );
});

Deno.test("every arm of the paper passes, and a table describes each option", () => {
  const all = [
    ...Object.values(arms).filter((arm) => typeof arm !== "function"),
    ...study.scale.singleTasks.map(arms.singleTask),
    rules(),
    rules(["eos"]),
    inTemplate("ab")(base),
    withoutRestating(responseTuning),
    { ...responseTuning, tuning: { data: "responses", adapter: learnedBias() } },
  ];
  for (const arm of all) checkOptions(armOptions, arm, "an arm");
  checkOptions(studyOptions, {}, "nothing");
  const rows = optionsTable(tuningOptions);
  assert.ok(rows.length >= 9 && rows.every(({ what }) => what.length > 10), JSON.stringify(rows));
});
