/** Damage by seed: what a broken disk, a cut download or a curious hand does to a file's bytes. */

/** Numbers from 0 to 1, the same for the same seed (mulberry32). */
export function generator(seed: number): () => number {
  let state = (seed * 2654435761) >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** The bytes with one to four injuries: bits flipped, parts cut out, doubled, or written over. */
export function mutated(random: () => number, bytes: Uint8Array): Uint8Array {
  const below = (n: number) => Math.floor(random() * n);
  let now = Uint8Array.from(bytes);
  for (let times = 1 + below(4); times > 0; times--) {
    const at = below(now.length || 1), length = 1 + below(32);
    const noise = Uint8Array.from({ length }, () => below(256));
    const [before, after] = [now.slice(0, at), now.slice(at + length)];
    const injuries: (() => Uint8Array<ArrayBuffer>)[] = [
      () => now.map((byte, i) => i === at ? byte ^ (1 << below(8)) : byte),
      () => now.map((byte, i) => i === at ? [0, 0x7f, 0x80, 0xff][below(4)]! : byte),
      () => before,
      () => concat(before, after),
      () => concat(before, now.slice(at, at + length), now.slice(at)),
      () => concat(before, noise, after).slice(0, now.length),
    ];
    now = injuries[below(injuries.length)]!();
  }
  return now;
}

const concat = (...parts: Uint8Array[]) => Uint8Array.from(parts.flatMap((part) => [...part]));
