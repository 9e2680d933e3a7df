import assert from "node:assert/strict";
import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { arms, inTemplate, withoutRestating } from "./arm.ts";
import { DiskCache } from "@implicit/memo";
import { sideBySide, toBars, toTable } from "@implicit/notebook";
import { lora } from "../adapt/lora.ts";
import { rankArms, rankingRows } from "./ranking.ts";
import { record } from "./record.ts";
import { armsDiffer, compareArms, runsOf, winTable } from "./results.ts";
import { openScale } from "./scales.ts";
import { originOf } from "./results.ts";
import { readSettings, type Settings } from "./settings.ts";
import type { StudyOptions } from "./options.ts";
import { openStudy } from "./open_study.ts";
import type { Study } from "./study.ts";

/** A study small enough for a test: eight instructions, two training steps, an empty cache. */
async function inSmallStudy(
  body: (study: Study, settings: Settings) => Promise<void>,
  options: StudyOptions = {},
) {
  const folder = await mkdtemp(join(tmpdir(), "study-"));
  const settings = { ...readSettings({}), cache: folder };
  const small = { seeds: 2, prompts: 8, maxTokens: 8, tuning: { steps: 2 } };
  try {
    await body(await openStudy({ ...small, ...options }, settings), settings);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

Deno.test("Study.runs() makes a run an arm and seed, keeps it, and repeats it bit by bit", () =>
  inSmallStudy(async (study) => {
    const list = [arms.instructionTuning, arms.base];
    const first = await study.runs(list);
    assert.deepEqual(
      first.map(({ arm, seed }) => `${arm} ${seed}`),
      ["instruction-tuning 1", "instruction-tuning 2", "base 1", "base 2"],
    );
    assert.equal(first[0]!.losses.length, 2);
    assert.notDeepEqual(first[0]!.losses, first[1]!.losses, "seeds draw other examples");
    assert.deepEqual(first[2]!.answers, first[3]!.answers, "an untuned arm has no seed");
    const steps: number[] = [];
    const again = await study.runs(list, (_arm, _seed, { step }) => steps.push(step));
    assert.deepEqual(steps, [], "nothing is computed twice");
    assert.deepEqual(again, first);
    await rm(study.cache.folder, { recursive: true });
    const anew = await study.runs([arms.instructionTuning]);
    assert.deepEqual(anew[0]!.losses, first[0]!.losses);
    assert.deepEqual(anew[0]!.answers, first[0]!.answers);
  }));

Deno.test({
  name: "a tuning that no disk takes is used all the same, once computed (needs /proc)",
  ignore: Deno.build.os !== "linux", // a folder that nobody can write into, root included
  fn: () =>
    inSmallStudy(async (study) => {
      Object.assign(study, { cache: new DiskCache("/proc/none", false, "IMPLICIT_CACHE") });
      const { warn } = console, warnings: string[] = [];
      console.warn = (text) => warnings.push(text);
      const responses = arms.responseTuning.tuning!;
      const lowRank = {
        ...arms.responseTuning,
        name: "lora",
        tuning: { ...responses, adapter: lora({ rank: 2 }) },
      };
      try {
        for (const arm of [arms.responseTuning, lowRank]) {
          const run = await study.run(arm, 1);
          const steps: number[] = [];
          const again = await study.tuned(arm, 1, ({ step }) => void steps.push(step));
          assert.deepEqual([again.losses, steps], [run.losses, []], "no step twice");
          assert.notEqual(again.model.hash, study.base.model.hash);
          assert.equal(await study.run(arm, 1).then(({ answers }) => answers), run.answers);
        }
      } finally {
        console.warn = warn;
      }
      assert.equal(warnings.length, 4, warnings.join("\n"));
      const mend =
        /^Not kept in tunings, .* \(\d+ MB are needed\)\. Make room in \/proc\/none, or set IMPLICIT_CACHE /;
      assert.match(warnings[0]!, mend);
    }),
});

Deno.test("Study.key() differs where a setting, the template or the rules do, not with a name", () =>
  inSmallStudy(async (study) => {
    const text = async (arm: typeof arms.base) => JSON.stringify(await study.key(arm, 1));
    const keys = await Promise.all([
      arms.responseTuning,
      { ...arms.responseTuning, tuning: { data: "responses", examples: 32 } as const },
      inTemplate("ab")(arms.responseTuning),
      withoutRestating(arms.responseTuning),
      arms.rules(),
      arms.rules(["eos"]),
    ].map(text));
    assert.equal(new Set(keys).size, keys.length);
    assert.equal(await text({ ...arms.responseTuning, name: "another label" }), keys[0]);
  }));

Deno.test("two different arms of one name are refused, and a label changes nothing", () =>
  inSmallStudy(async (study) => {
    const { instructionTuning } = arms;
    const few = { ...instructionTuning, tuning: { data: "responses", steps: 1 } } as const;
    await assert.rejects(
      compareArms(study, null, [few], instructionTuning),
      /two arms named "instruction-tuning": .*instructions.*steps.*another name/s,
    );
    const twin = { ...instructionTuning, name: "twin" };
    const rows = await compareArms(
      study,
      null,
      [few, twin].map((arm, i) => (
        { ...arm, name: `${i}` }
      )),
      instructionTuning,
    );
    const win = (arm: string) =>
      rows.find((row) => row.arm === arm && row.metric === "win-rate" && row.seed === null)!.value;
    assert.equal(win("1"), 50, "the same arm under another name is a draw");
    assert.notEqual(win("0"), 50, "another arm is not");
  }));

Deno.test("compareArms() judges every run against the reference of its seed", () =>
  inSmallStudy(async (study) => {
    const { instructionTuning, base } = arms;
    const rows = await compareArms(study, null, [instructionTuning, base], instructionTuning);
    const own = rows.filter((r) => r.arm === "instruction-tuning" && r.metric === "win-rate");
    assert.deepEqual(own.map(({ seed, value }) => [seed, value]), [[1, 50], [2, 50], [null, 50]]);
    assert.ok(rows.every(({ low, value, high }) => low <= value && value <= high));
    assert.equal(toBars(rows, "pass-rate").length, 2);
    assert.deepEqual(toTable(rows).map(({ arm }) => arm), ["instruction-tuning", "base"]);
    const runs = await study.runs([base]);
    await assert.rejects(
      winTable(study, runs, []),
      /Expected an instruction-tuned run with seed 1/,
    );
    assert.equal(rows.find(({ metric }) => metric === "pass-rate")!.n, 8);
    const { responses } = sideBySide(study, runs, 0);
    assert.equal(responses[0]!.response, runs[0]!.answers[0]!.response);
    assert.throws(() => sideBySide(study, runs, "cheese"), /a family \(.*\), but found cheese/);
  }));

Deno.test("a judge is any function from comparisons to preferences, at every scale", async () => {
  const asked: string[] = [];
  const judge: Study["judge"] = (comparisons) => {
    asked.push(...comparisons.map(({ generator_2 }) => generator_2!));
    return Promise.resolve(comparisons.map(({ instruction, output_1, output_2 }) => (
      { instruction, preference: output_2!.length > output_1!.length ? 2 : 1 }
    )));
  };
  await inSmallStudy(async (study) => {
    const { instructionTuning, base } = arms;
    const rows = await compareArms(study, null, [instructionTuning, base], instructionTuning);
    const runs = await study.runs([instructionTuning, base]);
    const [own, theirs] = [runsOf(runs, base), runsOf(runs, instructionTuning)];
    const longer = own[0]!.answers.filter(({ response }, i) =>
      response.length > theirs[0]!.answers[i]!.response.length
    );
    const row = rows.find(({ arm, metric, seed }) =>
      arm === "base" && metric === "win-rate" && seed === 1
    );
    assert.equal(row!.value, 100 * longer.length / 8);
    assert.deepEqual(new Set(asked), new Set(["base"]), "a run against itself is not judged");
    const { difference } = await armsDiffer(study, runs, base, base, instructionTuning);
    assert.equal(difference, 0);
  }, { judge });
});

Deno.test("asking keeps nothing; record() appends the rows that have a section", () =>
  inSmallStudy(async (study, settings) => {
    const out = join(settings.cache, "out");
    const rows = await compareArms(study, "4.1", [arms.base], arms.instructionTuning);
    await record(study, rows); // no task asked for results
    assert.deepEqual((await readdir(settings.cache)).sort(), ["models", "runs", "tunings"]);
    const asked = { settings: { out } };
    await record(asked, rows);
    await record(asked, rows.map((row) => ({ ...row, section: null })));
    const lines = (await readFile(join(out, "results.jsonl"), "utf8")).trim().split("\n");
    assert.deepEqual(lines.map((line) => JSON.parse(line)), rows);
  }));

Deno.test("rankArms() ranks tuned and untuned models alike, and the base rather well", () =>
  inSmallStudy(async (study) => {
    const rankings = await rankArms(study, [arms.base, arms.responseTuning], "random");
    assert.equal(rankings.length, 4);
    const rows = await rankingRows(study, rankings, "mean", "ranking-accuracy");
    const over = rows.find(({ arm, seed }) => arm === "base" && seed === null)!;
    const { pairs } = rankings[0]!;
    const right = pairs.filter(({ margins }) => margins.mean! > 0).length;
    assert.equal(over.value, Math.round(1e4 * right / pairs.length) / 100);
    assert.ok(right > pairs.length / 2, "a base ranks better than a coin");
    const turned = rankings.map((ranking) => ({
      ...ranking,
      pairs: ranking.pairs.map((pair) => ({ ...pair, margins: { ...pair.margins, mean: -1 } })),
    }));
    const none = await rankingRows(study, turned, "mean", "ranking-accuracy");
    assert.ok(none.every(({ value }) => value === 0), "a wrong response above the right one loses");
    assert.deepEqual(await rankArms(study, [arms.base, arms.responseTuning], "random"), rankings);
  }));

Deno.test("Study.runs() leaves the finished runs when one fails", () =>
  inSmallStudy(async (study) => {
    const broken = { ...arms.singleTask("cheese"), name: "broken" };
    await assert.rejects(study.runs([arms.base, broken]), /single task.*cheese/);
    const kept = await readdir(join(study.cache.folder, "runs"));
    assert.equal(kept.length, 1);
  }));

Deno.test("openStudy() lists what there is", async () => {
  await assert.rejects(openStudy({ base: "base-9" }), /Expected a base .*base-1.* "base-9"/);
  await assert.rejects(openStudy({ seeds: 0 }), /seeds of .* at least 1, but found 0/);
  assert.throws(() => openScale("huge"), /Expected a scale \(miniature.*"huge"/);
  assert.throws(() => openScale("constructor"), /Expected a scale/);
});

Deno.test("another cap on the answers tunes nothing anew", () =>
  inSmallStudy(async (study, settings) => {
    await study.run(arms.responseTuning, 1);
    const options = { seeds: 2, prompts: 4, maxTokens: 3, tuning: { steps: 2 } };
    const short = await openStudy(options, settings);
    const steps: number[] = [];
    const run = await short.run(arms.responseTuning, 1, ({ step }) => steps.push(step));
    assert.deepEqual([steps, run.answers.length], [[], 4]);
    const longer = await openStudy({ ...options, tuning: { steps: 3 } }, settings);
    await longer.run(arms.responseTuning, 1, ({ step }) => steps.push(step));
    assert.deepEqual(steps, [1, 2, 3]);
  }));

Deno.test("answers with 8-bit weights are other runs of the same tuning, and results say so", () =>
  inSmallStudy(async (study) => {
    const key = await study.key(arms.responseTuning, 1);
    const { model: { hash } } = await study.tuned(arms.responseTuning, 1);
    Object.assign(study, { scale: { ...study.scale, weights: "q8" } });
    assert.deepEqual(await study.key(arms.responseTuning, 1), { ...key, weights: "q8" });
    const steps: number[] = [];
    const again = await study.tuned(arms.responseTuning, 1, ({ step }) => steps.push(step));
    assert.equal(again.model.hash, hash);
    assert.deepEqual(steps, [], "tuned once");
    assert.match((await originOf(study)).engine, /, 8-bit weights$/);
    const shown = (await study.describe()).find(({ what }) => what === "answers and scores");
    assert.equal(shown?.value, "with 8-bit weights");
    const { answers } = await study.run(arms.responseTuning, 1);
    assert.equal(answers.length, study.prompts.length);
  }));

Deno.test("describe() says what the environment asked for", () =>
  inSmallStudy(async (study) => {
    const shown = Object.fromEntries((await study.describe()).map((row) => [row.what, row.value]));
    assert.equal(shown["texts end at"], "</s> (2)");
    assert.equal(shown["finished runs"], undefined);
    const fresh = await openStudy({}, readSettings({ IMPLICIT_FRESH: "1", IMPLICIT_SEEDS: "2" }));
    const other = Object.fromEntries((await fresh.describe()).map((row) => [row.what, row.value]));
    assert.match(other["finished runs"]!, /anew/);
    assert.equal(other.seeds, "1, 2");
    assert.throws(() => readSettings({ IMPLICIT_SEEDS: "many" }), /IMPLICIT_SEEDS/);
  }));

Deno.test("readSettings() takes a part of the work and a server, and refuses what is neither", () => {
  const { shard, server } = readSettings({
    IMPLICIT_SHARD: "3/20",
    IMPLICIT_SERVER: "http://localhost:8000/v1",
  });
  assert.deepEqual(shard, { index: 3, of: 20 });
  assert.deepEqual(server, { url: "http://localhost:8000/v1", served: undefined });
  assert.equal(readSettings({}).weights, "fp32");
  assert.equal(readSettings({ IMPLICIT_WEIGHTS: "q8" }).weights, "q8");
  assert.throws(() => readSettings({ IMPLICIT_WEIGHTS: "q4" }), /fp32 or q8, but found q4/);
  for (const IMPLICIT_SHARD of ["0/3", "4/3", "1/0", "3", "a/b"]) {
    assert.throws(() => readSettings({ IMPLICIT_SHARD }), /Expected a shard from 1\/20 to 20\/20/);
  }
  assert.throws(() => readSettings({ IMPLICIT_SERVER: "http://me:pw@host/v1" }), /a base URL/);
});
