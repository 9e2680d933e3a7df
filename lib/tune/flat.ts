/**
 * All trained parameters in one flat array, each tensor a view of it, so that optimiser, clipping
 * and checkpoints are loops over one array. Knows nothing of models beyond names and shapes.
 */
import type { Parameters } from "../model/parameters.ts";

/**
 * Elements that an elementwise program takes at once: about a sixteenth of them all, so that every core
 * has work and calls are few, and at most 2¹⁹, so that its intermediate results stay in cache.
 */
function chunkSize(elements: number): number {
  const power = Math.ceil(Math.log2(Math.max(1, elements / 16)));
  return 2 ** Math.min(19, Math.max(12, power));
}

/** Tensors start at multiples of this many elements (64 bytes), as vector instructions like it. */
const ALIGNMENT = 16;

/** Where each tensor lies. The first `decayed` elements belong to tensors with weight decay. */
export interface FlatLayout {
  readonly names: readonly string[];
  readonly offsets: ReadonlyMap<string, { readonly offset: number; readonly size: number }>;
  readonly decayed: number;
  readonly length: number;
  /** Elements that the optimiser takes at once; `decayed` and `length` are multiples of it. */
  readonly chunk: number;
}

const roundUp = (value: number, unit: number) => Math.ceil(value / unit) * unit;

/**
 * Lays the tensors out one after another, those with weight decay first; both parts are padded to
 * whole chunks.
 *
 * @param decays says of a parameter whether it decays; by default matrices do, norms and biases
 *   (one dimension) do not
 */
export function layOut(
  parameters: Parameters,
  decays: (name: string, shape: readonly number[]) => boolean = (_, shape) => shape.length > 1,
): FlatLayout {
  const elements = [...parameters.values()].reduce((sum, { data }) => sum + data.length, 0);
  const chunk = chunkSize(elements);
  const offsets = new Map<string, { offset: number; size: number }>();
  const place = (wanted: boolean, start: number) => {
    let offset = start;
    for (const [name, { shape, data }] of parameters) {
      if (decays(name, shape) !== wanted) continue;
      offsets.set(name, { offset, size: data.length });
      offset = roundUp(offset + data.length, ALIGNMENT);
    }
    return roundUp(offset, chunk);
  };
  const decayed = place(true, 0);
  const length = place(false, decayed);
  return { names: [...offsets.keys()], offsets, decayed, length, chunk };
}

/** Views of the tensors in a flat array, by `prefix` + name. */
export function views(
  layout: FlatLayout,
  flat: Float32Array,
  prefix = "",
): Record<string, Float32Array> {
  const named: Record<string, Float32Array> = {};
  for (const [name, { offset, size }] of layout.offsets) {
    named[prefix + name] = flat.subarray(offset, offset + size);
  }
  return named;
}

/** Copies parameters into a new flat array. */
export function flatten(layout: FlatLayout, parameters: Parameters): Float32Array {
  const flat = new Float32Array(layout.length);
  for (const [name, { offset }] of layout.offsets) flat.set(parameters.get(name)!.data, offset);
  return flat;
}

/**
 * Calls `work` with the start of every chunk, `workers` calls at a time. Which worker takes which
 * chunk changes no result, since every chunk is computed by itself.
 */
export async function overChunks(
  { length, chunk }: FlatLayout,
  workers: number,
  work: (start: number) => Promise<void>,
): Promise<void> {
  let next = 0;
  const worker = async () => {
    while (next < length) {
      const start = next;
      next += chunk;
      await work(start);
    }
  };
  await Promise.all(Array.from({ length: workers }, worker));
}
