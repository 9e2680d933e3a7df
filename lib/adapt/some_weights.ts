/**
 * Some of a base's own weights as an adapter: they are trained, all others stay as they are. What is
 * trained alone in this way is the output head, or the gains of the norms.
 */
import { libraryValue } from "@implicit/memo";
import { hashParameters, type Model, parseConfig } from "@implicit/decoder";
import type { Adapter } from "./adapter.ts";

/** What {@link someWeights} has as its parameters: of which base, and which arrays. */
export interface SomeWeights {
  readonly base: string;
  readonly arrays: readonly string[];
}

/**
 * The adapter. It is made for one base, at whose weights it begins.
 *
 * @param arrays names of the base's parameters, as `model.norm.weight`
 * @throws if one of them is no parameter of the base's.
 * @example
 * const adapter = someWeights(base, ["model.norm.weight"]);
 * await tune(engine, base, examples, { adapter, learningRate: 1e-2, … });
 */
export function someWeights(base: Model, arrays: readonly string[]): Adapter & SomeWeights {
  const unknown = arrays.find((name) => !base.parameters.has(name));
  if (unknown !== undefined || arrays.length === 0) {
    throw new Error(
      `Expected parameters among ${[...base.parameters.keys()].join(", ")}, but found ` +
        `${unknown ?? "none"}.`,
    );
  }
  return libraryValue<Adapter, SomeWeights>("someWeights", { base: base.hash, arrays }, {
    name: "some-weights",
    init: () =>
      new Map(arrays.map((name) => {
        const { shape, data } = base.parameters.get(name)!;
        return [name, { shape, data: data.slice() }];
      })),
    apply: () => ({}),
    merge(model, trained) {
      const parameters = new Map([...model.parameters, ...trained]);
      return { model: { ...model, parameters, hash: hashParameters(parameters), folder: null } };
    },
  });
}

/**
 * The base with an output head of its own where it shares the embedding's: the same function of its
 * input, but the head can be trained alone.
 *
 * @example
 * const model = withOwnHead(base);
 * const adapter = someWeights(model, ["lm_head.weight"]);
 */
export function withOwnHead(base: Model): Model {
  if (!base.config.tied) return base;
  const { names } = base.config.family;
  const embedding = base.parameters.get(`${names.embedding}.weight`)!;
  const head = { shape: embedding.shape, data: embedding.data.slice() };
  const parameters = new Map([...base.parameters, [`${names.head}.weight`, head] as const]);
  const config = parseConfig({ ...base.config.json, tie_word_embeddings: false });
  return { ...base, config, parameters, hash: hashParameters(parameters), folder: null };
}
