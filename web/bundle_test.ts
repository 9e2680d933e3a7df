/**
 * The page as it is shipped, in a Deno Worker: it tunes as the native engine does, always to the same
 * bits, and answers alike. The test builds the page itself, of today's sources.
 */
import assert from "node:assert/strict";
import { mkdtemp, readFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { createEngine } from "@implicit/engine";
import { answerPrompts, arms, miniature, tuneArm } from "implicit/web";
import { buildPage } from "./build/mod.ts";
import { Stopped } from "./client.ts";
import { openPage } from "./testing/open.ts";

const root = fileURLToPath(new URL("..", import.meta.url));
const folder = await mkdtemp(join(tmpdir(), "page-"));
addEventListener("unload", () => Deno.removeSync(folder, { recursive: true }));
await buildPage(root, folder, [1, 2, 3].map((seed) => ({ seed }))); // nothing is judged here

/** The page's own weights after a tuning of the scale's settings with seed 1, by arm. */
const { hashes } = JSON.parse(await readFile(`${root}data/page.json`, "utf8")) as {
  hashes: Record<string, string>;
};

/** Nats a token, an absolute difference: losses go from about 4 to 0.04, and all are held to it alike. */
const CLOSE = 1e-5;

const tuned = [
  arms.responseTuning,
  arms.instructionTuning,
  arms.shuffledPairs,
  arms.singleTask("poems"),
];

Deno.test("the shipped page tunes four arms and answers as the native engine does", async () => {
  const { client, opened, worker } = await openPage(folder);
  const scale = await miniature();
  const base = await scale.loadBase("base-1");
  const engine = await createEngine({ threads: 2 }); // as many parts of a batch as the page has
  const validation = await scale.prompts("validation");
  assert.deepEqual(opened.prompts, validation);
  const prompts = validation.slice(0, 32);
  const alike = async (id: string, model: typeof base.model, arm: typeof tuned[number]) => {
    const native = await answerPrompts(scale, base, { model }, arm, prompts);
    const rules = arm.rules ? opened.rules : null;
    await Promise.all(prompts.map(async ({ instruction }, i) => {
      const stories = await client.call("ask", { model: id, instruction, rules });
      const ids = stories.map((story) => story.id).filter((id) => id !== base.tokenizer.eosId);
      assert.equal(base.tokenizer.decode(ids), native[i]!.response, `${arm.name}: ${instruction}`);
    }));
  };
  try {
    assert.equal(opened.base, base.model.hash);
    await alike("base-1", base.model, arms.base);
    await alike("base-1", base.model, arms.rules());
    const models = ["base-1"];
    for (const arm of tuned) {
      const made = await client.call("tune", { ...opened.defaults, arm: arm.name });
      const { model, losses } = await tuneArm(scale, base, arm, 1, { engine });
      assert.equal(made.losses.length, losses.length);
      made.losses.forEach((loss, i) => {
        const off = Math.abs(loss - losses[i]!);
        assert.ok(off <= CLOSE, `${arm.name}, step ${i + 1}: ${loss}, natively ${losses[i]}`);
      });
      assert.equal(made.hash, hashes[arm.name], arm.name);
      await alike(made.id, model, arm);
      models.push(made.id);
    }
    // More models at once than there are decoders at hand.
    const [{ instruction }] = prompts as [typeof prompts[0]];
    const ask = (model: string) => client.call("ask", { model, instruction, rules: null });
    const together = await Promise.all(models.map(ask));
    for (const [i, model] of models.entries()) assert.deepEqual(await ask(model), together[i]);
  } finally {
    worker.terminate();
  }
});

Deno.test(
  "a tuning that was stopped goes on to the same weights; bad input is a sentence",
  async () => {
    const { client, opened, worker } = await openPage(folder);
    const settings = { ...opened.defaults, steps: 4 };
    const own = { ...settings, arm: "own" };
    try {
      const call = client.call("tune", settings, (event) => {
        if (event.what === "step" && event.step.step === 2) call.stop();
      });
      await assert.rejects(call, Stopped);
      const steps: number[] = [];
      const resumed = await client.call("tune", settings, (event) => {
        if (event.what === "step") steps.push(event.step.step);
      });
      assert.ok(steps[0]! > 2, "it began anew");
      assert.equal(resumed.losses.length, 4);
      await client.call("forget", resumed.id);
      const whole = await client.call("tune", settings);
      assert.equal(whole.hash, resumed.hash);

      await assert.rejects(
        client.call("tune", { ...own, own: "x" }),
        /line 1, but found what is no JSON/,
      );
      await assert.rejects(client.call("tune", { ...own, own: '\n{"a": 1}' }), /line 2, but found/);
      await assert.rejects(client.call("tune", { ...own, own: "" }), /examples of your own/);
      const pair = { instruction: "a ".repeat(500), response: "b" };
      const tooLong = client.call("tune", { ...own, own: JSON.stringify(pair) });
      await assert.rejects(tooLong, /room for a response in 192 tokens, but found none among 1/);
      await assert.rejects(
        client.call("tune", { ...settings, steps: 0 }),
        /steps of the arm.* at least 1/,
      );
      await assert.rejects(client.call("tune", { ...settings, seed: 9 }), /seed of 1, 2, 3, but/);
      const long = { model: "base-1", instruction: "a ".repeat(500), rules: null };
      await assert.rejects(client.call("ask", long), /answer in 192 tokens, but found one of \d+/);
      const none = { ...opened.rules, uniform: [{ string: "no such word", weight: 1 }] };
      const question = { model: "base-1", instruction: "Hi", rules: none };
      await assert.rejects(client.call("ask", question), /none of "no such word"/);
    } finally {
      worker.terminate();
    }
  },
);

Deno.test("a base file that was cut short is refused with its name", async () => {
  const name = "data/world/base-1/model.safetensors";
  const whole = await readFile(`${folder}/${name}`);
  const files = { [name]: new Uint8Array(whole.subarray(0, 1000)) };
  await assert.rejects(openPage(folder, files), /model\.safetensors/);
});
