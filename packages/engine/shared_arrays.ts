/**
 * Arrays in one memory that threads share and WebAssembly works in. It knows nothing of what they hold.
 *
 * @module
 */

/** Most bytes that one memory holds. */
const MOST_BYTES = 2 ** 32;
const PAGE = 2 ** 16;

const memories = new WeakMap<ArrayBufferLike, WebAssembly.Memory>();

/** Memories given back. Weakly held: one that nobody takes again may be collected. */
let spare: WeakRef<WebAssembly.Memory>[] = [];

/**
 * `count` arrays of `length` zeros in one memory that threads share, which spares elementwise programs
 * every copy; where they are too large for one, each has a memory of its own. The garbage collector
 * does not see how large such a memory is: {@link giveBack} it.
 *
 * @param length a multiple of 16, so that all arrays are aligned to 64 bytes
 * @example const [values, gradients] = sharedArrays(2, 1 << 20);
 */
export function sharedArrays(count: number, length: number): Float32Array[] {
  const bytes = 4 * length;
  if (count * bytes > MOST_BYTES) {
    return Array.from({ length: count }, () => new Float32Array(length));
  }
  const pages = Math.ceil((count * bytes) / PAGE);
  const found = spare.map((weak) => weak.deref())
    .find((memory) => memory?.buffer.byteLength === pages * PAGE);
  const memory = found ??
    new WebAssembly.Memory({ initial: pages, maximum: pages, shared: true });
  const { buffer } = memory;
  spare = spare.filter((weak) => weak.deref() !== found);
  if (found) new Uint8Array(buffer).fill(0);
  memories.set(buffer, memory);
  return Array.from({ length: count }, (_, i) => new Float32Array(buffer, i * bytes, length));
}

/** Leaves the memory of {@link sharedArrays}, given any of them, to those who ask next. */
export function giveBack(array: Float32Array): void {
  const memory = memories.get(array.buffer);
  if (memory) spare.push(new WeakRef(memory));
}

/** The memory that all of these arrays lie in, if there is one. */
export function sharedMemory(arrays: readonly Float32Array[]): WebAssembly.Memory | undefined {
  const memory = memories.get(arrays[0]!.buffer);
  return arrays.every(({ buffer }) => buffer === memory?.buffer) ? memory : undefined;
}
