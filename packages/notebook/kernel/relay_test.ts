import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { mkdir, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { type Kernel, startKernel } from "./kernel.ts";
import { type KernelName, kernelNames, prepareKernel } from "./kernels.ts";
import { type Output, Outputs } from "./notebook.ts";
import { notebookOf } from "../testing/sample.ts";

const root = fileURLToPath(new URL("../../../", import.meta.url));

/** Runs a cell, and interrupts it when it says "now". */
async function run(kernel: Kernel, source: string) {
  const cell = notebookOf(source).cells[0]!, outputs = new Outputs();
  const reply = await kernel.execute(source, (message) => {
    outputs.add(cell, message);
    if (String(message.content.text).includes("now")) void kernel.interrupt();
  }, 600);
  return { status: reply.status, outputs: cell.outputs ?? [] };
}

const written = (outputs: readonly Output[]) =>
  outputs.map((output) => output.output_type === "stream" ? output.text : "").join("");
const explained = (outputs: readonly Output[]) => JSON.stringify(outputs);

/** tslab, 110 MB, is here once `deno task tslab` has fetched it. */
const missing = (name: KernelName) =>
  name === "tslab" && !existsSync(join(root, ".cache", "tslab"));

for (const name of kernelNames) {
  Deno.test({
    name: `an interrupt stops what a cell of ${name} waits for, and keeps the variables`,
    ignore: missing(name),
    async fn() {
      await mkdir(join(root, ".cache"), { recursive: true });
      const folder = await mkdtemp(join(root, ".cache", "relay-"));
      const kernel = await startKernel(await prepareKernel(name, root), folder);
      try {
        assert.equal((await run(kernel, `const kept: number = 41;`)).status, "ok");
        const sleeping = `console.log("now"); await new Promise((r) => setTimeout(r, 3600_000));`;
        const slept = await run(kernel, sleeping);
        assert.equal(slept.status, "error");
        assert.match(explained(slept.outputs), /Interrupted\. Finished runs are kept/);

        const looping = `
          const pause = () => new Promise<void>((resolve) => setTimeout(resolve, 20));
          async function* forever() { for (let i = 0; ; i++) { await pause(); yield i; } }
          async function loop() {
            for await (const i of forever()) console.log(i === 3 ? "now" : i);
          }
          await loop();`;
        assert.match(explained((await run(kernel, looping)).outputs), /Interrupted/);
        const after = await run(
          kernel,
          `await new Promise((r) => setTimeout(r, 300)); console.log(kept + 1);`,
        );
        assert.equal(written(after.outputs), "42\n"); // and nothing of the loop
      } finally {
        await kernel.stop();
        await rm(folder, { recursive: true });
      }
    },
  });
}

Deno.test("an interrupt ends a loop that never waits, and cells after one that failed do not run", async () => {
  const kernel = await startKernel(await prepareKernel("deno", root), root);
  try {
    await run(kernel, `const kept = 41;`);
    const busy = run(kernel, `console.log("now"); while (true) {}`);
    const queued = run(kernel, `console.log("not this one");`);
    assert.match(explained((await busy).outputs), /Interrupted in the middle/);
    assert.deepEqual(await queued, { status: "aborted", outputs: [] });
    assert.equal(written((await run(kernel, `console.log(kept + 1)`)).outputs), "42\n");
  } finally {
    await kernel.stop();
  }
});

/** Kills a program once it has said a process id, and waits for that process to end as well. */
async function outlived(program: string): Promise<boolean> {
  const parent = spawn(Deno.execPath(), ["run", "-A", "--ext=ts", "-"], { cwd: root });
  parent.stdin.end(program);
  const [said] = await once(parent.stdout, "data");
  const pid = Number(said.toString());
  const lives = () => {
    try {
      return process.kill(pid, 0);
    } catch {
      return false;
    }
  };
  assert(lives());
  parent.kill("SIGKILL");
  for (let i = 0; i < 100 && lives(); i++) await sleep(100);
  return lives();
}

const door = (file: string) => JSON.stringify(new URL(file, import.meta.url).href);

for (const name of kernelNames) {
  Deno.test({
    name: `${name} ends when the program that started it is killed, even in a loop`,
    ignore: missing(name),
    async fn() {
      const pid = name === "deno" ? "Deno.pid" : "process.pid";
      const left = await outlived(`
        import { startKernel } from ${door("./kernel.ts")};
        import { prepareKernel } from ${door("./kernels.ts")};
        const spec = await prepareKernel("${name}", ${JSON.stringify(root)});
        const kernel = await startKernel(spec, ".");
        const tell = ({ content }) => content.text && console.log(content.text.trim());
        await kernel.execute("console.log(${pid}); while (true) {}", tell);`);
      assert(!left, "the kernel's process is gone");
    },
  });
}

Deno.test("a kernel that has not come as far as to look after itself ends as well", async () => {
  const folder = await mkdtemp(join(tmpdir(), "relay-"));
  const [part, file] = ["part", "pid"].map((name) => JSON.stringify(join(folder, name)));
  const deaf = `Deno.writeTextFileSync(${part}, String(Deno.pid));
    Deno.renameSync(${part}, ${file}); while (true) {}`;
  const left = await outlived(`
    import { existsSync, readFileSync } from "node:fs";
    import { startKernel } from ${door("./kernel.ts")};
    void startKernel({ argv: [Deno.execPath(), "eval", ${JSON.stringify(deaf)}] }, ".");
    while (!existsSync(${file})) await new Promise((resolve) => setTimeout(resolve, 5));
    console.log(readFileSync(${file}, "utf8"));`);
  await rm(folder, { recursive: true });
  assert(!left, "its process is gone");
});
