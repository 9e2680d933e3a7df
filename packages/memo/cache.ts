/**
 * Keeps finished work on disk under the hash of everything that determines it, so that doing it
 * again costs nothing and a crash costs one piece of it. Knows nothing of what is kept.
 */
import { mkdir, readFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import writeFileAtomic from "write-file-atomic";
import { canonical, hashOf, sha256 } from "./hash.ts";

/** What this process has kept: never computed again, however fresh the results are to be. */
const written = new Set<string>();

/** What it computes right now: whoever asks for the same waits for it. */
const underWay = new Map<string, Promise<unknown>>();

/** What it could not keep on the disk: not lost while it lives. */
const unkept = new Map<string, unknown>();

/** What belongs to a kept value, in files of its own. */
export interface Beside<T> {
  /** Writes it, before the value is kept. */
  write(value: T): Promise<void>;
  /** Whether it still is what was written. */
  isWhole(value: T): Promise<boolean>;
}

/** Finished work in a folder. */
export class DiskCache {
  /**
   * @param folder where it is kept; made when something is.
   * @param fresh ignore what other processes have kept, not what this one has.
   * @param setting what to set for another folder, as messages name it.
   */
  constructor(
    readonly folder: string,
    readonly fresh = false,
    readonly setting = "the cache's folder",
  ) {}

  /**
   * Returns what is kept of `kind` under `key`, or computes and keeps it, once however many ask. What
   * is kept carries its hash: where it does not fit any more, a warning says so, and it is made anew. Where the disk is
   * full or read-only, a warning says so, and this process has it, the same object, until it ends.
   *
   * @param beside what belongs to the value and lies beside it on disk
   * @example
   * ```ts
   * const run = await cache.of("runs", { base: "ab12", seed: 1 }, () => tuneAndDecode());
   * ```
   */
  of<T>(
    kind: string,
    key: unknown,
    compute: () => Promise<T>,
    beside?: Beside<T>,
  ): Promise<T> {
    const path = join(this.folder, kind, `${hashOf(key)}.json`);
    const running = underWay.get(path) as Promise<T> | undefined;
    if (running) return running;
    const work = this.#of(path, kind, key, compute, beside).finally(() => underWay.delete(path));
    underWay.set(path, work);
    return work;
  }

  async #of<T>(
    path: string,
    kind: string,
    key: unknown,
    compute: () => Promise<T>,
    beside?: Beside<T>,
  ): Promise<T> {
    if (unkept.has(path)) return unkept.get(path) as T;
    if (!this.fresh || written.has(path)) {
      const kept = await readKept<T>(path, key);
      if (kept === "damaged" || (kept && await beside?.isWhole(kept.value) === false)) {
        console.warn(`Kept in ${kind}, but damaged since: made anew (${hashOf(key)}).`);
      } else if (kept) return kept.value;
    }
    const value = await compute();
    const text = JSON.stringify(value);
    try {
      await beside?.write(value);
      await mkdir(dirname(path), { recursive: true });
      await writeFileAtomic(
        path,
        `{"key":${JSON.stringify(key)},"sha256":"${sha256(text)}","value":${text}}`,
      );
      written.add(path);
    } catch (error) {
      const { message } = error as Error;
      console.warn(
        `Not kept in ${kind}, and gone when this process ends: ${message}. Make room in ` +
          `${this.folder}, or set ${this.setting} to a folder that can be written.`,
      );
      unkept.set(path, value);
    }
    return value;
  }
}

/** What a file holds; null: there is none, or one of another key; "damaged": not what was written. */
async function readKept<T>(path: string, key: unknown): Promise<{ value: T } | "damaged" | null> {
  const text = await readFile(path, "utf8").catch((error: NodeJS.ErrnoException) => {
    if (error.code === "ENOENT") return null;
    throw error;
  });
  if (text === null) return null;
  try {
    const kept = JSON.parse(text);
    if (canonical(kept.key) !== canonical(key)) return null;
    return sha256(JSON.stringify(kept.value)) === kept.sha256 ? kept : "damaged";
  } catch {
    return "damaged"; // what was read is no entry
  }
}
