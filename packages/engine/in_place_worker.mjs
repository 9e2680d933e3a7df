/**
 * What a thread of in_place.ts does: it runs a WebAssembly module over the blocks of arrays.
 *
 * Plain JavaScript, because a thread starts from a file: where the library is bundled into one module
 * (for tslab), this one is laid beside it as it is.
 */
import { parentPort, workerData } from "node:worker_threads";

/**
 * Runs the module's function over one block after another.
 *
 * @param {{
 *   compiled: WebAssembly.Module,
 *   memory: WebAssembly.Memory,
 *   addresses: readonly number[],
 *   length: number,
 *   numbers: readonly number[],
 *   block: number,
 * }} question where the arrays begin, in bytes; elements of each, and of a block
 * @returns {number[][]} the sums of each block
 */
export function overBlocks({ compiled, memory, addresses, length, numbers, block }) {
  const { run } = new WebAssembly.Instance(compiled, { env: { memory } }).exports;
  const sums = [];
  for (let start = 0; start < length; start += block) {
    const bytes = 4 * Math.min(block, length - start);
    const found = run(...addresses.map((address) => address + 4 * start), bytes, ...numbers);
    sums.push([found ?? []].flat());
  }
  return sums;
}

if (workerData === "overBlocks") {
  parentPort.on("message", (question) => parentPort.postMessage(overBlocks(question)));
}
