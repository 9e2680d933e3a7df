import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";

// In a process of its own: the test runner takes this one's signals for itself.
const program = `
import process from "node:process";
import { interruptible } from ${JSON.stringify(new URL("./interrupt.ts", import.meta.url).href)};
const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
try {
  await interruptible(async (signal) => {
    process.kill(process.pid, "SIGINT");
    while (true) {
      await sleep(5);
      signal.throwIfAborted();
    }
  });
} catch (error) {
  console.log(error.message);
}
console.log(await interruptible(() => Promise.resolve(7)));
process.kill(process.pid, "SIGINT");
await sleep(500);
console.log("still alive");
`;

Deno.test("interruptible() stops its work at a signal, and nothing else", () => {
  const { stdout, signal } = spawnSync(Deno.execPath(), ["eval", program], { encoding: "utf8" });
  assert.match(stdout, /^Interrupted\. Finished runs are kept.*\n7\n$/);
  assert.equal(signal, "SIGINT");
});
