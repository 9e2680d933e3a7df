import assert from "node:assert/strict";
import { lora } from "../adapt/lora.ts";
import { parseConfig } from "@implicit/decoder";
import { arms } from "../study/arm.ts";
import { armOperations, timeTable, trainingOperations } from "./speed.ts";
import { openStudy } from "../study/open_study.ts";

const config = parseConfig({
  model_type: "llama",
  vocab_size: 100,
  hidden_size: 8,
  intermediate_size: 16,
  num_hidden_layers: 2,
  num_attention_heads: 2,
  num_key_value_heads: 1,
  max_position_embeddings: 64,
  rms_norm_eps: 1e-5,
});

Deno.test("trainingOperations() counts the products of matrices", () => {
  // A layer: queries and output 8 × 8, keys and values 4 × 8, three of 8 × 16; a row of 10 tokens
  // looks at 10 · 10 / 2 pairs, with a product of width 8 for the score and one for the value.
  const layers = 2 * (2 * 10 * (2 * 64 + 2 * 32 + 3 * 128) + 2 * 2 * 8 * 50);
  const head = 2 * 100 * 8 * 4;
  const shape = { rows: 1, length: 10, targets: 4 };
  assert.equal(trainingOperations(config, shape), 3 * (layers + head));
  const passes = { checkpointLayers: true, adapter: lora({ rank: 1, alpha: 1 }) };
  assert.equal(trainingOperations(config, shape, passes), 3 * layers + 2 * head);
  assert.equal(
    trainingOperations(config, { ...shape, rows: 3, targets: 12 }),
    3 * trainingOperations(config, shape),
  );
});

Deno.test("timeTable() divides operations by the speed measured", async () => {
  const study = await openStudy({ scale: "miniature", seeds: 1, tuning: { steps: 3 } });
  const once = await armOperations(study, arms.responseTuning);
  const longer = await openStudy({ scale: "miniature", seeds: 1, tuning: { steps: 6 } });
  const ratio = await armOperations(longer, arms.responseTuning) / once;
  assert.ok(ratio > 1.7 && ratio < 2.3, `twice the steps take ${ratio} times the operations`);

  const rows = await timeTable(study, arms.base, { training: 1e15, decoding: 1e12 }, [10]);
  assert.equal(rows.length, 4);
  // 15 epochs of 1,030 × 696 tokens × 6.6 · 10⁹ weights × 6, and attention: some 430 · 10¹⁵.
  const seconds = Number(rows[3]!["operations"]) / 1e15;
  assert.ok(seconds > 400 && seconds < 480, rows[3]!["operations"]);
  assert.match(rows[3]!["this machine"]!, /^7 min/);
  assert.match(rows[3]!["10 × as fast"]!, /^4[0-9] s/);
  assert.equal(rows[2]!["this machine"], "28 s"); // 805 × 256 tokens × 134.5 · 10⁶ weights / 10¹²
});
