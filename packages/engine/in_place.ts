/**
 * Elementwise functions as WebAssembly, in one pass over the memory that threads share. Training
 * SmolLM2-135M takes 0.69 s a step with it and 0.84 s in chunks (elementwise.ts) alone.
 *
 * It knows arrays, threads and memory, and nothing of optimisers.
 *
 * @module
 */
import { Worker } from "node:worker_threads";
import {
  added,
  commonLength,
  type Elementwise,
  type ElementwiseProgram,
  LANES,
  settled,
  specsOf,
} from "./elementwise.ts";
import { overBlocks } from "./in_place_worker.mjs";
import { sharedMemory } from "./shared_arrays.ts";
import { trace } from "./trace.ts";
import { wasmModule } from "./wasm.ts";

/** Elements whose sum is one term of the sum over all of them. */
const BLOCK = 2 ** 14;

/** Arrays of at most so many elements are not worth a thread's while: a millisecond or two. */
const SHORT = 2 ** 21;

type Question = Parameters<ReturnType<typeof overBlocks>>[0];

/** Threads that run a module in a memory, each on one question at a time. */
class Threads {
  private readonly idle: Worker[] = [];
  private readonly all = new Set<Worker>();

  constructor(private readonly place: Parameters<typeof overBlocks>[0]) {}

  /** The process waits for the answer, and for no thread that is idle. */
  ask(question: Question): Promise<number[][]> {
    const thread = this.idle.pop() ?? this.start();
    thread.ref();
    return new Promise((resolve, reject) => {
      thread.once("error", reject);
      thread.once("message", (sums: number[][]) => {
        thread.off("error", reject);
        thread.unref();
        this.idle.push(thread);
        resolve(sums);
      });
      thread.postMessage(question);
    });
  }

  private start(): Worker {
    const file = new URL("./in_place_worker.mjs", import.meta.url);
    const thread = new Worker(file, { workerData: this.place });
    this.all.add(thread);
    return thread;
  }

  terminate(): void {
    for (const thread of this.all) thread.terminate();
  }
}

/** Runs it in the memory that all arrays lie in, or as `otherwise` does where they do not. */
export function inPlace(
  threads: number,
  what: Elementwise,
  otherwise: ElementwiseProgram,
): ElementwiseProgram {
  const module = wasmModule(trace(what.fn, specsOf(what, LANES)));
  const compiled = new WebAssembly.Module(module.bytes);
  const pools = new Map<WebAssembly.Memory, Threads>();
  return {
    async run(given, values, into) {
      const arrays = [
        ...module.arrays.map((name) => given[name]!),
        ...module.written.map((name) => into[name]!),
      ];
      const memory = sharedMemory(arrays);
      if (!memory) return otherwise.run(given, values, into);
      const length = commonLength(arrays);
      const part = (start: number, end: number): Question => ({
        addresses: arrays.map(({ byteOffset }) => byteOffset + 4 * start),
        length: Math.min(length, end) - start,
        numbers: module.numbers.map((name) => values[name]!),
        block: BLOCK,
      });
      if (length <= SHORT) {
        return added(module.sums, overBlocks({ compiled, memory })(part(0, length)));
      }
      const pool = pools.get(memory) ?? new Threads({ compiled, memory });
      pools.set(memory, pool);
      const share = Math.ceil(length / BLOCK / threads) * BLOCK;
      const sums = await settled(
        Array.from({ length: threads }, (_, i) => pool.ask(part(i * share, (i + 1) * share))),
      );
      return added(module.sums, sums.flat());
    },
    dispose() {
      for (const pool of pools.values()) pool.terminate();
      otherwise.dispose();
    },
  };
}
