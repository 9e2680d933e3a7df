import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { mean } from "simple-statistics";
import { roundTrip } from "@implicit/hub";
import { arms } from "../study/arm.ts";
import { formatPrompt, templates } from "../text/template.ts";
import { realProvenance, type RealResults, realTable } from "./real.ts";
import { projectRoot, readSettings } from "../study/settings.ts";
import { openStudy } from "../study/open_study.ts";

const data = fileURLToPath(new URL("../../../shared/testdata", import.meta.url));
const present = existsSync(data);
if (!present) console.log(`skipped: stories260K on real rows, ${data} is not there`);

Deno.test({
  name: "stories260K learns from GSM8K's 1,000 and from Alpaca's responses, and says the same " +
    "everywhere (needs ../shared/testdata)",
  ignore: !present,
  async fn() {
    const folder = await mkdtemp(join(tmpdir(), "real-"));
    try {
      const base = join(data, "models", "stories260K");
      // A tenth of the scale's steps, on shorter rows: the figures in data/real.json have them all.
      const options = { scale: "small", base, data, seeds: 1, tuning: { steps: 30 } } as const;
      const study = await openStudy(options, { ...readSettings({}), cache: folder });
      Object.assign(study.scale, { maxLength: 128 });
      for (const arm of [arms.singleTask("sums"), arms.responseTuning]) {
        assert.equal((await study.scale.examples(arm.tuning!, 1)).length, 1000);
        const { losses, ...adapted } = await study.tuned(arm, 1);
        const [first, last] = [mean(losses.slice(0, 3)), mean(losses.slice(-3))];
        assert.ok(last < first - 0.5, `${arm.name}: the loss went from ${first} to ${last}`);

        const { tokenizer } = study.base;
        const prompts = study.prompts.slice(0, 3).map(({ instruction }) =>
          tokenizer.encode(formatPrompt(templates.tulu, instruction))
        );
        const out = join(folder, "exported");
        const readings = await roundTrip(adapted, prompts, out, { tokenizer: base, maxTokens: 24 });
        assert.equal(readings.length, 4);
        assert.ok(readings[0]!.of >= 24, "something is generated");
        for (const { reader, equal, of, response } of readings) {
          if (equal === null) console.log(`skipped: ${reader}: ${response}`);
          else assert.equal(equal, of, `${arm.name}: tokens of ${reader}`);
        }
      }
    } finally {
      await rm(folder, { recursive: true });
    }
  },
});

Deno.test("realTable() says what was learnt and who read it back, or that nobody did", () => {
  const reading = (reader: string, equal: number | null) => ({
    reader,
    equal,
    of: 9,
    response: "",
  });
  const results: RealResults = {
    command: "deno task real --model tiny",
    date: "2026-01-01",
    base: "tiny",
    weights: "ab",
    threads: 2,
    processor: "Abacus",
    versions: { deno: "9" },
    rows: [{
      arm: "response-tuning",
      data: "alpaca: 1000 from a/file.json",
      steps: 300,
      firstLoss: 3.456,
      lastLoss: 2,
      seconds: 61.4,
      operations: 1,
      readings: [
        reading("this project, from memory", 9),
        reading("this project, from the ONNX file", 8),
        reading("transformers.js", null),
      ],
    }],
  };
  assert.deepEqual(realTable(results).split("\n").slice(2), [
    "| response-tuning | alpaca: 1000 | 300 | 3.46 → 2.00 | 61 s | " +
    "ONNX file 8 of 9, transformers.js not run |",
  ]);
  assert.match(
    realProvenance(results),
    /^`deno task real --model tiny`: tiny, weights sha256 ab, 2026-01-01, 2 threads of Abacus; deno 9\./,
  );
});

Deno.test("the README shows what data/real.json holds", async () => {
  const root = projectRoot();
  const results: RealResults = JSON.parse(
    await readFile(join(root, "data", "real.json"), "utf8"),
  );
  const plain = (text: string) => text.replace(/[\s-]+/g, " ");
  const readme = plain(await readFile(join(root, "README.md"), "utf8"));
  const rows = realTable(results).split("\n").filter((line) => !line.startsWith("|---"));
  for (const shown of [...rows, realProvenance(results)]) {
    assert.ok(readme.includes(plain(shown)), `README lacks (run \`deno task readme\`): ${shown}`);
  }
});
