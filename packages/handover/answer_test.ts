import assert from "node:assert/strict";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createDecoder } from "@implicit/decoder";
import { spread, tinyModel } from "@implicit/decoder/testing";
import { collectRuns } from "./collect.ts";
import { type HandedRun, writeHandover } from "./folder.ts";
import { serveVllm } from "./testing/loopback.ts";
import { python, pythonWith } from "./testing/python.ts";

const noPython = await pythonWith("json");
if (noPython) console.log(`skipping answer.py: ${noPython}`);

const size = { parameters: 1, layers: 1, hidden: 1, intermediate: 1, vocabulary: 48 };
const handed = { name: "tiny", revision: null, tokenizer: "t", eosIds: [2], size };
const prompts = [[1, 5, 9], [1, 7], [1, 30, 31, 32]].map((ids, i) => (
  { id: `p${i}`, instruction: `Say ${i}.`, ids }
));
const weights: [number, number][] = [[11, 3], [12, 3.5]];
const untuned = { training: null, prompts, maxTokens: 12, rules: null, about: {} };
const runs: HandedRun[] = [
  { ...untuned, name: "base-0" },
  { ...untuned, name: "rules-0", rules: [{ kind: "uniform", weights }] },
];

Deno.test({
  name: "answer.py answers as the model does, goes on where it was cut, and refuses (needs Python)",
  ignore: noPython !== null,
  async fn() {
    const folder = await mkdtemp(join(tmpdir(), "handover-"));
    const decoder = await createDecoder(spread(tinyModel()), { threads: 1 });
    const server = await serveVllm(decoder);
    const other = await serveVllm(decoder, undefined, "runs/mine-1/output");
    const answer = (run: string, { url } = server) =>
      python(["answer.py", `runs/${run}`, "--url", url, "--workers", "2"], folder);
    const refused = (expected: RegExp) => (error: { stderr?: string }) =>
      expected.test(error.stderr ?? "");
    try {
      const { runs: listed } = await writeHandover(folder, handed, runs, "");
      for (const { name } of runs) await answer(name);
      const processors = [(logits: Float32Array) => {
        for (const [id, weight] of weights) logits[id]! += weight;
      }];
      const ids = prompts.map((prompt) => prompt.ids);
      const expected = [
        await decoder.generate(ids, { maxTokens: 12 }),
        await decoder.generate(ids, { maxTokens: 12, processors }),
      ];
      assert.notDeepEqual(expected[0], expected[1], "the rules change something");
      const back = await collectRuns(folder);
      assert.deepEqual(back.map(({ state, detail }) => [state, detail]), [["done", ""], [
        "done",
        "",
      ]]);
      assert.deepEqual(back.map(({ answers }) => answers.map(({ tokens }) => tokens)), expected);

      const path = join(folder, "runs", "base-0", "output", "answers.jsonl");
      const text = await readFile(path, "utf8");
      await writeFile(path, text.slice(0, text.indexOf("\n") + 20)); // one answer, and half of one
      const before = server.asked.length;
      assert.match((await collectRuns(folder))[0]!.detail, /1 of 3 answers/);
      await answer("base-0");
      assert.equal(server.asked.length, before + 2);
      assert.equal(await readFile(path, "utf8"), text);

      await assert.rejects(
        answer("base-0", other),
        refused(/Expected the model of base-0 at http.*, but found runs\/mine-1\/output/),
      );
      await writeFile(join(folder, listed[0]!.prompts), "");
      await assert.rejects(answer("base-0"), refused(/Expected prompts\/.* as it was handed over/));
    } finally {
      await Promise.all([server.close(), other.close()]);
      decoder.dispose();
      await rm(folder, { recursive: true });
    }
  },
});
