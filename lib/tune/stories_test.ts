import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { createEngine } from "@implicit/engine";
import { loadCheckpoint, loadTokenizer } from "@implicit/decoder";
import { encodeExample, toResponseTuning } from "../text/example.ts";
import { templates } from "../text/template.ts";
import { tune } from "./tune.ts";

const data = fileURLToPath(new URL("../../../shared/testdata", import.meta.url));
const present = existsSync(data);
if (!present) console.log(`skipping the tuning of stories260K: ${data} is not there`);

Deno.test({
  name: "tune() lowers the loss of stories260K on 500 Alpaca responses (needs ../shared/testdata)",
  ignore: !present,
  async fn() {
    const folder = join(data, "models", "stories260K");
    const [model, tokenizer] = [await loadCheckpoint(folder), await loadTokenizer(folder)];
    const rows: { instruction: string; output: string }[] = JSON.parse(
      readFileSync(join(data, "alpaca", "alpaca_small.json"), "utf8"),
    );
    const examples = rows.slice(0, 500).flatMap(({ instruction, output }) => {
      const example = toResponseTuning({
        messages: [
          { role: "user", content: instruction },
          { role: "assistant", content: output },
        ],
      });
      return encodeExample(example, tokenizer, templates.tulu, { maxLength: 96 }) ?? [];
    });
    const { losses } = await tune(await createEngine(), model, examples, {
      steps: 40,
      batchSize: 8,
      learningRate: 1e-3,
      seed: 1,
    });
    const mean = (part: number[]) => part.reduce((a, b) => a + b) / part.length;
    const [first, last] = [mean(losses.slice(0, 5)), mean(losses.slice(-5))];
    assert.ok(last < first - 0.5, `${first} → ${last}`);
  },
});
