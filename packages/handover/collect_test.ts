import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { collectRuns } from "./collect.ts";
import { type HandedRun, writeHandover } from "./folder.ts";
import type { Plan } from "./plan.ts";

const size = { parameters: 1e6, layers: 2, hidden: 8, intermediate: 16, vocabulary: 48 };
const model = { name: "a/b", revision: null, tokenizer: "t", eosIds: [2], size };
const runOf = (seed: number): HandedRun => ({
  name: `mine-${seed}`,
  training: {
    rows: [{ ids: [1, 5, 2], labels: [-100, 5, 2] }, { ids: [1, 7, 2], labels: [-100, 7, 2] }],
    order: seed === 1 ? [0, 1] : [1, 0],
    batch: 1,
    rates: [1e-5, 5e-6],
    reduction: "example-mean",
    optimizer: { betas: [0.9, 0.999], epsilon: 1e-8, weightDecay: 0, clip: 1 },
    maxLength: 64,
  },
  prompts: [
    { id: "one", instruction: "Sing.", ids: [1, 5] },
    { id: "two", instruction: "Hum.", ids: [1, 6] },
  ],
  maxTokens: 9,
  rules: null,
  about: { seed },
});

/** A folder of two seeds, of which the first has come back whole. */
async function within(work: (folder: string, output: string) => Promise<void>): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), "handover-"));
  try {
    const { runs, files } = await writeHandover(folder, model, [runOf(1), runOf(2)], "");
    const output = join(folder, "runs", "mine-1", "output");
    await mkdir(output);
    const hash = (text: string) => createHash("sha256").update(text).digest("hex");
    const plan: Plan = JSON.parse(await readFile(join(folder, runs[0]!.plan!), "utf8"));
    const state = JSON.stringify({ global_step: 2, log_history: [{ loss: 3 }, { loss: 2.5 }, {}] });
    await writeFile(join(output, "model.safetensors"), "weights");
    await writeFile(join(output, "trainer_state.json"), state);
    await writeFile(
      join(output, "about.json"),
      JSON.stringify({
        run: "mine-1",
        plan: files[runs[0]!.plan!],
        rows: plan.sha256,
        seconds: 9,
        processes: 2,
        device: "cpu",
        versions: { trl: "1.13.0" },
        files: { "model.safetensors": hash("weights"), "trainer_state.json": hash(state) },
      }),
    );
    const lines = ["one", "two"].map((id) =>
      JSON.stringify({
        id,
        tokens: [4, 5],
        stopped: true,
        model: "runs/mine-1/output",
        prompts: files[runs[0]!.prompts],
        rules: null,
      }) + "\n"
    );
    await writeFile(join(output, "answers.jsonl"), lines.join(""));
    await work(folder, output);
  } finally {
    await rm(folder, { recursive: true });
  }
}

Deno.test("collectRuns() reads a whole run back, and says which is missing", async () => {
  await within(async (folder, output) => {
    const [one, two] = await collectRuns(folder);
    assert.deepEqual(one, {
      run: one!.run,
      state: "done",
      detail: "",
      losses: [3, 2.5],
      answers: [["one", "Sing."], ["two", "Hum."]].map(([id, instruction]) => ({
        id,
        instruction,
        tokens: [4, 5],
        stopped: true,
      })),
      model: output,
      engine: "trl 1.13.0; 2 × cpu; vLLM",
      seconds: 9,
    });
    assert.equal(`${two!.state}: ${two!.detail}`, "missing: 0 of 2 steps, 0 of 2 answers");
  });
});

Deno.test("collectRuns() counts what is there of a run that was stopped", async () => {
  await within(async (folder, output) => {
    const answers = await readFile(join(output, "answers.jsonl"), "utf8");
    await writeFile(join(output, "answers.jsonl"), answers.slice(0, -5));
    const [one] = await collectRuns(folder);
    assert.equal(`${one!.state}: ${one!.detail}`, "partial: 1 of 2 answers");
    const checkpoint = join(folder, "runs", "mine-2", "output", "checkpoint-1");
    await mkdir(checkpoint, { recursive: true });
    const state = JSON.stringify({ global_step: 1, log_history: [] });
    await writeFile(join(checkpoint, "trainer_state.json"), state);
    const [, two] = await collectRuns(folder);
    assert.equal(`${two!.state}: ${two!.detail}`, "partial: 1 of 2 steps, 0 of 2 answers");
  });
});

const changes: readonly (readonly [string, RegExp, (folder: string) => Promise<void>])[] = [
  ["an edited row", /rows\/\w+\.jsonl: sha256 \w+, not \w+/, async (folder) => {
    const plan = JSON.parse(await readFile(join(folder, "runs/mine-1/plan.json"), "utf8"));
    await edit(join(folder, plan.rows), "7", "8");
  }],
  [
    "a lower max_length",
    /sft\.yaml: max_length is 32, not 64/,
    (folder) => edit(join(folder, "runs/mine-1/sft.yaml"), "max_length: 64", "max_length: 32"),
  ],
  ["another seed's plan", /plan\.json is the plan of mine-2/, async (folder) => {
    const other = await readFile(join(folder, "runs/mine-2/plan.json"), "utf8");
    await writeFile(join(folder, "runs/mine-1/plan.json"), other);
  }],
  [
    "a model that was copied by half",
    /output\/model\.safetensors: sha256 \w+, not/,
    (folder) => writeFile(join(folder, "runs/mine-1/output/model.safetensors"), "wei"),
  ],
  [
    "a model that was not copied",
    /output\/model\.safetensors: sha256 nothing, not/,
    (folder) => rm(join(folder, "runs/mine-1/output/model.safetensors")),
  ],
  [
    "another run's output",
    /output is that of mine-2/,
    (folder) => edit(join(folder, "runs/mine-1/output/about.json"), "mine-1", "mine-2"),
  ],
  [
    "answers of another run's model",
    /answers of mine-1 are those of runs\/mine-2\/output/,
    (folder) => edit(join(folder, "runs/mine-1/output/answers.jsonl"), "mine-1", "mine-2"),
  ],
  [
    "answers to other prompts",
    /answers to prompts\/\w+\.jsonl: sha256/,
    (folder) =>
      edit(join(folder, "runs/mine-1/output/answers.jsonl"), '"prompts":"', '"prompts":"0'),
  ],
];
for (const [what, expected, change] of changes) {
  Deno.test(`collectRuns() refuses ${what}, by name`, async () => {
    await within(async (folder) => {
      await change(folder);
      const [one] = await collectRuns(folder);
      assert.equal(one!.state, "differs");
      assert.match(one!.detail, expected);
    });
  });
}

async function edit(path: string, from: string, to: string): Promise<void> {
  const text = await readFile(path, "utf8");
  assert.ok(text.includes(from));
  await writeFile(path, text.replace(from, to));
}
