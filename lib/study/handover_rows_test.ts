import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { writeHandover } from "@implicit/handover";
import { collect, handedOver } from "./handover_rows.ts";

const base = fileURLToPath(new URL("../../../shared/testdata/models/stories260K", import.meta.url));
const missing = !existsSync(base);
if (missing) console.log(`skipping the rows of a hand-over: ${base} is not there`);

Deno.test({
  name: "handedOver() gives rows with their origin of what is done (needs ../shared)",
  ignore: missing,
  async fn() {
    const folder = await mkdtemp(join(tmpdir(), "handover-"));
    try {
      const size = { parameters: 1, layers: 1, hidden: 1, intermediate: 1, vocabulary: 512 };
      const model = { name: base, revision: null, tokenizer: "t0", eosIds: [2], size };
      const prompts = ["a", "b"].map((id) => ({ id, instruction: `Say ${id}.`, ids: [1, 403] }));
      const run = { training: null, prompts, maxTokens: 9, rules: null };
      const { runs, files } = await writeHandover(folder, model, [
        { ...run, name: "base-0", about: { arm: "base", seed: 0 } },
        { ...run, name: "rules-0", about: { arm: "rules", seed: 0 } },
      ], "");
      const output = join(folder, "runs", "base-0", "output");
      await mkdir(output, { recursive: true });
      const lines = ["a", "b"].map((id) =>
        JSON.stringify({
          id,
          tokens: [403, 407],
          stopped: id === "a",
          model: "served",
          prompts: files[runs[0]!.prompts],
          rules: null,
        }) + "\n"
      );
      await writeFile(join(output, "answers.jsonl"), lines.join(""));
      const states = await collect(folder);
      assert.deepEqual(states.map(({ run, state }) => [run, state]), [
        ["base-0", "done"],
        ["rules-0", "missing"],
      ]);
      const outputs = JSON.parse(await readFile(join(output, "model_outputs.json"), "utf8"));
      assert.deepEqual(outputs.map((row: { instruction: string }) => row.instruction), [
        "Say a.",
        "Say b.",
      ]);
      const rows = (await handedOver(folder)).filter(({ seed }) => seed === null);
      assert.equal(rows.length, 1);
      const { arm, metric, value, section, engine } = rows[0]!;
      assert.deepEqual([arm, metric, value, section], ["base", "ended", 50, "4.1"]);
      assert.equal(engine, "handed over: vLLM, served");
    } finally {
      await rm(folder, { recursive: true });
    }
  },
});
