/**
 * All trained parameters in one flat array, each tensor a view of it, so that optimiser, clipping
 * and checkpoints are loops over one array. Knows nothing of models beyond names and shapes.
 */
import { sharedArrays } from "@implicit/engine";
import { type Parameters, readInto } from "@implicit/decoder";

/** Tensors start at multiples of this many elements (64 bytes), as vector instructions like it. */
const ALIGNMENT = 16;

/** Where each tensor lies. The first `decayed` elements belong to tensors with weight decay. */
export interface FlatLayout {
  readonly names: readonly string[];
  readonly offsets: ReadonlyMap<string, { readonly offset: number; readonly size: number }>;
  readonly decayed: number;
  readonly length: number;
}

const roundUp = (value: number, unit: number) => Math.ceil(value / unit) * unit;

/**
 * Lays the tensors out one after another, those with weight decay first.
 *
 * @param decays says of a parameter whether it decays; by default matrices do, norms and biases
 *   (one dimension) do not
 */
export function layOut(
  parameters: Parameters,
  decays: (name: string, shape: readonly number[]) => boolean = (_, shape) => shape.length > 1,
): FlatLayout {
  const offsets = new Map<string, { offset: number; size: number }>();
  const place = (wanted: boolean, start: number) => {
    let offset = start;
    for (const [name, { shape }] of parameters) {
      if (decays(name, shape) !== wanted) continue;
      const size = shape.reduce((product, length) => product * length, 1);
      offsets.set(name, { offset, size });
      offset = roundUp(offset + size, ALIGNMENT);
    }
    return offset;
  };
  const decayed = place(true, 0);
  const length = place(false, decayed);
  return { names: [...offsets.keys()], offsets, decayed, length };
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

/** Flat arrays, all laid out as `layout` says: values, their gradients, and the optimiser's moments. */
export interface FlatState {
  readonly layout: FlatLayout;
  readonly values: Float32Array;
  readonly gradients: Float32Array;
  readonly mean: Float32Array;
  readonly variance: Float32Array;
}

/** The state at the start of a training: the parameters' values, and zeros. */
export function flatState(layout: FlatLayout, parameters: Parameters): FlatState {
  const [values, gradients, mean, variance] = sharedArrays(4, layout.length) as [
    Float32Array,
    Float32Array,
    Float32Array,
    Float32Array,
  ];
  for (const [name, { offset, size }] of layout.offsets) {
    const parameter = parameters.get(name)!;
    if (parameter.file) readInto(parameter.file, values.subarray(offset, offset + size));
    else values.set(parameter.data, offset);
  }
  return { layout, values, gradients, mean, variance };
}
