/** The process that resume_test.ts kills: tunes with checkpoints in the folder that it is given. */
import { createEngine } from "@implicit/engine";
import { tinyExamples, tinyModel } from "./tiny.ts";
import { tune } from "../tune/tune.ts";

const [folder, every] = Deno.args;
// Wide, so that writing a checkpoint takes long enough to be met by a kill.
const model = tinyModel({ hidden_size: 256, intermediate_size: 2048 });
const tuned = await tune(await createEngine({ threads: 2 }), model, tinyExamples(), {
  steps: 16,
  batchSize: 4,
  learningRate: 1e-3,
  weightDecay: 0.1,
  seed: 3,
  checkpoint: { folder: folder!, every: Number(every) },
  onStep: ({ step }) => console.log(`step ${step}`),
});
console.log(`done ${tuned.model.hash} ${tuned.losses.join(" ")}`);
