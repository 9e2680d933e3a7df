/**
 * Keeps finished runs on disk under the hash of everything that determines them, so that running
 * a notebook again costs seconds and a crash costs one run. Knows nothing of what a run holds.
 */
import { createHash } from "node:crypto";
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import process from "node:process";
import { writeWhole } from "@implicit/notebook";
import { cacheFolder, projectRoot } from "./root.ts";

/** The rooms whose code decides what a run computes; a change there makes every run anew. */
const ROOMS = [
  "packages/world",
  "lib/text",
  "packages/decoder",
  "packages/engine",
  "lib/tune",
  "lib/adapt",
];

/** JSON with sorted keys: equal values have equal text. */
export function canonical(value: unknown): string {
  return JSON.stringify(
    value,
    (_, v) =>
      v !== null && typeof v === "object" && !Array.isArray(v)
        ? Object.fromEntries(Object.entries(v).sort(([a], [b]) => a < b ? -1 : 1))
        : v,
  );
}

/** The first 16 hexadecimal digits of the SHA-256 of a value's canonical JSON. */
export function hashOf(value: unknown): string {
  return createHash("sha256").update(canonical(value)).digest("hex").slice(0, 16);
}

let codeHash: Promise<string> | undefined;

/** The hash of the code that decides a run: the sources, without tests, of the rooms above. */
export function codeVersion(): Promise<string> {
  return codeHash ??= (async () => {
    const hash = createHash("sha256");
    for (const room of ROOMS) {
      const folder = join(projectRoot(), room);
      const files = (await readdir(folder, { recursive: true }))
        .filter((f) => f.endsWith(".ts") && !f.endsWith("_test.ts") && !f.endsWith("_bench.ts"));
      for (const file of files.sort()) hash.update(await readFile(join(folder, file)));
    }
    return hash.digest("hex").slice(0, 16);
  })();
}

/**
 * Returns the stored value of `key`, or computes and stores it. `IMPLICIT_FRESH=1` (the task's
 * `--fresh`) ignores what other processes have stored, not what this one has.
 *
 * @example
 * ```ts
 * const run = await cached("runs", { base: "ab12", seed: 1 }, () => tuneAndDecode());
 * ```
 */
export async function cached<T>(
  kind: string,
  key: unknown,
  compute: () => Promise<T>,
): Promise<{ value: T; fresh: boolean }> {
  const path = join(cacheFolder(), kind, `${hashOf(key)}.json`);
  if (process.env.IMPLICIT_FRESH !== "1" || written.has(path)) {
    const stored = await readStored(path);
    if (stored !== null && canonical(stored.key) === canonical(key)) {
      return { value: stored.value as T, fresh: false };
    }
  }
  const value = await compute();
  await writeWhole(path, JSON.stringify({ key, value }));
  written.add(path);
  return { value, fresh: true };
}

const written = new Set<string>();

async function readStored(path: string): Promise<{ key: unknown; value: unknown } | null> {
  try {
    return JSON.parse(await readFile(path, "utf8"));
  } catch (error) {
    // A missing entry is the normal case; a damaged one is computed again and replaced.
    if ((error as NodeJS.ErrnoException).code === "ENOENT" || error instanceof SyntaxError) {
      return null;
    }
    throw error;
  }
}
