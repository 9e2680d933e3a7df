import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import { mkdtemp, readdir, rm, symlink } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { createEngine } from "@implicit/engine";
import { loadCheckpoint, saveCheckpoint } from "@implicit/decoder";
import { learnedBias } from "../adapt/learned_bias.ts";
import { lora } from "../adapt/lora.ts";
import { prefix } from "../adapt/prefix.ts";
import { pretrain, type StepInfo, tune, type TuneOptions } from "./tune.ts";
import { tinyExamples, tinyModel } from "../testing/tiny.ts";

const golden = fileURLToPath(new URL("../../../shared/golden", import.meta.url));
const hasGolden = existsSync(golden);
if (!hasGolden) console.log(`skipping the golden trajectories: ${golden} is not there`);

const settings: TuneOptions = { steps: 3, batchSize: 8, learningRate: 1e-2, seed: 1 };

function assertClose(actual: readonly number[], expected: readonly number[], tolerance: number) {
  assert.equal(actual.length, expected.length);
  actual.forEach((value, i) => {
    const error = Math.abs(value / expected[i]! - 1);
    assert.ok(error < tolerance, `expected ${expected[i]} at ${i}, but found ${value}`);
  });
}

for (const kind of ["eager", "compiled"] as const) {
  // Eager, in plain JavaScript, takes two seconds each: two of them.
  Deno.test({
    name: `tune() follows the ten AdamW steps of the goldens, ${kind} (needs ../shared/golden)`,
    ignore: !hasGolden,
    async fn() {
      const engine = await createEngine({ kind });
      for (const name of await readdir(golden)) {
        const folder = join(golden, name);
        if (!existsSync(join(folder, "golden.json"))) continue;
        const model = await loadCheckpoint(folder);
        const { input_ids, labels, train } = JSON.parse(
          readFileSync(join(folder, "golden.json"), "utf8"),
        );
        const examples = input_ids.map((ids: number[], i: number) => ({ ids, labels: labels[i] }));
        const norms: number[] = [];
        const { losses } = await tune(engine, model, examples, {
          steps: 10,
          batchSize: 3,
          learningRate: train.lr,
          schedule: "constant",
          warmup: 0,
          betas: train.betas,
          epsilon: train.eps,
          weightDecay: train.weight_decay,
          decayAll: true,
          clip: train.clip,
          reduction: "token-mean",
          seed: 1,
          onStep: ({ gradNorm }) => norms.push(gradNorm),
        });
        assertClose(losses, train.losses, 1e-4);
        assertClose(norms, train.grad_norms, 1e-3);
      }
    },
  });
}

Deno.test("tune() accumulates: 1 × 8 is 8 × 1", async () => {
  const engine = await createEngine();
  for (const reduction of ["example-mean", "token-mean", "sum"] as const) {
    const whole = await tune(engine, tinyModel(), tinyExamples(), { ...settings, reduction });
    const parts = await tune(engine, tinyModel(), tinyExamples(), {
      ...settings,
      reduction,
      batchSize: 1,
      accumulate: 8,
    });
    assertClose(parts.losses, whole.losses, 1e-5);
    for (const [name, { data }] of whole.model.parameters) {
      const other = parts.model.parameters.get(name)!.data;
      data.forEach((x, i) =>
        assert.ok(Math.abs(x - other[i]!) < 1e-4, `${name}: ${x}, ${other[i]}`)
      );
    }
  }
});

Deno.test("tune() divides the rows among three threads: the same bits each time, one thread's loss", async () => {
  const train = async (threads: number) =>
    await tune(await createEngine({ threads }), tinyModel(), tinyExamples(), settings);
  const [one, three, again] = [await train(1), await train(3), await train(3)];
  assertClose(three.losses, one.losses, 1e-5);
  assert.deepEqual(again.losses, three.losses);
  assert.equal(again.model.hash, three.model.hash);
  assert.notEqual(three.model.hash, one.model.hash); // it was divided
});

Deno.test("tune() gives the same bits for the same seed, and leaves the base as it was", async () => {
  const engine = await createEngine();
  const base = tinyModel();
  const before = base.parameters.get("model.norm.weight")!.data.slice();
  const first = await tune(engine, base, tinyExamples(), settings);
  const second = await tune(engine, base, tinyExamples(), settings);
  const other = await tune(engine, base, tinyExamples(), { ...settings, seed: 2 });
  assert.equal(first.model.hash, second.model.hash);
  assert.deepEqual(first.losses, second.losses);
  assert.notEqual(first.model.hash, other.model.hash);
  assert.deepEqual(base.parameters.get("model.norm.weight")!.data, before);
});

Deno.test("tune() stops at a loss that is not finite, names step and example, keeps the checkpoint", async () => {
  const folder = await mkdtemp(join(tmpdir(), "tune-"));
  try {
    const engine = await createEngine();
    // A damaged embedding row that one example alone reads.
    const model = tinyModel({ tie_word_embeddings: false });
    model.parameters.get("model.embed_tokens.weight")!.data.fill(NaN, 47 * 16, 48 * 16);
    const examples = tinyExamples().map(({ ids, labels }, i) => ({
      ids: ids.map((id, t) => (id === 47 ? 46 : i === 13 && t === 3 ? 47 : id)),
      labels: labels.map((id) => (id === 47 ? 46 : id)),
    }));
    const run = tune(engine, model, examples, {
      ...settings,
      batchSize: 4,
      steps: 5,
      checkpoint: { folder, every: 1 },
    });
    await assert.rejects(run, /finite loss and gradient in step 4, .* finite: 13\. .* stays in/);
    assert.deepEqual(await readdir(folder), ["step-3.safetensors"]);
  } finally {
    await rm(folder, { recursive: true });
  }
});

Deno.test("tune() refuses an empty list, examples without a target, and no steps", async () => {
  const engine = await createEngine();
  await assert.rejects(async () => await tune(engine, tinyModel(), [], settings), /found none/);
  const masked = [{ ids: [1, 2, 3], labels: [-100, -100, -100] }];
  await assert.rejects(tune(engine, tinyModel(), masked, settings), /at least one target/);
  const none = { ...settings, steps: undefined };
  await assert.rejects(
    async () => await tune(engine, tinyModel(), tinyExamples(), none),
    /steps or epochs/,
  );
});

Deno.test("tune() stops when its signal says so", async () => {
  const engine = await createEngine();
  const controller = new AbortController();
  let last = 0;
  const onStep = ({ step }: { step: number }) => {
    last = step;
    if (step === 2) controller.abort(new Error("enough"));
  };
  const run = tune(engine, tinyModel(), tinyExamples(), {
    ...settings,
    steps: 50,
    onStep,
    signal: controller.signal,
  });
  await assert.rejects(run, /enough/);
  assert.equal(last, 2);
});

Deno.test("tune() counts epochs in whole steps", async () => {
  const seen: number[] = [];
  const { losses } = await tune(await createEngine(), tinyModel(), tinyExamples(), {
    batchSize: 8,
    epochs: 2,
    learningRate: 1e-2,
    seed: 1,
    onStep: ({ step, steps }) => {
      seen.push(step);
      assert.equal(steps, 5); // 20 examples twice, 8 a step
    },
  });
  assert.deepEqual(seen, [1, 2, 3, 4, 5]);
  assert.equal(losses.length, 5);
});

Deno.test("pretrain() learns a stream that repeats itself", async () => {
  const stream = Int32Array.from({ length: 2048 }, (_, i) => 3 + (i % 7));
  const { losses } = await pretrain(await createEngine(), tinyModel(), stream, {
    steps: 60,
    length: 32,
    batchSize: 4,
    learningRate: 1e-2,
    schedule: "warmup-stable-decay",
    seed: 1,
  });
  assert.ok(losses[0]! > 2.5 && losses.at(-1)! < 0.5, `${losses[0]} → ${losses.at(-1)}`);
});

Deno.test("tune() trains adapters on a BF16 base, which stays; merged equals unmerged", async () => {
  const engine = await createEngine();
  const folder = await mkdtemp(join(tmpdir(), "bf16-"));
  await saveCheckpoint(tinyModel(), folder, { dtype: "BF16" });
  const base = await loadCheckpoint(folder);
  await rm(folder, { recursive: true });
  const adapter = lora({ rank: 4, alpha: 8 });
  const many = { ...settings, steps: 12, learningRate: 5e-2, adapter };
  const { model, losses, trained } = await tune(engine, base, tinyExamples(), many);
  // The frozen head is small, so little can be won.
  assert.ok(losses.at(-1)! < losses[0]! - 0.02, `${losses[0]} → ${losses.at(-1)}`);
  const full = await tune(engine, base, tinyExamples(), settings);
  assertClose(losses.slice(0, 1), full.losses.slice(0, 1), 1e-6); // B = 0: the base
  assert.equal(trained!.size, 2 * 7 * 2); // A and B of seven projections in two layers
  assert.deepEqual(
    model.parameters.get("model.embed_tokens.weight")!.data,
    base.parameters.get("model.embed_tokens.weight")!.data,
  );
  // The 13th step's loss, from the adapters and from the merged weights.
  const more = await tune(engine, base, tinyExamples(), {
    ...many,
    steps: 13,
    schedule: "constant",
    warmup: 0,
  });
  const until = await tune(engine, base, tinyExamples(), {
    ...many,
    schedule: "constant",
    warmup: 0,
  });
  const { losses: after } = await tune(engine, until.model, tinyExamples(), {
    ...settings,
    steps: 13,
    learningRate: 0,
  });
  assertClose(after.slice(12), more.losses.slice(12), 1e-4);
});

Deno.test("tune() with recomputed layers takes the same steps", async () => {
  const engine = await createEngine();
  const plain = await tune(engine, tinyModel(), tinyExamples(), settings);
  const options = { ...settings, checkpointLayers: true };
  const recomputed = await tune(engine, tinyModel(), tinyExamples(), options);
  assertClose(recomputed.losses, plain.losses, 1e-5);
});

for (const dtype of ["F32", "F16", "BF16"] as const) {
  Deno.test(`tune() gives the same bits with a base that stays in its ${dtype} file`, async () => {
    const folder = await mkdtemp(join(tmpdir(), "in-file-"));
    const linked = await mkdtemp(join(tmpdir(), "linked-"));
    try {
      await saveCheckpoint(tinyModel(), folder, { dtype });
      for (const file of ["config.json", "model.safetensors"]) { // as the hub's cache has them
        await symlink(join(folder, file), join(linked, file));
      }
      const engine = await createEngine({ threads: 1 });
      const options = { ...settings, steps: 4, learningRate: 5e-2, adapter: lora({ rank: 4 }) };
      const inMemory = await loadCheckpoint(folder);
      const inFile = await loadCheckpoint(linked, { inFile: true });
      assert.equal(inFile.hash, inMemory.hash);
      assert.equal(inFile.parameters.get("model.norm.weight")!.file!.dtype, dtype);
      const expected = await tune(engine, inMemory, tinyExamples(), options);
      const found = await tune(engine, inFile, tinyExamples(), options);
      assert.deepEqual(found.losses, expected.losses);
      assert.deepEqual(found.trained, expected.trained);
      assert.equal(found.model.hash, expected.model.hash);
      const eager = await tune(
        await createEngine({ kind: "eager" }),
        inFile,
        tinyExamples(),
        options,
      );
      assertClose(eager.losses, expected.losses, 1e-5);
    } finally {
      await rm(folder, { recursive: true });
      await rm(linked, { recursive: true });
    }
  });
}

for (const adapter of [prefix({ length: 2 }), learnedBias()]) {
  Deno.test(`tune() trains ${adapter.name} without reading the weights that stay in their file`, async () => {
    const folder = await mkdtemp(join(tmpdir(), "unread-"));
    try {
      await saveCheckpoint(tinyModel(), folder, { dtype: "BF16" });
      const inFile = await loadCheckpoint(folder, { inFile: true });
      const parameters = new Map(
        [...inFile.parameters].map(([name, { shape, file }]) => [name, {
          shape,
          file,
          get data(): Float32Array {
            throw new Error(`${name} was read into memory`);
          },
        }]),
      );
      const engine = await createEngine({ threads: 1 });
      const options = { ...settings, adapter };
      const found = await tune(engine, { ...inFile, parameters }, tinyExamples(), options);
      const inMemory = await loadCheckpoint(folder);
      const expected = await tune(engine, inMemory, tinyExamples(), options);
      assert.deepEqual(found.losses, expected.losses);
      assert.deepEqual(found.trained, expected.trained);
    } finally {
      await rm(folder, { recursive: true });
    }
  });
}

Deno.test("tune() takes an adapter's training up again, and refuses another adapter's", async () => {
  const folder = await mkdtemp(join(tmpdir(), "taken-up-"));
  try {
    const engine = await createEngine({ threads: 1 });
    const adapter = prefix({ length: 2 });
    const options = { ...settings, steps: 6, learningRate: 0.1 };
    const whole = await tune(engine, tinyModel(), tinyExamples(), { ...options, adapter });
    const checkpoint = { folder, every: 2 };
    const stop = new AbortController();
    const broken = tune(engine, tinyModel(), tinyExamples(), {
      ...options,
      adapter,
      checkpoint,
      signal: stop.signal,
      onStep: ({ step }) => step === 3 && stop.abort(new Error("killed")),
    });
    await assert.rejects(broken, /killed/);
    const steps: number[] = [];
    const taken = { ...options, checkpoint, onStep: ({ step }: StepInfo) => void steps.push(step) };
    const other = tune(engine, tinyModel(), tinyExamples(), {
      ...taken,
      adapter: { ...adapter, name: "other" },
    });
    await assert.rejects(other, /to be of run .* settings differ/);
    const rest = await tune(engine, tinyModel(), tinyExamples(), { ...taken, adapter });
    assert.deepEqual(steps, [4, 5, 6]);
    assert.deepEqual(rest.losses, whole.losses);
    assert.deepEqual(rest.trained, whole.trained);
  } finally {
    await rm(folder, { recursive: true });
  }
});
