/** What a researcher wants of their own, written as they would write it: through the one door. */
import assert from "node:assert/strict";
import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  type Adapter,
  type Arm,
  arms,
  compareArms,
  learnedBias,
  lora,
  openStudy,
  prefix,
  type Rule,
  type Study,
  tf,
} from "implicit";
import { readSettings } from "./settings.ts";

async function inSmallStudy(body: (study: Study, folder: string) => Promise<void>) {
  const folder = await mkdtemp(join(tmpdir(), "wishes-"));
  const options = { seeds: 1, prompts: 6, maxTokens: 12, tuning: { steps: 3 } };
  try {
    await body(await openStudy(options, { ...readSettings({}), cache: folder }), folder);
  } finally {
    await rm(folder, { recursive: true });
  }
}

const answersOf = async (study: Study, arm: Arm) =>
  (await study.run(arm, 1)).answers.map(({ response }) => response);

Deno.test("a rule of one's own is a value in an arm: six lines, in tables, told apart by its fields", () =>
  inSmallStudy(async (study) => {
    const shout: Rule<number[]> & { weight: number } = {
      name: "shout",
      weight: 50,
      resolve: (tokenizer) => tokenizer.encode("!", { special: false }),
      score({ t, resolved }, add) {
        if (t < 3) add(resolved[0]!, this.weight);
      },
    };
    const loud = arms.rules([shout]);
    assert.equal(loud.name, "rules:shout");
    assert.ok((await answersOf(study, loud)).every((response) => response.startsWith("!!!")));
    const whisper = { ...shout, weight: 0 };
    const quiet = arms.rules([whisper]);
    assert.deepEqual(await answersOf(study, quiet), await answersOf(study, arms.base));
    await assert.rejects(study.runs([loud, quiet]), /two arms named "rules:shout"/);
    const rows = await compareArms(study, null, [loud, arms.base], arms.instructionTuning);
    assert.deepEqual(new Set(rows.map(({ arm }) => arm)), new Set(["rules:shout", "base"]));
    const all = arms.rules(["eos", "repetition", "uniform", shout]);
    assert.deepEqual(
      [...new Set(study.explainRules(all).map(({ rule }) => rule))],
      ["eos", "repetition", "uniform"],
    );
  }));

Deno.test("a rule that reads a variable from outside is refused, with the way out", () =>
  inSmallStudy(async (study) => {
    const closure = (weight: number): Rule => ({
      name: "captured",
      resolve: () => 5,
      score: (_, add) => add(5, weight),
    });
    const told = /function score of "captured" uses weight from outside.*Make it a field \(weight/s;
    await assert.rejects(study.runs([arms.rules([closure(1)])]), told);
  }));

Deno.test("any list of words serves the uniform rule", () =>
  inSmallStudy(async (study) => {
    const words = [{ string: "The", weight: -99 }, { string: "It", weight: -99 }];
    const arm: Arm = {
      ...arms.rules(),
      name: "never The",
      rules: { use: ["uniform"], uniform: words },
    };
    const shown = study.explainRules(arm).map(({ string, weight }) => ({ string, weight }));
    assert.deepEqual(shown, words);
    assert.ok((await answersOf(study, arm)).every((response) => !/^(The|It)\b/.test(response)));
  }));

Deno.test("adapters of the library and of one's own train, answer, and come back from the cache", () =>
  inSmallStudy(async (study, folder) => {
    const scaled: Adapter = { // the final norm alone, as a cell may write it
      name: "norm",
      init: ({ hiddenSize }) => {
        const data = new Float32Array(hiddenSize).fill(1);
        return new Map([["scale", { shape: [hiddenSize], data }]]);
      },
      apply: () => ({
        project: (name, _input, output, params) =>
          name.endsWith("o_proj") ? tf.mul(output, params.scale!) : output,
      }),
      merge(base, trained) {
        const { data: factors } = trained.get("scale")!;
        const parameters = new Map([...base.parameters].map(([name, { shape, data }]) => {
          if (!name.endsWith("o_proj.weight")) return [name, { shape, data }];
          const columns = shape[1]!;
          return [name, { shape, data: data.map((x, i) => x * factors[Math.floor(i / columns)]!) }];
        }));
        return { model: { ...base, parameters, folder: null } };
      },
    };
    for (const adapter of [lora({ rank: 2 }), learnedBias(), prefix({ length: 2 }), scaled]) {
      const arm: Arm = {
        ...arms.responseTuning,
        name: adapter.name,
        tuning: { data: "responses", adapter, learningRate: 0.02, examples: 16 }, // one batch
      };
      const run = await study.run(arm, 1);
      assert.equal(run.losses.length, 3);
      assert.ok(run.losses[2]! < run.losses[0]!, `${adapter.name} learns: ${run.losses}`);
      const { losses, ...adapted } = await study.tuned(arm, 1); // from the cache
      assert.deepEqual(losses, run.losses);
      assert.equal(adapted.prefix?.length, adapter.name === "prefix" ? 2 : undefined);
      assert.equal(adapted.processors?.length, adapter.name === "learned-bias" ? 1 : undefined);
      await rm(join(folder, "runs"), { recursive: true });
      assert.deepEqual((await study.run(arm, 1)).answers, run.answers, "kept, it says the same");
    }
    const kept = await readdir(join(folder, "models"));
    assert.equal(kept.filter((name) => name.endsWith(".safetensors")).length, 4, "arrays alone");
  }));
