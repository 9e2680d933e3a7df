/**
 * A decoder graph loaded into ONNX Runtime, its weights handed over from memory.
 *
 * Knows how large constants reach a session without passing through the model's bytes; does not know
 * what is decoded.
 */
import { encodeModel, type Initializer, type OrtTensor, Session } from "@implicit/engine";
import type { Model } from "../model/checkpoint.ts";
import { decoderGraph, type GraphUse, type KeyValues } from "./graph.ts";
import type { WeightFormat } from "./graph_builder.ts";

/**
 * Microseconds that threads look out for the next operator, which at a step of few tokens comes
 * sooner than a sleeping thread wakes. Much more would cost what else runs on the cores.
 */
const SPIN = 20;

/** Constants from this many bytes on stay outside the model. */
const LARGE = 4096;

/** Bytes of constants that no cache holds: each token reads them anew, from large pages 4 % faster. */
const MUCH = 2 ** 25;

/**
 * Loads `model` for one use. The weights are read in place and must not change while it lives.
 *
 * @param options.prefix keys and values that stand before every sequence
 */
export function createSession(
  model: Model,
  use: GraphUse,
  options: { threads?: number; prefix?: KeyValues; weights?: WeightFormat } = {},
): Promise<Session> {
  const graph = decoderGraph(model.config, model.parameters, use, options);
  const outside: Record<string, OrtTensor> = {};
  const initializers = graph.initializers.map((one): Initializer => {
    const { name, dtype, shape, data } = one;
    if (!data || data.byteLength < LARGE) return one;
    outside[name] = { dtype, shape, data };
    return {
      name,
      dtype,
      shape,
      external: { location: "memory", offset: 0, length: data.byteLength },
    };
  });
  const bytes = Object.values(outside).reduce((sum, { data }) => sum + data.byteLength, 0);
  return Session.create(encodeModel({ ...graph, initializers }), {
    threads: options.threads,
    spin: SPIN,
    largePages: use === "generate" && bytes >= MUCH,
    initializers: outside,
  });
}
