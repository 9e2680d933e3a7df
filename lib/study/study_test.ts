import assert from "node:assert/strict";
import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { arms, inTemplate, withoutRestating } from "./arm.ts";
import { sideBySide, toBars, toTable } from "./present.ts";
import { rankArms, rankingRows } from "./ranking.ts";
import { compareArms, passTable, winPreferences } from "./results.ts";
import { openScale } from "./scales.ts";
import { openStudy, Study } from "./study.ts";

/** A study small enough for a test: eight instructions, two training steps, an empty cache. */
async function inSmallStudy(body: (study: Study) => Promise<void>) {
  const folder = await mkdtemp(join(tmpdir(), "study-"));
  const saved = ["IMPLICIT_CACHE", "IMPLICIT_OUT"].map((name) =>
    [name, Deno.env.get(name)] as const
  );
  Deno.env.set("IMPLICIT_CACHE", folder);
  Deno.env.delete("IMPLICIT_OUT");
  try {
    const full = await openStudy({ seeds: 2 });
    const scale = { ...full.scale, maxTokens: 8, tuning: { ...full.scale.tuning, steps: 2 } };
    await body(new Study(scale, full.base, [1, 2], full.prompts.slice(0, 8), "test"));
  } finally {
    for (const [name, value] of saved) {
      value === undefined ? Deno.env.delete(name) : Deno.env.set(name, value);
    }
    await rm(folder, { recursive: true });
  }
}

Deno.test("Study.runs() makes a run an arm and seed, keeps it, and repeats it bit by bit", async () => {
  await inSmallStudy(async (study) => {
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
    await rm(Deno.env.get("IMPLICIT_CACHE")!, { recursive: true });
    const anew = await study.runs([arms.instructionTuning]);
    assert.deepEqual(anew[0]!.losses, first[0]!.losses);
    assert.deepEqual(anew[0]!.answers, first[0]!.answers);
  });
});

Deno.test("Study.run() is another run where a setting, the template or the rules differ", async () => {
  await inSmallStudy(async (study) => {
    const keys = await Promise.all([
      arms.responseTuning,
      { ...arms.responseTuning, tuning: { data: "responses", examples: 32 } as const },
      inTemplate("ab")(arms.responseTuning),
      withoutRestating(arms.responseTuning),
      arms.rules(),
      arms.rules(["eos"]),
    ].map(async (arm) => JSON.stringify(await study.key(arm, 1))));
    assert.equal(new Set(keys).size, keys.length);
  });
});

Deno.test("compareArms() judges every run against the reference of its seed", async () => {
  await inSmallStudy(async (study) => {
    const rows = await compareArms(
      study,
      null,
      [arms.instructionTuning, arms.base],
      arms.instructionTuning,
    );
    const own = rows.filter((r) => r.arm === "instruction-tuning" && r.metric === "win-rate");
    assert.deepEqual(own.map(({ seed, value }) => [seed, value]), [[1, 50], [2, 50], [null, 50]]);
    assert.ok(rows.every(({ low, value, high }) => low <= value && value <= high));
    assert.equal(toBars(rows, "pass-rate").length, 2);
    assert.deepEqual(toTable(rows).map(({ arm }) => arm), ["instruction-tuning", "base"]);
    const [run] = await study.runs([arms.base]);
    assert.throws(
      () => winPreferences([run!], []),
      /Expected an instruction-tuned run with seed 1/,
    );
    assert.equal(passTable([run!])[0]!.length, 8);
    const { responses } = sideBySide(study, [run!], 0);
    assert.equal(responses[0]!.response, run!.answers[0]!.response);
    assert.throws(() => sideBySide(study, [run!], "cheese"), /a family \(.*\), but found cheese/);
  });
});

Deno.test("rankArms() ranks tuned and untuned models alike", async () => {
  await inSmallStudy(async (study) => {
    const rankings = await rankArms(study, [arms.base, arms.responseTuning], "random");
    assert.equal(rankings.length, 4);
    const rows = await rankingRows(study, rankings, "mean", "ranking-accuracy");
    const pairs = rankings[0]!.pairs;
    const right = pairs.filter(({ margins }) => margins.mean! > 0).length;
    assert.ok(right > 0 && right <= pairs.length);
    assert.ok(rows.every(({ value }) => value >= 0 && value <= 100));
    assert.deepEqual(await rankArms(study, [arms.base, arms.responseTuning], "random"), rankings);
  });
});

Deno.test("Study.runs() leaves the finished runs when one fails", async () => {
  await inSmallStudy(async (study) => {
    const broken = { ...arms.singleTask("cheese"), name: "broken" };
    await assert.rejects(study.runs([arms.base, broken]), /single task.*cheese/);
    const kept = await readdir(join(Deno.env.get("IMPLICIT_CACHE")!, "runs"));
    assert.equal(kept.length, 1);
  });
});

Deno.test("openStudy() lists what there is", async () => {
  await assert.rejects(openStudy({ base: "base-9" }), /Expected a base .*base-1.* "base-9"/);
  await assert.rejects(openStudy({ seeds: 0 }), /from 1 to 100, but found 0/);
  assert.throws(() => openScale("huge"), /Expected a scale \(miniature.*"huge"/);
});
