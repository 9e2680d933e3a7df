import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { createDecoder } from "@implicit/decoder";
import { createEngine } from "@implicit/engine";
import { python, pythonWith } from "@implicit/handover/testing";
import { loadModel } from "@implicit/hub";
import { lora } from "../adapt/lora.ts";
import { tune } from "../tune/tune.ts";
import { arms } from "./arm.ts";
import { armsNamed, handOver, paperArms, schedules } from "./handover.ts";
import { encodedExamples } from "./run.ts";
import { openScale } from "./scales.ts";
import { readSettings } from "./settings.ts";

const shared = fileURLToPath(new URL("../../../shared/testdata", import.meta.url));
const model = join(shared, "models", "stories260K");
const missing = existsSync(model) ? null : `${shared} is not there`;
const noTrl = missing ?? await pythonWith("trl", "peft", "accelerate");
if (noTrl) console.log(`skipping the trainings by TRL: ${noTrl}`);

const STEPS = 20;
// Adam's first updates are nearly signs, rounding's too: at 5e-3 LoRA's losses are 6e-5 apart.
const settings = { batchSize: 4, steps: STEPS, learningRate: 5e-4 };
const sums = arms.singleTask("sums");
const narrow = lora({ rank: 8, alpha: 16 });
const low = { ...sums, name: "low", tuning: { ...sums.tuning!, adapter: narrow } };

/** A folder of data: the shortest of GSM8K's rows, and their questions as prompts. */
async function shortRows(folder: string): Promise<string> {
  const lines = (await readFile(join(shared, "gsm8k", "train_1000.jsonl"), "utf8")).trim()
    .split("\n").sort((a, b) => a.length - b.length).slice(0, 30);
  const prompts = lines.slice(0, 6).map((line) => ({
    instruction: JSON.parse(line).question,
    output: "",
  }));
  await mkdir(folder);
  await writeFile(join(folder, "gsm8k.jsonl"), lines.join("\n"));
  await writeFile(join(folder, "alpaca_eval.json"), JSON.stringify(prompts));
  return folder;
}

/** Makes a temporary folder with data in it, and takes it away again. */
async function within(work: (folder: string, data: string) => Promise<void>): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), "handover-"));
  try {
    await work(folder, await shortRows(join(folder, "data")));
  } finally {
    await rm(folder, { recursive: true });
  }
}

const given = { model, arms: [arms.base, sums, low], command: "deno task handover" };
const cpu = ["--bf16", "false", "--use_cpu", "true"];

Deno.test({
  name:
    "handOver() writes a folder whose runs, by TRL, have tune()'s losses (needs TRL, ../shared)",
  ignore: noTrl !== null,
  async fn() {
    await within(async (folder, data) => {
      const base = await loadModel(model);
      const scale = await openScale("paper", { data });
      const engine = await createEngine({ threads: 1 });
      for (const reduction of ["example-mean", "token-mean"] as const) {
        const out = join(folder, reduction);
        await handOver(
          { ...given, data, seeds: 1, out, tuning: { ...settings, reduction } },
          readSettings(),
        );
        for (const arm of [sums, low]) {
          const rows = await encodedExamples(scale, base, arm, 1);
          const { losses } = await tune(engine, base.model, rows, {
            ...settings,
            ...schedules.code,
            reduction,
            seed: 1,
            adapter: arm.tuning?.adapter,
          });
          const run = `${arm.name.replace(":", ".")}-1`;
          for (const processes of [1, 2]) {
            const output = join(out, "runs", run, `output-${processes}`);
            const train = ["train.py", "--config", `runs/${run}/sft.yaml`, ...cpu];
            const started = processes === 1
              ? train
              : ["-m", "torch.distributed.run", "--nproc_per_node", "2", ...train];
            await python([...started, "--output_dir", output], out);
            const { log_history } = JSON.parse(
              await readFile(join(output, "trainer_state.json"), "utf8"),
            );
            const found: number[] = log_history.flatMap((row: { loss?: number }) => row.loss ?? []);
            assert.equal(found.length, STEPS);
            const far = found.map((loss, i) => Math.abs(loss / losses[i]! - 1));
            const worst = Math.max(...far);
            console.log(`${run}, ${reduction}, ${processes}: ${worst.toExponential(1)} apart`);
            assert.ok(worst < 1e-5, `step ${far.indexOf(worst) + 1}: ${worst}`);
            const about = JSON.parse(await readFile(join(output, "about.json"), "utf8"));
            assert.equal(about.processes, processes);
          }
          const output = join(out, "runs", run, "output-1");
          const prompts = rows.slice(0, 6).map(({ ids }) => ids.slice(0, 20));
          const { stdout } = await python([
            fileURLToPath(new URL("../../packages/handover/testing/generate.py", import.meta.url)),
            output,
            "20",
            JSON.stringify(prompts),
          ]);
          const back = await loadModel(output);
          const decoder = await createDecoder(back.model, { threads: 1 });
          const tokens = await decoder.generate(prompts, { maxTokens: 20, eosId: null });
          decoder.dispose();
          assert.deepEqual(JSON.parse(stdout.trim().split("\n").at(-1)!), tokens);
        }
      }
    });
  },
});

Deno.test({
  name: "train.py refuses an edited row, a lower max_length and another seed's plan (needs TRL)",
  ignore: noTrl !== null,
  async fn() {
    await within(async (folder, data) => {
      const out = join(folder, "out");
      const { runs } = await handOver(
        { ...given, arms: [sums], data, seeds: 2, out, tuning: { ...settings, steps: 1 } },
        readSettings(),
      );
      const [one, two] = runs.map(({ name }) => join(out, "runs", name));
      const refuses = async (path: string, change: (text: string) => string, expected: RegExp) => {
        const text = await readFile(path, "utf8");
        assert.notEqual(change(text), text);
        await writeFile(path, change(text));
        await assert.rejects(
          python(["train.py", "--config", `runs/${runs[0]!.name}/sft.yaml`, ...cpu], out),
          (error: { stderr?: string }) => expected.test(error.stderr ?? ""),
        );
        await writeFile(path, text);
      };
      const plan = JSON.parse(await readFile(join(one!, "plan.json"), "utf8"));
      await refuses(
        join(out, plan.rows),
        (text) => text.replace(/\d+/, "77"),
        /rows\/.* as it was handed/,
      );
      await refuses(
        join(one!, "sft.yaml"),
        (text) => text.replace("max_length: 512", "max_length: 100"),
        /Expected max_length: 512 in runs\/single-task\.sums-1\/sft\.yaml, but found 100/,
      );
      const other = await readFile(join(two!, "plan.json"), "utf8");
      await refuses(
        join(one!, "plan.json"),
        () => other,
        /Expected the plan of single-task\.sums-1/,
      );
      await refuses(
        join(one!, "plan.json"),
        () => other.replace('sums-2"', 'sums-1"'),
        /plan\.json as it was handed over/,
      );
    });
  },
});

Deno.test("armsNamed() gives the paper's arms of a base, and those of a list", () => {
  const llama = paperArms("meta-llama/Llama-2-7b-hf").map(({ name }) => name);
  assert.ok(llama.includes("rules-without-eos") && llama.includes("response-tuning:ab-tags"));
  const olmo = paperArms("allenai/OLMo-7B-hf").map(({ name }) => name);
  assert.ok(olmo.includes("response-tuning:no-rephrase") && !olmo.includes("rules"));
  const [one] = armsNamed("response-tuning", "x", narrow);
  assert.equal(one!.name, "response-tuning:lora");
  assert.throws(() => armsNamed("reponse-tuning", "x"), /Expected "paper" or arms among base, /);
});
