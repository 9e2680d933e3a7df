/**
 * What a thread of in_place.ts does: it runs a WebAssembly module over the blocks of arrays.
 *
 * Plain JavaScript, because a thread starts from a file: where the library is bundled into one module
 * (for tslab), this one is laid beside it as it is.
 */
import { parentPort, workerData } from "node:worker_threads";

/**
 * The module's function over the blocks of arrays in a memory.
 *
 * @param {{ compiled: WebAssembly.Module, memory: WebAssembly.Memory }} place
 */
export function overBlocks({ compiled, memory }) {
  const { run } = new WebAssembly.Instance(compiled, { env: { memory } }).exports;
  /**
   * @param {{
   *   addresses: readonly number[],
   *   length: number,
   *   numbers: readonly number[],
   *   block: number,
   * }} question where the arrays begin, in bytes; elements of each, and of a block
   * @returns {number[][]} the sums of each block
   */
  return ({ addresses, length, numbers, block }) => {
    const sums = [];
    for (let start = 0; start < length; start += block) {
      const bytes = 4 * Math.min(block, length - start);
      const found = run(...addresses.map((address) => address + 4 * start), bytes, ...numbers);
      sums.push([found ?? []].flat());
    }
    return sums;
  };
}

if (workerData?.compiled) {
  const answer = overBlocks(workerData);
  parentPort.on("message", (question) => parentPort.postMessage(answer(question)));
}
