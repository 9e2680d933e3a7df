/** Other programs that read what this package exports, for tests to compare with. */
import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

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

/**
 * Lets transformers.js generate (transformers_peer.ts says what a request is); null, with a line that
 * says why, where it is not installed.
 */
export const transformersJs = (requests: unknown[]) =>
  peer(
    Deno.execPath(),
    // A cached package only: this test does not fetch 490 MB.
    ["run", "-A", "--no-lock", "--node-modules-dir=none", "--cached-only"].concat(
      fileURLToPath(new URL("./transformers_peer.ts", import.meta.url)),
      JSON.stringify(requests),
    ),
    /npm package .*(not found|not cached).*|.*--cached-only.*/i,
  );
