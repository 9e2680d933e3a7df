import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { trustTable } from "./figures.ts";
import { tryReader, withoutMended } from "./inputs.ts";
import { killWork } from "./kills.ts";
import { mutateBytes, mutateJson, partsOf, randomOf } from "./mutate.ts";
import { readerNames, readers } from "./readers.ts";
import { attempt } from "./trial.ts";

/** So few that all readers take some seconds; `deno task trust` has the others. */
const INPUTS = 60;

Deno.test("a seed gives the same damages, another one others", () => {
  const bytes = Uint8Array.from({ length: 200 }, (_, i) => i), value = { a: [1, "b"], c: null };
  const made = (name: string) =>
    [mutateBytes(randomOf(name), bytes), mutateJson(randomOf(name), value)].join();
  assert.equal(made("csv 1 7"), made("csv 1 7"));
  const others = Array.from({ length: 40 }, (_, i) => made(`csv 1 ${i}`));
  assert.ok(new Set(others).size > 35);
});

Deno.test("partsOf() finds every value of a JSON text, with its name", () => {
  const json = '{"a": [1, {"b\\"": "x,y"}], "c":null}';
  const texts = partsOf(json).map(({ start, end }) => json.slice(start, end));
  assert.deepEqual(texts, [
    json,
    '"a": [1, {"b\\"": "x,y"}]',
    "1",
    '{"b\\"": "x,y"}',
    '"b\\"": "x,y"',
    '"c":null',
  ]);
});

Deno.test("attempt() tells refusals, errors without a sentence and nonsense apart", async () => {
  const outcome = async (read: () => unknown, check = () => {}) =>
    (await attempt(async () => (await read(), check), () => 0)).outcome;
  const fail = (message: string) => () => {
    throw new Error(message);
  };
  assert.equal(await outcome(() => 1), "accepted");
  assert.equal(await outcome(fail("Expected a number but found none")), "refused");
  assert.equal(await outcome(fail("x is undefined")), "no sentence");
  assert.equal(await outcome(() => Promise.reject("a text")), "no sentence");
  assert.equal(await outcome(() => 1, fail("Expected 1 but found 2")), "nonsense");
});

Deno.test("tryReader() counts a hang and a crash, and goes on behind them", async () => {
  const script = fileURLToPath(new URL("./unruly.ts", import.meta.url));
  const command = [process.execPath, "run", "-A", "--quiet", "--no-check", script];
  const options = { seed: 1, command, patience: 0.5 };
  const before = await tryReader("unruly", { ...options, inputs: 4 });
  assert.deepEqual([before.inputs, before.accepted, before.faults.length], [4, 3, 1]);
  const figures = await tryReader("unruly", { ...options, inputs: 9, before });
  assert.deepEqual([figures.inputs, figures.accepted], [9, 6]);
  assert.deepEqual(figures.faults.map(({ kind, inputs }) => [kind, ...inputs]), [
    ...[["hang", 3], ["crash", 5], ["nonsense", 6], ["memory", 7]],
  ]);
  const table = trustTable({
    date: "",
    processor: "",
    cores: 1,
    seed: 1,
    readers: [figures],
    kills: [],
  });
  assert.match(
    table,
    /\| unruly \| 9 \| 0 \| 6 \| 1 × hang, 1 × crash, 1 × nonsense, 1 × memory \|/,
  );
  process.env.UNRULY_MENDED = "1";
  const mended = await withoutMended(figures, options);
  delete process.env.UNRULY_MENDED;
  assert.deepEqual([mended.inputs, mended.accepted], [9, 8]);
  assert.deepEqual(mended.faults.map(({ kind }) => kind), ["nonsense", "memory"]);
});

for (const name of readerNames) {
  Deno.test({
    name: `${name}: damaged inputs are refused with a sentence, or read and found good`,
    sanitizeOps: false, // loopback judges and compiled sessions live as long as the process
    sanitizeResources: false,
    async fn() {
      const folder = await mkdtemp(join(tmpdir(), "trust-"));
      const { warn } = console, { emitWarning } = process;
      console.warn = process.emitWarning = () => {};
      try {
        const trial = await readers[name](folder);
        for (let input = 0; input < INPUTS; input++) {
          const { outcome, detail } = await attempt(trial, randomOf(`${name} 1 ${input}`));
          const isFault = outcome !== "accepted" && outcome !== "refused";
          assert.ok(!isFault, `input ${input}: ${outcome}, ${detail}`);
        }
      } finally {
        Object.assign(console, { warn });
        Object.assign(process, { emitWarning });
        await rm(folder, { recursive: true });
      }
    },
  });
}

for (const name of ["tuning", "judging"] as const) {
  Deno.test(`${name} killed at random moments ends as it does unbroken`, async () => {
    const { kills, endings, faults } = await killWork(name, { seed: 1, kills: 2 });
    assert.deepEqual({ kills, faults }, { kills: 2, faults: [] });
    assert.ok(endings >= 1);
  });
}
