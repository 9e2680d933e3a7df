/**
 * session.ts in a browser tab, where an import map puts it: the weights are part of the model's
 * bytes, since ONNX Runtime Web finds constants outside them by file and not by name.
 */
import { encodeModel, Session } from "@implicit/engine";
import type { createSession as native } from "./session.ts";
import { decoderGraph } from "./graph.ts";

/** Loads `model` for one use, as session.ts does. */
export const createSession: typeof native = (model, use, options = {}) => {
  const graph = decoderGraph(model.config, model.parameters, use, options);
  return Session.create(encodeModel(graph), { threads: options.threads });
};
