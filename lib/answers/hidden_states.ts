/**
 * Hidden states after each layer, and how alike two models' are: linear CKA (Kornblith et al. 2019) of
 * the states, and the cosine of what two adaptations of one base added to them. Knows token ids.
 */
import type * as tf from "@tensorflow/tfjs-core";
import { hidden, type Model } from "@implicit/decoder";
import { createEngine, type TensorData } from "@implicit/engine";

/** Texts of a batch, and what their common length is a multiple of. */
const [ROWS, MULTIPLE] = [16, 32];

/**
 * The states of some of the tokens of texts after each layer, as the final norm has them.
 *
 * @param from the first place of each text whose states are wanted
 * @returns for each layer [N, D], row-major
 */
export async function statesByLayer(
  { config, parameters }: Model,
  texts: readonly { readonly ids: readonly number[]; readonly from: number }[],
): Promise<Float32Array[]> {
  const longest = Math.max(...texts.map(({ ids }) => ids.length));
  const length = Math.min(Math.ceil(longest / MULTIPLE) * MULTIPLE, config.contextLength);
  const weights = [...parameters].map(([name, { shape, data }]) => ({ name, shape, data }));
  const engine = await createEngine({ threads: 1 });
  const program = await engine.compile(
    ({ ids, ...params }) =>
      Object.fromEntries(Array.from({ length: config.layers }, (_, layer) => [
        `layer${layer}`,
        hidden({ ...config, layers: layer + 1 }, params, ids as tf.Tensor2D),
      ])),
    {
      ids: { shape: [ROWS, length], dtype: "int32" },
      ...Object.fromEntries(
        weights.map(({ name, shape }) => [name, { shape, dtype: "float32" as const }]),
      ),
    },
  );
  const rows: number[][] = Array.from({ length: config.layers }, () => []);
  try {
    for (let start = 0; start < texts.length; start += ROWS) {
      const batch = texts.slice(start, start + ROWS);
      const ids = new Int32Array(ROWS * length);
      batch.forEach((text, row) => ids.set(text.ids, row * length));
      const inputs: Record<string, TensorData> = { ids };
      for (const { name, data } of weights) inputs[name] = data;
      const states = await program.run(inputs);
      rows.forEach((wanted, layer) =>
        batch.forEach((text, row) => {
          const [first, end] = [text.from, text.ids.length].map((place) =>
            (row * length + place) * config.hiddenSize
          );
          for (const value of states[`layer${layer}`]!.subarray(first, end)) wanted.push(value);
        })
      );
    }
  } finally {
    program.dispose();
  }
  return rows.map((values) => Float32Array.from(values));
}

/** Linear CKA of two models' states [N, D] of the same tokens: 1 where one is a rotation of the other. */
export function cka(a: Float32Array, b: Float32Array, width: number): number {
  const [x, y] = [centred(a, width), centred(b, width)];
  return crossed(x, y, width) / Math.sqrt(crossed(x, x, width) * crossed(y, y, width));
}

/** States less their mean. */
function centred(states: Float32Array, width: number): Float32Array {
  const sums = new Float64Array(width);
  states.forEach((value, i) => (sums[i % width]! += value));
  return states.map((value, i) => value - sums[i % width]! * width / states.length);
}

/** ‖Xᵀ Y‖², of which each entry is a sum over tokens. */
function crossed(x: Float32Array, y: Float32Array, width: number): number {
  const sums = new Float64Array(width * width);
  for (let start = 0; start < x.length; start += width) {
    for (let i = 0; i < width; i++) {
      const value = x[start + i]!;
      for (let j = 0; j < width; j++) sums[i * width + j]! += value * y[start + j]!;
    }
  }
  return sums.reduce((sum, value) => sum + value * value, 0);
}

/** The cosine of what two adaptations added to a base's states. */
export function shiftCosine(a: Float32Array, b: Float32Array, base: Float32Array): number {
  let [both, first, second] = [0, 0, 0];
  base.forEach((state, i) => {
    const [p, q] = [a[i]! - state, b[i]! - state];
    both += p * q;
    first += p * p;
    second += q * q;
  });
  return both / Math.sqrt(first * second);
}
