/**
 * One process at a time on a folder: a file with the process's number, made only if it is absent.
 * What a killed process left is taken over. It knows one machine's processes.
 */
import { readFileSync, rmSync, writeFileSync } from "node:fs";
import { resolve } from "node:path";
import process from "node:process";
import { setTimeout as sleep } from "node:timers/promises";

/** What this process holds: its number may have been another's before. */
const held = new Set<string>();

/** Whether the holder is gone. A process of another user, whom we may not ask, is not. */
function isGone(pid: number, file: string): boolean {
  if (pid === process.pid) return !held.has(file);
  try {
    process.kill(pid, 0);
    return false;
  } catch (error) {
    return (error as { code?: string }).code === "ESRCH";
  }
}

/**
 * Waits until nobody else holds the folder, and says so if it must.
 *
 * @returns a function that gives the folder back
 * @throws if the folder cannot be written
 * @example
 * const release = await lockFolder(cache);
 * try { await judgeAll(); } finally { release(); }
 */
export async function lockFolder(folder: string): Promise<() => void> {
  const file = resolve(folder, ".lock");
  for (let said = false;;) {
    try {
      writeFileSync(file, String(process.pid), { flag: "wx" });
      held.add(file);
      return () => {
        held.delete(file);
        try {
          rmSync(file, { force: true });
        } catch {
          // The folder is gone or read-only by now: isGone() sees that nobody holds the file.
        }
      };
    } catch (error) {
      if ((error as { code?: string }).code !== "EEXIST") throw error;
    }
    let holder = "";
    try {
      holder = readFileSync(file, "utf8");
    } catch {
      continue; // given back this moment
    }
    // An empty file is one that is being written, or was by a process killed in between.
    if (holder !== "" && isGone(Number(holder), file)) {
      rmSync(file, { force: true });
      continue;
    }
    if (!said) {
      process.emitWarning(
        `Another judge (process ${
          holder || "unknown"
        }) is at work in ${folder}: waiting for it to ` +
          `end. If there is none, delete ${file}`,
      );
    }
    said = true;
    await sleep(100);
  }
}
