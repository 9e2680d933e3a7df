import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";

/**
 * Tasks that start tests, Python, browsers or a bundler; `pretrain` and `study` read /proc/cpuinfo,
 * which only -A may.
 */
const UNBOUND = [
  ...["test", "ok", "lab", "browser", "bench", "real", "trust", "page"],
  ...["pretrain", "study"],
];

Deno.test("each task has the permissions that it needs, and asks nobody for more", async () => {
  const { tasks } = JSON.parse(await readFile(new URL("../deno.json", import.meta.url), "utf8"));
  for (const [name, command] of Object.entries<string>(tasks)) {
    const words = command.split(" ");
    const unbound = words.includes("-A") || words.includes("--allow-all");
    assert.equal(unbound, UNBOUND.includes(name), `${name}: ${command}`);
    assert(unbound || words.includes("--no-prompt"), `${name} would stop and ask: ${command}`);
  }
  assert.doesNotMatch(tasks.judge, /--allow-(write|run|net|ffi)/);
});
