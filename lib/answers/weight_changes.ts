/**
 * Weight changes as vectors: how long one is, how alike two are, a base moved along one, noise at a
 * right angle to one, and a model with a layer of another. Knows weights alone.
 */
import {
  fillNormal,
  hashParameters,
  type Model,
  normalGenerator,
  type Parameters,
} from "@implicit/decoder";

/** What an adaptation added to each weight. */
export function weightChange({ parameters }: Model, base: Model): Parameters {
  return mapped(parameters, (data, name) => {
    const before = base.parameters.get(name)!.data;
    return data.map((value, i) => value - before[i]!);
  });
}

/** The inner product of two changes. */
export function product(a: Parameters, b: Parameters): number {
  let sum = 0;
  for (const [name, { data }] of a) {
    const other = b.get(name)!.data;
    for (let i = 0; i < data.length; i++) sum += data[i]! * other[i]!;
  }
  return sum;
}

/** The Euclidean norm of a change. */
export const normOf = (change: Parameters): number => Math.sqrt(product(change, change));

/** The cosine of two changes. */
export const cosine = (a: Parameters, b: Parameters): number =>
  product(a, b) / (normOf(a) * normOf(b));

/** A model whose weights are moved along a change, `factor` times its length. */
export function moved(model: Model, change: Parameters, factor: number): Model {
  return withParameters(
    model,
    mapped(model.parameters, (data, name) => {
      const by = change.get(name)!.data;
      return data.map((value, i) => value + factor * by[i]!);
    }),
  );
}

/** Normal noise of a given norm at a right angle to a change. */
export function orthogonalNoise(change: Parameters, norm: number, seed: number): Parameters {
  const normal = normalGenerator(seed);
  const noise = mapped(change, (data) => {
    const drawn = new Float32Array(data.length);
    fillNormal(drawn, normal, 1);
    return drawn;
  });
  const along = product(noise, change) / product(change, change);
  const right = mapped(noise, (data, name) => {
    const by = change.get(name)!.data;
    return data.map((value, i) => value - along * by[i]!);
  });
  const scale = norm / normOf(right);
  return mapped(right, (data) => data.map((value) => scale * value));
}

/** A model with one layer, counted from 0, of another. */
export function withLayer(model: Model, donor: Model, layer: number): Model {
  const prefix = `${model.config.family.names.layers}.${layer}.`;
  return withParameters(
    model,
    mapped(
      model.parameters,
      (data, name) => name.startsWith(prefix) ? donor.parameters.get(name)!.data : data,
    ),
  );
}

const withParameters = (model: Model, parameters: Parameters): Model => (
  { ...model, parameters, hash: hashParameters(parameters), folder: null }
);

const mapped = (
  parameters: Parameters,
  of: (data: Float32Array, name: string) => Float32Array,
): Parameters =>
  new Map(
    [...parameters].map(([name, { shape, data }]) => [name, { shape, data: of(data, name) }]),
  );
