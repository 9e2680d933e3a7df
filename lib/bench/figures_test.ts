import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { type BenchFigures, benchLine, benchProvenance, benchTable } from "./figures.ts";
import { roundingLine } from "./rounding.ts";
import { projectRoot } from "../study/settings.ts";

Deno.test("benchTable() has a line a peer, and one where there is none", () => {
  const bench: BenchFigures = {
    date: "2026-01-01",
    processor: "Abacus",
    threads: 2,
    ours: "us",
    peers: { them: "them 1.0, slow" },
    rows: [
      { name: "train-step-T", ours: 0.5, unit: "s", peer: null, peer_name: null, ratio: null },
      { name: "score-S", ours: 1234.5, unit: "tokens/s", peer: 617, peer_name: "them", ratio: 2 },
      {
        name: "score-S",
        ours: 1234.5,
        unit: "tokens/s",
        peer: 2469,
        peer_name: "others",
        ratio: 0.5,
        bandwidth: 2e10,
        share: 0.3,
        peer_share: 0.6,
      },
    ],
    shares: { "train-step-T": { "matrix products": 0.75, optimiser: 0.25 } },
    engines: {},
  };
  assert.deepEqual(benchTable(bench).split("\n").slice(2), [
    "| train-step-T | 0.500 s | – | – | – | matrix products 75 %, optimiser 25 % |",
    "| score-S | 1,235 tokens/s | them | 617 | 2.00 |  |",
    "|  |  | others | 2,469 | 0.500 | of 20.0 GB/s: ours 30 %, peer 60 % |",
  ]);
  assert.equal(
    benchLine(bench.rows[2]!),
    "score-S                ours 1,235 tokens/s, others 2,469, ratio 0.500; " +
      "of 20.0 GB/s: ours 30 %, peer 60 %",
  );
  assert.match(
    benchProvenance(bench),
    /^2026-01-01, 2 threads of Abacus\. Ours: us; them: them 1\.0, slow\. A ratio/,
  );
});

Deno.test("the README shows what data/bench.json holds", async () => {
  const bench: BenchFigures = JSON.parse(
    await readFile(join(projectRoot(), "data", "bench.json"), "utf8"),
  );
  const plain = (text: string) => text.replace(/[\s-]+/g, " ");
  const readme = plain(await readFile(join(projectRoot(), "README.md"), "utf8"));
  const rows = benchTable(bench).split("\n").filter((line) => !line.startsWith("|---"));
  for (const shown of [...rows, benchProvenance(bench)]) {
    assert.ok(readme.includes(plain(shown)), `README lacks (run \`deno task readme\`): ${shown}`);
  }
  const decoder = join(projectRoot(), "packages", "decoder", "README.md");
  const line = roundingLine(bench.rounding!);
  assert.ok(plain(await readFile(decoder, "utf8")).includes(plain(line)), `it lacks: ${line}`);
});
