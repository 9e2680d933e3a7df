/** What a judge keeps of its answers outlives it, is shared, and is not believed when damaged. */
import { deepStrictEqual, ok, rejects, strictEqual } from "node:assert/strict";
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { KeptAnswers } from "./answers.ts";
import {
  comparisons,
  expected,
  judge,
  price,
  quick,
  settings,
  settingsPath,
  warningsOf,
  withCache,
} from "./testing/judging.ts";
import { startLoopback } from "./testing/loopback.ts";

Deno.test("httpJudge() killed in the middle resumes: no answer is lost or asked for again", async () => {
  await withCache(async (cache) => {
    await using server = await startLoopback({ delay: 5 });
    const rows = comparisons(400);
    const code = `
      import { httpJudge } from ${JSON.stringify(new URL("http_judge.ts", import.meta.url).href)};
      import { loadJudgeSettings } from ${
      JSON.stringify(new URL("settings.ts", import.meta.url).href)
    };
      const path = ${JSON.stringify(settingsPath)};
      const options = { settings: await loadJudgeSettings(path), price: { input: 10, output: 30 },
        endpoint: ${JSON.stringify(quick(server.baseUrl, cache))} };
      await httpJudge(options)(${JSON.stringify(rows)});`;
    const child = new Deno.Command(Deno.execPath(), {
      args: ["eval", "--quiet", code],
      cwd: fileURLToPath(new URL("../../", import.meta.url)),
    }).spawn();
    const deadline = performance.now() + 60_000;
    while (server.requests.length < 150) {
      ok(performance.now() < deadline, "the process to be killed did not get going");
      await new Promise((resolve) => setTimeout(resolve, 2));
    }
    child.kill("SIGKILL");
    strictEqual((await child.status).success, false);
    const kept = readdirSync(cache).filter((name) => name.endsWith(".json"));
    ok(kept.length >= 100 && kept.length < 400, `killed after ${kept.length} answers`);
    const texts = new Set(
      kept.map((name) =>
        JSON.parse(readFileSync(join(cache, name), "utf8")).asked.body.messages.at(-1)
          .content as string
      ),
    );
    // The kernel may still deliver what the killed process had sent.
    await new Promise((resolve) => setTimeout(resolve, 50));
    const before = server.requests.length;
    const result = await judge(rows, { settings, price, endpoint: quick(server.baseUrl, cache) });
    const asked = server.requests.slice(before).map((request) => request.text);
    strictEqual(asked.length, 400 - kept.length);
    ok(asked.every((text) => !texts.has(text)), "no kept answer is asked for again");
    strictEqual(result.missing, 0);
    strictEqual(server.answered.size, 400);
    result.annotations.forEach((row, i) => {
      ok(Math.abs(row.preference - expected(rows[i]!)) < 1e-9, `row ${i}`);
    });
  });
});

Deno.test("httpJudge() pays once for two judges on one cache, and takes over from a dead one", async () => {
  await withCache(async (cache) => {
    await using server = await startLoopback({ delay: 5 });
    const options = { settings, price, endpoint: quick(server.baseUrl, cache) };
    writeFileSync(join(cache, ".lock"), "2147483646"); // no process has this number
    const [one, two] = await Promise.all([
      judge(comparisons(30), options),
      judge(comparisons(40), options),
    ]);
    strictEqual(server.requests.length, 40);
    deepStrictEqual([one.missing, two.missing], [0, 0]);
    ok(!existsSync(join(cache, ".lock")));
    // Another process: it holds the folder while it lives.
    writeFileSync(join(cache, ".lock"), String(process.ppid));
    const run = judge(comparisons(41), options);
    await new Promise((resolve) => setTimeout(resolve, 300));
    strictEqual(server.requests.length, 40, "waits");
    await judge(comparisons(40), options); // all known: nothing to wait for
    rmSync(join(cache, ".lock"));
    strictEqual((await run).missing, 0);
    strictEqual(server.requests.length, 41);
  });
});

Deno.test("httpJudge() asks anew for kept answers that were damaged, and says which", async () => {
  await withCache(async (cache) => {
    await using server = await startLoopback();
    const rows = comparisons(40);
    const options = { settings, price, endpoint: quick(server.baseUrl, cache) };
    const first = await judge(rows, options);
    const damage: ((bytes: Buffer) => Uint8Array)[] = [
      (bytes) => bytes.subarray(0, bytes.length - 9), // a torn end
      (bytes) => (bytes[bytes.indexOf('"logprob":-') + 11]! ^= 1, bytes), // another digit
      (bytes) => (bytes[bytes.indexOf('"content":"m') + 11]! ^= 32, bytes), // another letter
      () => Buffer.from(""),
      () => Buffer.from("null"),
      () => Buffer.from('{"asked": {}, "reply": {"choices": []}}'),
      () => readFileSync(files[20]!), // the answer to another question
    ];
    const files = readdirSync(cache).sort().map((name) => join(cache, name));
    damage.forEach((harm, i) => writeFileSync(files[i]!, harm(readFileSync(files[i]!))));
    let again: Awaited<ReturnType<typeof judge>> | undefined;
    const said = await warningsOf(async () => again = await judge(rows, options));
    deepStrictEqual(
      again!.annotations.map((row) => row.preference),
      first.annotations.map((row) => row.preference),
    );
    deepStrictEqual([again!.estimate.calls, again!.spent.calls], [damage.length, damage.length]);
    strictEqual(server.requests.length, 40 + damage.length, "no whole answer is paid again");
    strictEqual(said.length, damage.length, said.join("\n"));
    for (const file of files.slice(0, damage.length)) {
      ok(said.some((line) => line.includes(file) && /damaged: asked anew/.test(line)), file);
    }
    deepStrictEqual(await warningsOf(() => judge(rows, options)), []);
    // What may not be read may well be whole: nothing is paid for it. (Here it is a folder.)
    rmSync(files[0]!);
    mkdirSync(files[0]!);
    await rejects(judge(rows, options), /Expected to read a kept answer in .* Nothing was asked/);
    strictEqual(server.requests.length, 40 + damage.length);
  });
});

Deno.test("httpJudge() stops when another judge has taken over its cache, and pays no more", async () => {
  await withCache(async (cache) => {
    let asked = 0;
    await using server = await startLoopback({
      reply: () => {
        if (++asked === 10) writeFileSync(join(cache, ".lock"), "1 another-machine x");
        return undefined;
      },
    });
    const endpoint = quick(server.baseUrl, cache, { concurrency: 1 });
    const run = judge(comparisons(40), { settings, price, endpoint });
    await rejects(run, /only judge at work in .* another took over.* 30 of 40 rows/);
    strictEqual(server.requests.length, 10);
    rmSync(join(cache, ".lock"));
    await judge(comparisons(40), { settings, price, endpoint });
    strictEqual(server.requests.length, 40, "what was answered is kept");
  });
});

Deno.test("KeptAnswers gives what was kept or nothing, whichever bit is flipped, wherever it is torn", async () => {
  await withCache(async (folder) => {
    const answers = new KeptAnswers(folder);
    const asked = {
      baseUrl: "http://h/v1",
      body: { model: "ü", messages: [{ content: "a\ud800" }] },
    };
    const reply = { choices: [{ message: { content: "m 👍" }, logprob: -0.1 }] };
    answers.keep(asked, reply);
    const file = answers.fileOf(asked), whole = readFileSync(file), text = JSON.stringify(reply);
    const said = await warningsOf(() => {
      strictEqual(JSON.stringify(answers.get(asked)), text);
      for (let bit = 0; bit < 8 * whole.length; bit++) {
        const flipped = whole.map((byte, i) => i === bit >> 3 ? byte ^ (1 << (bit & 7)) : byte);
        writeFileSync(file, flipped);
        const found = answers.get(asked);
        ok(found === undefined || JSON.stringify(found) === text, `bit ${bit}`);
      }
      for (let length = 0; length < whole.length; length++) {
        writeFileSync(file, whole.subarray(0, length));
        strictEqual(answers.get(asked), undefined);
      }
      return Promise.resolve();
    });
    strictEqual(said.length, 1, "said once a file");
    strictEqual(answers.get({ ...asked, baseUrl: "http://other/v1" }), undefined);
  });
});
