/**
 * One process at a time on a folder: a file that names its holder, who touches it every second.
 * Whoever waits takes over from a holder that is gone, or has not touched the file over many looks
 * (no clock is read: a machine may sleep). So a number that is another process's by now, another machine's process, or an
 * empty file that a crash left, holds no folder for ever.
 */
import { randomUUID } from "node:crypto";
import { readFileSync, rmSync, statSync, utimesSync, writeFileSync } from "node:fs";
import { hostname } from "node:os";
import { resolve } from "node:path";
import process from "node:process";
import { clearInterval, setInterval } from "node:timers";
import { setTimeout as sleep } from "node:timers/promises";

/** A folder that is held. */
export interface FolderLock {
  /** Whether another holds it by now: a process that stood still for long is taken over from. */
  isLost(): boolean;
  /** Gives it back. */
  release(): void;
}

/** What this process holds: its number may have been another's before. */
const held = new Set<string>();

const TOUCH_MS = 1000;
const LOOK_MS = 100;
/** A file without a holder is being written this moment, or never will be. */
const WRITE_MS = 2000;

const codeOf = (error: unknown) => (error as { code?: string }).code;

/** Who holds the folder and when it was touched, or null if nobody does. */
function look(file: string): { holder: string; touched: number } | null {
  try {
    return { holder: readFileSync(file, "utf8"), touched: statSync(file).mtimeMs };
  } catch (error) {
    if (codeOf(error) === "ENOENT") return null;
    throw error;
  }
}

/** Whether the holder is gone for certain. Another machine's, or another user's, may be alive. */
function isGone(holder: string, file: string): boolean {
  const [, pid, host = hostname()] = /^(\d+)(?: (\S+) \S+)?$/.exec(holder) ?? [];
  if (pid === undefined || host !== hostname()) return false;
  if (Number(pid) === process.pid) return !held.has(file);
  try {
    process.kill(Number(pid), 0);
    return false;
  } catch (error) {
    return codeOf(error) === "ESRCH";
  }
}

/**
 * Waits until nobody else holds the folder, and says so if it must.
 *
 * @param patience milliseconds of looking until a holder that does not touch the file counts as gone
 * @throws if the folder cannot be written
 * @example
 * const lock = await lockFolder(cache);
 * try { await judgeAll(); } finally { lock.release(); }
 */
export async function lockFolder(folder: string, patience = 30_000): Promise<FolderLock> {
  const file = resolve(folder, ".lock");
  const own = `${process.pid} ${hostname()} ${randomUUID()}`;
  for (let last = "", still = 0, said = false;;) {
    try {
      writeFileSync(file, own, { flag: "wx" });
      break;
    } catch (error) {
      if (codeOf(error) !== "EEXIST") throw error;
    }
    const found = look(file);
    if (!found) continue; // given back this moment
    const { holder, touched } = found;
    still = `${holder} ${touched}` === last ? still + LOOK_MS : 0;
    last = `${holder} ${touched}`;
    if (isGone(holder, file) || still > (holder === "" ? Math.min(WRITE_MS, patience) : patience)) {
      // Another may have taken over this moment; if both do, the first finds it in isLost().
      if (look(file)?.holder === holder) rmSync(file, { force: true });
      continue;
    }
    if (!said) {
      const pid = holder.split(" ")[0] || "unknown";
      process.emitWarning(
        `Another judge (process ${pid}) is at work in ${folder}: waiting for it to end`,
      );
    }
    said = true;
    await sleep(LOOK_MS);
  }
  held.add(file);
  const isLost = () => {
    try {
      const found = look(file);
      return found !== null && found.holder !== own;
    } catch {
      return false; // the folder is gone: whoever writes into it hears of that
    }
  };
  const touch = setInterval(() => {
    try {
      if (!isLost()) utimesSync(file, new Date(), new Date());
    } catch { /* as above */ }
  }, TOUCH_MS);
  touch.unref();
  return {
    isLost,
    release() {
      clearInterval(touch);
      held.delete(file);
      try {
        if (!isLost()) rmSync(file, { force: true });
      } catch { /* read-only by now: nobody touches the file any more, so it is taken over */ }
    },
  };
}
