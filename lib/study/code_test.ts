import assert from "node:assert/strict";
import { codeVersion, importClosure } from "@implicit/memo";
import { projectRoot } from "./settings.ts";

Deno.test("codeVersion() covers the study's runs: engine, decoder, tokenizer, tuning, rules", async () => {
  const { files, packages } = await importClosure(
    ["lib/study/run.ts", "lib/study/miniature.ts"],
    projectRoot(),
  );
  for (
    const file of [
      "lib/study/run.ts",
      "lib/tune/tune.ts",
      "lib/adapt/rules.ts",
      "packages/engine/engine.ts",
      "packages/decoder/tokenizer.ts",
      "packages/world/grade.ts",
    ]
  ) assert.ok(files.includes(file), file);
  assert.ok(packages.some((name) => name.startsWith("npm:@huggingface/tokenizers@")));
  assert.match(await codeVersion(["lib/study/run.ts"], projectRoot()), /^[0-9a-f]{16}$/);
});
