/**
 * `deno task test`: runs every test and ends with one line, "N passed, N failed, N skipped".
 *
 * Knows only Deno's own summary line; it does not know what is tested. (Not called test.ts: Deno
 * would take it for a test, and it would run itself.)
 */
import process from "node:process";
import { spawn } from "node:child_process";
import { Command } from "commander";

const command = new Command("deno task test")
  .description("Run every test. The last line counts them: N passed, N failed, N skipped.")
  .argument("[paths...]", "files or folders to test", ["lib", "packages", "tasks", "web"])
  .option("--filter <text>", "only the tests whose name contains this text")
  .parse();
const { filter } = command.opts<{ filter?: string }>();
const args = ["test", "-A", "--quiet", ...(filter ? ["--filter", filter] : []), ...command.args];
if (command.args.length === 0) args.push("lib", "packages", "tasks", "web");

const child = spawn(Deno.execPath(), args, { stdio: ["ignore", "pipe", "inherit"] });
let tail = "";
child.stdout.on("data", (chunk: Uint8Array) => {
  process.stdout.write(chunk);
  tail = (tail + new TextDecoder().decode(chunk)).slice(-4000);
});
const code = await new Promise<number>((resolve) =>
  child.on("close", (status) => resolve(status ?? 1))
);

// deno-lint-ignore no-control-regex
const plain = tail.replace(/\x1b\[[0-9;]*m/g, "");
const counts =
  /\| (\d+) passed(?: \([^)]*\))? \| (\d+) failed(?: \([^)]*\))?(?: \| (\d+) ignored)?/g;
const last = [...plain.matchAll(counts)].at(-1);
// A file that does not even load has no count of its own: it is one failure.
const passed = Number(last?.[1] ?? 0);
const failed = Math.max(Number(last?.[2] ?? 0), code === 0 ? 0 : 1);
console.log(`${passed} passed, ${failed} failed, ${last?.[3] ?? 0} skipped`);
process.exitCode = failed > 0 ? 1 : code;
