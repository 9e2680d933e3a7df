import assert from "node:assert/strict";
import process from "node:process";
import { type Contender, joinRuns, Side, takeTurns } from "./turns.ts";
import { prepareWork } from "./work.ts";

/** A side that speaks the protocol and stops at the end of its lines; a number: so long no line. */
function side(label: string, ...lines: unknown[]): Contender {
  const code = `
    import { createInterface } from "node:readline";
    const lines = ${JSON.stringify(lines)};
    const say = async () => {
      while (typeof lines[0] === "number") {
        await new Promise((resolve) => setTimeout(resolve, 1000 * lines.shift()));
      }
      if (lines.length === 0) throw new Error("out of lines");
      console.log(JSON.stringify(lines.shift()));
    };
    await say();
    for await (const _ of createInterface({ input: process.stdin })) await say();`;
  return { label, start: () => new Side(process.execPath, ["eval", code], 1) };
}

const unit = (seconds: number) => ({ amount: 1, seconds });
const options = { rounds: 1, warm: 0, patience: 60, onTurn: () => {} };

Deno.test("takeTurns() lets all sides work and leaves the warm turn out", async () => {
  const turns: string[] = [];
  const run = await takeTurns([
    side("us", { name: "we", bytes: 7 }, unit(9), unit(1), unit(2), { rss: 5 }),
    side("them", { name: "they" }, unit(9), unit(3), unit(4), { rss: 6 }),
  ], { ...options, rounds: 2, warm: 1, onTurn: (label, turn) => turns.push(`${label} ${turn}`) });
  assert.equal(turns.join(), "us 0,them 0,us 1,them 1,us 2,them 2,us 3,them 3");
  assert.deepEqual(run, {
    sides: [
      { label: "us", name: "we", bytes: 7, turns: [unit(1), unit(2)], rss: 5 },
      { label: "them", name: "they", bytes: undefined, turns: [unit(3), unit(4)], rss: 6 },
    ],
    missing: {},
  });
});

Deno.test("joinRuns() keeps who was there both times, with all turns", () => {
  const side = (label: string, seconds: number, rss: number) => (
    { label, name: label, turns: [unit(seconds)], rss }
  );
  const first = { sides: [side("us", 1, 7), side("them", 2, 4), side("late", 9, 9)], missing: {} };
  const second = { sides: [side("us", 3, 5), side("them", 4, 6)], missing: { late: "too slow" } };
  assert.deepEqual(joinRuns(first, second), {
    sides: [
      { label: "us", name: "us", turns: [unit(1), unit(3)], rss: 7 },
      { label: "them", name: "them", turns: [unit(2), unit(4)], rss: 6 },
    ],
    missing: { late: "too slow" },
  });
});

Deno.test("takeTurns() goes on without a peer that is absent, stops or takes too long", async () => {
  const ours = side("us", { name: "we" }, unit(1), unit(1), { rss: 5 });
  const absent = { label: "absent", start: () => new Side("no-such-command-anywhere", [], 1) };
  const late = side("late", 60, { name: "it" });
  const stopped = side("stopped", { name: "it" }, unit(1));
  const slow = side("slow", { name: "it" }, 2.2, unit(2), unit(2), { rss: 5 });
  const { sides, missing } = await takeTurns([ours, absent, late, stopped, slow], {
    ...options,
    rounds: 2,
    patience: 4,
  });
  assert.deepEqual(sides.map(({ label }) => label), ["us"]);
  assert.match(missing.absent!, /no-such-command-anywhere/);
  assert.match(missing.late!, /more than 4 s/);
  assert.match(missing.stopped!, /out of lines/);
  assert.match(missing.slow!, /a turn takes 2\.\d s, too long for 2 of them/);
});

Deno.test("takeTurns() does not go on without us", async () => {
  const theirs = side("them", { name: "they" }, unit(1), { rss: 5 });
  const absent = side("us", { missing: "torch" });
  await assert.rejects(takeTurns([absent, theirs], options), /Expected us to run.*found: torch/);
  const stops = side("us", { name: "we" });
  await assert.rejects(takeTurns([stops, theirs], options), /Expected us to run/);
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
