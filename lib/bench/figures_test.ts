import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { type BenchFigures, benchLine, benchProvenance, benchTable } from "./figures.ts";
import { projectRoot } from "../study/settings.ts";

Deno.test("benchTable() has a line a benchmark, also without a peer", () => {
  const none = { peer: null, peer_name: null, ratio: null };
  const bench: BenchFigures = {
    date: "2026-01-01",
    processor: "Abacus",
    threads: 2,
    ours: "us",
    peer: null,
    rows: [
      { name: "train-step-T", ours: 0.5, unit: "s", ...none },
      { name: "score-S", ours: 1234.5, unit: "tokens/s", ...none },
    ],
    shares: { "train-step-T": { "matrix products": 0.75, optimiser: 0.25 } },
    engines: {},
  };
  const [, , first, second] = benchTable(bench).split("\n");
  assert.equal(
    first,
    "| train-step-T | 0.500 s | – | – | matrix products 75 %, optimiser 25 % |",
  );
  assert.equal(second, "| score-S | 1,235 tokens/s | – | – |  |");
  assert.equal(
    benchLine(bench.rows[1]!),
    "score-S                ours 1,235 tokens/s, peer –, ratio –",
  );
  assert.match(benchProvenance(bench), /^2026-01-01, 2 threads of Abacus; ours: us; peer: none\./);
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
});
