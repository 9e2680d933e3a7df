/**
 * Elementwise functions of long arrays. Where the arrays lie in one memory that threads share, they run
 * as WebAssembly, in one pass over that memory; elsewhere as programs of an engine, chunk by chunk.
 *
 * It knows arrays, threads and memory, and nothing of optimisers.
 *
 * @module
 */
import { Worker } from "node:worker_threads";
import type { Engine, Program, TensorData, TensorFunction, TensorSpec } from "./engine.ts";
import { trace } from "./trace.ts";
import { LANES, wasmModule } from "./wasm.ts";

/** An elementwise function made ready; it may also sum over all elements. */
export interface ElementwiseProgram {
  /**
   * Runs it once.
   *
   * @param arrays all of one length, a multiple of 4
   * @param numbers the inputs that every element shares
   * @param into arrays that receive the outputs of these names; one may be the array of an input
   *   that only this output is made of
   * @returns the sums. They are taken in a fixed order, however many threads there are.
   * @throws where lengths differ or are not a multiple of 4.
   */
  run(
    arrays: Record<string, Float32Array>,
    numbers: Record<string, number>,
    into: Record<string, Float32Array>,
  ): Promise<Record<string, number>>;
  /** Frees what the program holds. It cannot be run afterwards. */
  dispose(): void;
}

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
  spare = spare.filter((weak) => weak.deref() !== found);
  if (found) new Uint8Array(memory.buffer).fill(0);
  memories.set(memory.buffer, memory);
  return Array.from(
    { length: count },
    (_, i) => new Float32Array(memory.buffer, i * bytes, length),
  );
}

/** Leaves the memory of {@link sharedArrays}, given any of them, to those who ask next. */
export function giveBack(array: Float32Array): void {
  const memory = memories.get(array.buffer);
  if (memory) spare.push(new WeakRef(memory));
}

/** An elementwise function by chunks of at most so many elements: what lies between stays in cache. */
const CHUNK = 2 ** 19;

/** What an {@link ElementwiseProgram} is made of. */
export interface Elementwise {
  readonly fn: TensorFunction;
  /** Names of the inputs that are arrays. */
  readonly arrays: readonly string[];
  /** Names of those that are numbers. */
  readonly numbers: readonly string[];
}

function specsOf({ arrays, numbers }: Elementwise, length: number): Record<string, TensorSpec> {
  const spec = (shape: number[]): TensorSpec => ({ shape, dtype: "float32" });
  return Object.fromEntries([
    ...arrays.map((name) => [name, spec([length])]),
    ...numbers.map((name) => [name, spec([])]),
  ]);
}

/** Runs it as programs of the engine, `threads` chunks at a time. */
export function inChunks(
  { compile }: Pick<Engine, "compile">,
  threads: number,
  what: Elementwise,
): ElementwiseProgram {
  const programs = new Map<number, Promise<Program>>();
  const programFor = (length: number) => {
    const program = programs.get(length) ??
      compile(what.fn, specsOf(what, length), { threads: 1 });
    programs.set(length, program);
    return program;
  };
  return {
    async run(arrays, numbers, into) {
      checkLengths([...Object.values(arrays), ...Object.values(into)]);
      const { length } = Object.values(arrays)[0]!;
      const scalars = mapped(numbers, (value) => Float32Array.of(value));
      const results: Record<string, TensorData>[] = [];
      let next = 0;
      const worker = async () => {
        while (next < length) {
          const start = next;
          const end = next = Math.min(start + CHUNK, length);
          const cut = (array: Float32Array) => array.subarray(start, end);
          const program = await programFor(end - start);
          const found = await program.run(
            { ...mapped(arrays, cut), ...scalars },
            mapped(into, cut),
          );
          results[start / CHUNK] = found;
        }
      };
      await settled(Array.from({ length: threads }, worker));
      const names = Object.keys(results[0] ?? {}).filter((name) => !into[name]);
      return added(names, results.map((found) => names.map((name) => found[name]![0]!)));
    },
    dispose() {
      for (const program of programs.values()) program.then((done) => done.dispose());
    },
  };
}

/** Elements whose sum is one term of the sum over all of them. */
const BLOCK = 2 ** 14;

/** Arrays of at most so many elements are not worth a thread's while: a millisecond or two. */
const SHORT = 2 ** 21;

/** What a thread is asked: where the arrays begin, how many elements, and the numbers. */
interface Question {
  readonly addresses: readonly number[];
  readonly length: number;
  readonly numbers: readonly number[];
  readonly block: number;
}

/** Runs a module's function over the blocks of its arrays, and returns the sums of each. */
function overBlocks(
  run: (...args: number[]) => number | number[] | undefined,
  { addresses, length, numbers, block }: Question,
): number[][] {
  const sums = [];
  for (let start = 0; start < length; start += block) {
    const bytes = 4 * Math.min(block, length - start);
    const found = run(...addresses.map((address) => address + 4 * start), bytes, ...numbers);
    sums.push([found ?? []].flat());
  }
  return sums;
}

/** What a thread does. A text, since the bundle for tslab is one file. */
const worker = `
const { parentPort, workerData: { compiled, memory } } = require("node:worker_threads");
const { run } = new WebAssembly.Instance(compiled, { env: { memory } }).exports;
const overBlocks = ${overBlocks};
parentPort.on("message", (question) => parentPort.postMessage(overBlocks(run, question)));
`;

/** Runs it in the memory that all arrays lie in, or as `otherwise` does where they do not. */
export function inPlace(
  threads: number,
  what: Elementwise,
  otherwise: ElementwiseProgram,
): ElementwiseProgram {
  const module = wasmModule(trace(what.fn, specsOf(what, LANES)));
  const compiled = new WebAssembly.Module(module.bytes);
  const pools = new Map<WebAssembly.Memory, Worker[]>();
  const poolOf = (memory: WebAssembly.Memory) => {
    const make = () => new Worker(worker, { eval: true, workerData: { compiled, memory } });
    const pool = pools.get(memory) ?? Array.from({ length: threads }, make);
    pools.set(memory, pool);
    return pool;
  };
  const here = (memory: WebAssembly.Memory, question: Question) => {
    const { exports } = new WebAssembly.Instance(compiled, { env: { memory } });
    return overBlocks(exports.run as Parameters<typeof overBlocks>[0], question);
  };
  return {
    async run(given, values, into) {
      const all = [
        ...module.arrays.map((name) => given[name]!),
        ...module.written.map((name) => into[name]!),
      ];
      const memory = memories.get(all[0]!.buffer);
      if (!memory || all.some(({ buffer }) => buffer !== memory.buffer)) {
        return otherwise.run(given, values, into);
      }
      checkLengths(all);
      const { length } = all[0]!;
      const part = (start: number, end: number): Question => ({
        addresses: all.map(({ byteOffset }) => byteOffset + 4 * start),
        length: Math.min(length, end) - start,
        numbers: module.numbers.map((name) => values[name]!),
        block: BLOCK,
      });
      if (length <= SHORT) return added(module.sums, here(memory, part(0, length)));
      const share = Math.ceil(length / BLOCK / threads) * BLOCK;
      const sums = await settled(
        poolOf(memory).map((thread, i) => ask(thread, part(i * share, (i + 1) * share))),
      );
      return added(module.sums, sums.flat());
    },
    dispose() {
      for (const thread of [...pools.values()].flat()) thread.terminate();
      otherwise.dispose();
    },
  };
}

function checkLengths(arrays: readonly Float32Array[]): void {
  const lengths = [...new Set(arrays.map(({ length }) => length))];
  if (lengths.length === 1 && lengths[0]! % LANES === 0) return;
  throw new Error(
    `Expected arrays of one length, a multiple of ${LANES}, but found ${
      lengths.join(", ")
    }. Pad them.`,
  );
}

/** One question and its answer. The process waits for it, and for no thread that is idle. */
function ask(thread: Worker, question: Question): Promise<number[][]> {
  return new Promise((resolve, reject) => {
    thread.ref();
    thread.once("error", reject);
    thread.once("message", (answer: number[][]) => {
      thread.off("error", reject);
      thread.unref();
      resolve(answer);
    });
    thread.postMessage(question);
  });
}

/** As Promise.all, but where one fails it still waits for the others: then nobody writes any more. */
export async function settled<T>(promises: readonly Promise<T>[]): Promise<T[]> {
  await Promise.allSettled(promises);
  return await Promise.all(promises);
}

/** Sums by name, of the terms that each block has in the order of `names`. */
function added(names: readonly string[], terms: readonly (readonly number[])[]) {
  return Object.fromEntries(
    names.map((name, i) => [name, terms.reduce((sum, term) => sum + term[i]!, 0)]),
  );
}

function mapped<A, B>(record: Record<string, A>, change: (value: A) => B): Record<string, B> {
  return Object.fromEntries(Object.entries(record).map(([name, value]) => [name, change(value)]));
}
