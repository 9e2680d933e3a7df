import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { createEngine } from "../engine/engine.ts";
import { loadCheckpoint } from "../model/checkpoint.ts";
import { tune } from "./tune.ts";

const golden = fileURLToPath(new URL("../../../shared/golden", import.meta.url));
const present = existsSync(golden);
if (!present) console.log(`skipping the golden trajectories: ${golden} is not there`);

for (const kind of ["eager", "compiled"] as const) {
  Deno.test({
    name: `tune() follows the ten AdamW steps of a golden, ${kind} (needs ../shared/golden)`,
    ignore: !present,
    async fn() {
      const folder = `${golden}/llama-gqa-tied-rope3`;
      const model = await loadCheckpoint(folder);
      const { input_ids, labels, train } = JSON.parse(
        readFileSync(`${folder}/golden.json`, "utf8"),
      );
      const examples = input_ids.map((ids: number[], row: number) => ({
        ids,
        labels: labels[row],
      }));
      const norms: number[] = [];
      const { losses } = await tune(await createEngine({ kind }), model, examples, {
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
      losses.forEach((loss, i) =>
        assert.ok(Math.abs(loss / train.losses[i] - 1) < 1e-4, `step ${i}: ${loss}`)
      );
      norms.forEach((norm, i) =>
        assert.ok(Math.abs(norm / train.grad_norms[i] - 1) < 1e-3, `step ${i}: ${norm}`)
      );
    },
  });
}
