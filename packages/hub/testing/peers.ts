/** Other programs that read what this package exports, for tests to compare with. */
import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { NotInstalled } from "../transformers.ts";

const run = promisify(execFile);

/** Runs a command and parses the last line it prints; null, with a line that says why, where it cannot run here. */
export async function peer(command: string, args: string[], missing: RegExp): Promise<unknown> {
  try {
    const { stdout } = await run(command, args, { maxBuffer: 2 ** 26 });
    return JSON.parse(stdout.trim().split("\n").at(-1)!);
  } catch (error) {
    const { code, stderr = "" } = error as { code?: unknown; stderr?: string };
    const reason = stderr.match(missing)?.[0];
    if (code !== "ENOENT" && !reason) throw error;
    console.log(`skipped: ${reason ?? `no ${command}`}`);
    return null;
  }
}

/** The result; null, with a line that says why, where transformers.js is not installed. */
export async function ifInstalled<T>(work: Promise<T>): Promise<T | null> {
  try {
    return await work;
  } catch (error) {
    if (!(error instanceof NotInstalled)) throw error;
    console.log(`skipped: ${error.message}`);
    return null;
  }
}
