import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { mean } from "simple-statistics";
import { arms } from "./arm.ts";
import { roundTrip } from "./round_trip.ts";
import { openStudy } from "./study.ts";

const data = fileURLToPath(new URL("../../../shared/testdata", import.meta.url));
const present = existsSync(data);
if (!present) console.log(`skipped: stories260K on real rows, ${data} is not there`);

Deno.test({
  name: "stories260K learns from GSM8K's 1,000 and from Alpaca's responses, and says the same " +
    "everywhere (needs ../shared/testdata)",
  ignore: !present,
  async fn() {
    const folder = await mkdtemp(join(tmpdir(), "real-"));
    const saved = Deno.env.get("IMPLICIT_CACHE");
    Deno.env.set("IMPLICIT_CACHE", folder);
    try {
      const base = join(data, "models", "stories260K");
      // A tenth of the scale's steps, on shorter rows: the figures in data/real.json have them all.
      const study = await openStudy({
        scale: "small",
        base,
        data,
        seeds: 1,
        tuning: { steps: 30 },
      });
      Object.assign(study.scale, { maxLength: 128 });
      for (const arm of [arms.singleTask("sums"), arms.responseTuning]) {
        assert.equal((await study.scale.examples(arm.tuning!, 1)).length, 1000);
        const { losses } = await study.tuned(arm, 1);
        const [first, last] = [mean(losses.slice(0, 3)), mean(losses.slice(-3))];
        assert.ok(last < first - 0.5, `${arm.name}: the loss went from ${first} to ${last}`);

        const readings = await roundTrip(study, arm, { maxTokens: 24 });
        assert.equal(readings.length, 4);
        assert.ok(readings[0]!.of >= 24, "something is generated");
        for (const { reader, equal, of, response } of readings) {
          if (equal === null) console.log(`skipped: ${reader}: ${response}`);
          else assert.equal(equal, of, `${arm.name}: tokens of ${reader}`);
        }
      }
    } finally {
      saved === undefined
        ? Deno.env.delete("IMPLICIT_CACHE")
        : Deno.env.set("IMPLICIT_CACHE", saved);
      await rm(folder, { recursive: true });
    }
  },
});
