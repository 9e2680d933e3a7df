import assert from "node:assert/strict";
import process from "node:process";
import { Side, takeTurns } from "./turns.ts";
import { prepareWork } from "./work.ts";

/** A side that speaks the protocol and stops at the end of its lines. */
function side(...lines: unknown[]): Side {
  const code = `
    import { createInterface } from "node:readline";
    const lines = ${JSON.stringify(lines)};
    console.log(JSON.stringify(lines.shift()));
    for await (const _ of createInterface({ input: process.stdin })) {
      if (lines.length === 0) throw new Error("out of lines");
      console.log(JSON.stringify(lines.shift()));
    }`;
  return new Side(process.execPath, ["eval", code], 1);
}

const unit = (seconds: number) => ({ amount: 1, seconds });

Deno.test("takeTurns() lets both sides work and leaves the warm turn out", async () => {
  const turns: number[] = [];
  const run = await takeTurns([
    side({ name: "us" }, unit(9), unit(1), unit(2), { rss: 5 }),
    side({ name: "them" }, unit(9), unit(3), unit(4), { rss: 6 }),
  ], { rounds: 2, warm: 1, onTurn: (turn) => turns.push(turn) });
  assert.deepEqual(turns, [1, 2, 3]);
  assert.deepEqual(run, {
    sides: [
      { name: "us", turns: [unit(1), unit(2)], rss: 5 },
      { name: "them", turns: [unit(3), unit(4)], rss: 6 },
    ],
    missing: null,
  });
});

Deno.test("takeTurns() goes on without a peer, and not without us", async () => {
  const options = { rounds: 1, warm: 0, onTurn: () => {} };
  const ours = () => side({ name: "us" }, unit(1), { rss: 5 });
  const absent = new Side("no-such-command-anywhere", [], 1);
  const { sides, missing } = await takeTurns([ours(), absent], options);
  assert.equal(sides.length, 1);
  assert.match(missing!, /no-such-command-anywhere/);
  await assert.rejects(takeTurns([side({ missing: "torch" }), ours()], options), /found: torch/);
  const stops = side({ name: "us" });
  await assert.rejects(takeTurns([stops, side({ name: "them" })], options), /Expected us to go on/);
});

Deno.test("prepareWork() trains, decodes and profiles the miniature's shape", async () => {
  const settings = { threads: 1, kind: "compiled" } as const;
  const decode = await prepareWork("decode-world-batch-1", settings);
  assert.equal(await decode.unit(), 20 * 32);
  assert.equal(decode.parts, undefined);
  const train = await prepareWork("train-step-world", { ...settings, kind: "profile" });
  assert.equal(await train.unit() + await train.unit(), 2);
  const parts = await train.parts!();
  assert.deepEqual(Object.keys(parts), ["matrix products", "everything else", "optimiser"]);
  for (const [part, milliseconds] of Object.entries(parts)) assert.ok(milliseconds > 0, part);
});
