/**
 * Memory on large pages, for what is read from end to end over and over, as a decoder's weights are at
 * every token: with pages of 4 kB, finding out where the next one lies takes a part of the time.
 *
 * Knows Linux and the memory of this process, not what lies in it. Elsewhere it does nothing.
 */
import process from "node:process";
import koffi from "koffi";

/** Addresses from the first up to, not including, the second. */
export type Range = readonly [from: number, to: number];

/** Bytes. Smaller pieces are not worth a call. */
const LEAST = 2 ** 22;

/** Moves memory to large pages at once, whatever the machine's own rule (Linux 6.1 or later). */
const MADV_COLLAPSE = 25;

let opened: ReturnType<typeof open> | undefined;

function open() {
  const library = koffi.load("libc.so.6"); // held: koffi unloads it when it is collected
  return {
    library,
    open: library.func("int open(const char *, int)"),
    read: library.func("int64_t read(int, void *, size_t)"),
    close: library.func("int close(int)"),
    madvise: library.func("int madvise(uintptr_t, size_t, int)"),
  };
}

/** The memory of this process: a file that Deno itself opens only for programs with every right. */
function readMaps(): string {
  opened ??= open();
  const file: number = opened.open("/proc/self/maps", 0);
  const part = new Uint8Array(2 ** 16);
  let text = "";
  for (let size = 1; size > 0;) {
    size = Number(opened.read(file, part, part.length));
    if (size > 0) text += String.fromCharCode(...part.subarray(0, size));
  }
  opened.close(file);
  return text;
}

/** Where this process has memory to read and write that belongs to no file, in order. */
export function ownMemory(): Range[] {
  if (process.platform !== "linux") return [];
  // 7f2c4a000000-7f2c4a400000 rw-p 00000000 00:00 0
  const lines = readMaps().matchAll(/^([0-9a-f]+)-([0-9a-f]+) rw-p \S+ \S+ 0 *(\[heap\])?$/gm);
  return Array.from(lines, ([, from, to]) => [parseInt(from!, 16), parseInt(to!, 16)] as const);
}

/** What is in `ranges` and not in `others`, both in order. */
export function without(ranges: readonly Range[], others: readonly Range[]): Range[] {
  return ranges.flatMap(([from, to]) => {
    const left: Range[] = [];
    let start = from;
    for (const [a, b] of others) {
      if (b <= start || a >= to) continue;
      if (a > start) left.push([start, a]);
      start = b;
    }
    return start < to ? [...left, [start, to] as const] : left;
  });
}

/**
 * Makes something large, and lets the memory that the process got meanwhile move to large pages, as far
 * as the machine has any. Nobody need wait for that: no value changes, whatever is done with the memory
 * in the meantime, and where the machine refuses, reading stays as fast as it was.
 *
 * @example
 * const weights = await onLargePages(() => readFile(path));
 */
export async function onLargePages<T>(make: () => Promise<T>): Promise<T> {
  const before = ownMemory();
  const made = await make();
  const move = ([next, ...others]: readonly Range[]) => {
    if (!next) return;
    const [from, to] = next;
    opened!.madvise.async(from, to - from, MADV_COLLAPSE, () => move(others));
  };
  move(without(ownMemory(), before).filter(([from, to]) => to - from >= LEAST));
  return made;
}
