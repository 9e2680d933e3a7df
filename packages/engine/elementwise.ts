/**
 * Elementwise functions of long arrays, run chunk by chunk as programs of an engine.
 *
 * It knows arrays and sums, and nothing of optimisers. Where arrays lie in one memory that threads
 * share, in_place.ts is faster.
 *
 * @module
 */
import type { Compile, Program, TensorData, TensorFunction, TensorSpec } from "./program.ts";

/** What an {@link ElementwiseProgram} is made of. */
export interface Elementwise {
  readonly fn: TensorFunction;
  /** Names of the inputs that are arrays. */
  readonly arrays: readonly string[];
  /** Names of those that are numbers. */
  readonly numbers: readonly string[];
}

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

/** Arrays have a multiple of so many elements. */
export const LANES = 4;

/** Elements of a chunk: what lies between its operations stays in cache. */
const CHUNK = 2 ** 19;

/** The inputs of the function on arrays of `length`. */
export function specsOf(
  { arrays, numbers }: Elementwise,
  length: number,
): Record<string, TensorSpec> {
  const spec = (shape: number[]): TensorSpec => ({ shape, dtype: "float32" });
  return Object.fromEntries([
    ...arrays.map((name) => [name, spec([length])]),
    ...numbers.map((name) => [name, spec([])]),
  ]);
}

/** Runs it as programs of an engine, `threads` chunks at a time. */
export function inChunks(
  compile: Compile,
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
      const length = commonLength([...Object.values(arrays), ...Object.values(into)]);
      const scalars = mapped(numbers, (value) => Float32Array.of(value));
      const starts = Array.from({ length: Math.ceil(length / CHUNK) }, (_, i) => i * CHUNK);
      const results: Record<string, TensorData>[] = [];
      const todo = starts.entries(); // shared: each worker takes what comes next
      const worker = async () => {
        for (const [chunk, start] of todo) {
          const end = Math.min(start + CHUNK, length);
          const cut = (array: Float32Array) => array.subarray(start, end);
          const program = await programFor(end - start);
          const inputs = { ...mapped(arrays, cut), ...scalars };
          results[chunk] = await program.run(inputs, mapped(into, cut));
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

/** @throws where lengths differ or are not a multiple of {@link LANES}. */
export function commonLength(arrays: readonly Float32Array[]): number {
  const lengths = [...new Set(arrays.map(({ length }) => length))];
  if (lengths.length === 1 && lengths[0]! % LANES === 0) return lengths[0]!;
  throw new Error(
    `Expected arrays of one length, a multiple of ${LANES}, but found ${lengths.join(", ")}. ` +
      "Pad them.",
  );
}

/** Sums by name, of the terms that each part has in the order of `names`. */
export function added(
  names: readonly string[],
  terms: readonly (readonly number[])[],
): Record<string, number> {
  return Object.fromEntries(
    names.map((name, i) => [name, terms.reduce((sum, term) => sum + term[i]!, 0)]),
  );
}

function mapped<A, B>(record: Record<string, A>, change: (value: A) => B): Record<string, B> {
  return Object.fromEntries(Object.entries(record).map(([name, value]) => [name, change(value)]));
}

/** As Promise.all, but where one fails it still waits for the others: then nobody writes any more. */
export async function settled<T>(promises: readonly Promise<T>[]): Promise<T[]> {
  await Promise.allSettled(promises);
  return await Promise.all(promises);
}
