import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { existsSync, readdirSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const child = fileURLToPath(new URL("../testing/resume_child.ts", import.meta.url));

/** Runs the child until it ends or `stop`, asked at every line and every millisecond, says so. */
async function run(folder: string, stop: (output: string) => boolean): Promise<string> {
  const process = spawn(Deno.execPath(), ["run", "-A", "--no-check", child, folder, "2"]);
  let [output, errors] = ["", ""];
  const check = () => stop(output) && process.kill("SIGKILL");
  process.stdout.on("data", (text) => {
    output += text;
    check();
  });
  process.stderr.on("data", (text) => (errors += text));
  const timer = setInterval(check, 1);
  const [code, signal] = await new Promise<[number | null, string | null]>((resolve) =>
    process.on("close", (code, signal) => resolve([code, signal]))
  );
  clearInterval(timer);
  assert.ok(code === 0 || signal === "SIGKILL", errors);
  return output;
}

const unfinished = (folder: string) =>
  existsSync(folder) && readdirSync(folder).some((name) => name.endsWith(".tmp"));
const result = (output: string) => /done .*/.exec(output)?.[0];

Deno.test("a run killed three times, once while writing, ends in the bits of an unbroken run", async () => {
  const root = await mkdtemp(join(tmpdir(), "resume-"));
  try {
    const folder = join(root, "broken");
    const first = await run(folder, (output) => output.includes("step 3\n"));
    assert.ok(!result(first));
    let caught = false;
    for (let attempt = 0; attempt < 6 && !caught; attempt++) {
      const output = await run(folder, () => unfinished(folder));
      caught = unfinished(folder);
      assert.ok(!result(output), "the child ended before it was caught writing a checkpoint");
    }
    assert.ok(caught, "no kill met the writing of a checkpoint");
    const third = await run(folder, (output) => /step 1[34]\n/.test(output));
    assert.ok(!result(third));
    const last = await run(folder, () => false);
    assert.ok(!last.includes("step 1\n"), "the last run began anew");
    const unbroken = await run(join(root, "whole"), () => false);
    assert.equal(result(last), result(unbroken));
    assert.ok(result(unbroken));
  } finally {
    await rm(root, { recursive: true });
  }
});
