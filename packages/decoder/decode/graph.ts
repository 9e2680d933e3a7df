/**
 * A decoder as a hand-built ONNX graph with a key/value cache, dynamic in batch and length.
 *
 * The same construction serves three uses: generating with a cache that is written in place, scoring
 * given tokens without a cache, and export to transformers.js. It knows every family through
 * `ModelConfig` alone. It does not know how a graph is run, nor how weights are stored: that is a
 * `WeightFormat`.
 *
 * Hidden states are kept as [tokens, hidden] so that every projection is one Gemm with the
 * checkpoint's own [out, in] weights; only attention sees [batch, length, …].
 */
import type { Graph } from "@implicit/engine";
import type { ModelConfig } from "../model/config.ts";
import { headName, joined, type Parameter, type Parameters } from "../model/parameters.ts";
import { attention, type GraphUse, type KeyValues, putBefore } from "./graph_attention.ts";
import { float32Format, GraphBuilder, type WeightFormat } from "./graph_builder.ts";

export type { GraphUse, KeyValues } from "./graph_attention.ts";

/**
 * Builds the graph.
 *
 * @param options.prefix what stands before every sequence; not for `export`
 * @throws if a parameter that the config calls for is missing.
 * @example
 * const bytes = encodeModel(decoderGraph(model.config, model.parameters, "generate"));
 */
export function decoderGraph(
  config: ModelConfig,
  parameters: Parameters,
  use: GraphUse,
  options: { weights?: WeightFormat; prefix?: KeyValues } = {},
): Graph {
  const { family, heads, kvHeads, headDim } = config;
  const { names } = family;
  const weights = options.weights ?? float32Format;
  const graph = new GraphBuilder();
  const { inputs, outputs } = graph;
  const exported = use === "export";
  const [batch, length] = exported ? ["batch_size", "sequence_length"] : ["batch", "length"];
  inputs.push(
    { name: "input_ids", dtype: exported ? "int64" : "int32", shape: [batch, length] },
    { name: "position_ids", dtype: "int64", shape: [batch, length] },
  );

  const parameter = (name: string): Parameter => {
    const found = parameters.get(name);
    if (!found) throw new Error(`Expected parameter "${name}" but found none in the model.`);
    return found;
  };
  /** Projections of x, side by side. */
  const linear = (x: string, modules: readonly string[], biased: boolean): string => {
    const below = (kind: string) => stacked(modules.map((name) => parameter(`${name}.${kind}`)));
    const name = modules.join(" + ");
    const bias = biased ? graph.float(`${name}.bias`, below("bias")) : null;
    return weights.linear(graph, x, `${name}.weight`, below("weight"), bias);
  };
  const norm = (x: string, name: string): string => {
    const attributes = { axis: -1, epsilon: { float: config.normEps } };
    if (family.norm === "layer-plain") {
      const ones = {
        shape: [config.hiddenSize],
        data: new Float32Array(config.hiddenSize).fill(1),
      };
      return graph.add("LayerNormalization", [x, graph.float("ones", ones)], attributes);
    }
    const weight = graph.float(`${name}.weight`, parameter(`${name}.weight`));
    if (family.norm === "rms") {
      return graph.add("SimplifiedLayerNormalization", [x, weight], attributes);
    }
    const bias = graph.float(`${name}.bias`, parameter(`${name}.bias`));
    return graph.add("LayerNormalization", [x, weight, bias], attributes);
  };
  const flat = (x: string, width: number) => graph.add("Reshape", [x, graph.ints([-1, width])]);

  const shape = graph.add("Shape", ["input_ids"]);
  const rank3 = graph.add("Concat", [shape, graph.ints([-1])], { axis: 0 });
  const precede = options.prefix && putBefore(graph, config, options.prefix, shape);
  const attend = attention(graph, config, use, shape, precede);

  /**
   * Queries, keys and values before rotation: side by side [tokens, (heads + 2 · kvHeads) · headDim],
   * or where they have norms each for itself.
   */
  const project = (x: string, layer: string): string[] => {
    let y = linear(x, names.qkv.map((one) => `${layer}.${one}`), config.qkvBias);
    if (names.qkv.length === 1) { // a query, a key and a value of each head in turn
      const byHead = graph.add("Reshape", [y, graph.ints([-1, heads, 3, headDim])]);
      y = flat(graph.add("Transpose", [byHead], { perm: [0, 2, 1, 3] }), 3 * heads * headDim);
    }
    if (config.clipQkv !== null) {
      const bound = (value: number) =>
        graph.float(`bound:${value}`, { shape: [], data: Float32Array.of(value) });
      y = graph.add("Clip", [y, bound(-config.clipQkv), bound(config.clipQkv)]);
    }
    if (family.qkNorm === "none") return [y];
    const widths = [heads, kvHeads, kvHeads].map((count) => count * headDim);
    const [q, k, v] = graph.split(y, widths) as [string, string, string];
    const normed = [[q, names.qNorm], [k, names.kNorm]].map(([x, name], i) =>
      family.qkNorm === "all"
        ? norm(x!, `${layer}.${name}`)
        : flat(norm(flat(x!, headDim), `${layer}.${name}`), widths[i]!)
    );
    return [...normed, v];
  };
  const mlp = (x: string, layer: string): string => {
    const module = (name: string, from: string) =>
      linear(from, [`${layer}.${name}`], config.mlpBias);
    const { gate, up, down } = names;
    if (!family.gated) return module(down, activate(graph, config, module(up, x)));
    const both = use === "generate" // of many tokens, parting takes longer than a second product
      ? graph.split(linear(x, [`${layer}.${gate}`, `${layer}.${up}`], config.mlpBias), [
        config.intermediateSize,
        config.intermediateSize,
      ])
      : [module(gate, x), module(up, x)];
    return module(down, graph.add("Mul", [activate(graph, config, both[0]!), both[1]!]));
  };

  const embedding = `${names.embedding}.weight`;
  let states = flat(
    weights.embed(graph, "input_ids", embedding, parameter(embedding)),
    config.hiddenSize,
  );
  for (let i = 0; i < config.layers; i++) {
    const layer = `${names.layers}.${i}`;
    const before = family.normPlacement === "before";
    const half = (x: string, name: string, fn: (x: string) => string) =>
      before ? fn(norm(x, `${layer}.${name}`)) : norm(fn(x), `${layer}.${name}`);
    const attended = half(states, names.attentionNorm, (x) => {
      const qkv = project(x, layer).map((y) => graph.add("Reshape", [y, rank3]));
      const y = attend(i, qkv);
      return linear(flat(y, heads * headDim), [`${layer}.${names.output}`], config.outputBias);
    });
    const middle = graph.add("Add", [states, attended]);
    const source = config.parallel ? states : middle;
    states = graph.add("Add", [middle, half(source, names.mlpNorm, (x) => mlp(x, layer))]);
  }

  if (!exported) {
    inputs.push({ name: "rows", dtype: "int32", shape: ["rows"] });
    states = graph.add("Gather", [states, "rows"]);
  }
  const head = headName(config);
  const logits = weights.linear(graph, norm(states, names.finalNorm), head, parameter(head), null);
  if (use === "score") {
    inputs.push({ name: "targets", dtype: "int64", shape: ["rows", 1] });
    outputs.unshift({ name: "logprobs", dtype: "float32", shape: ["rows", 1] });
    const all = graph.add("LogSoftmax", [logits], { axis: -1 });
    graph.add("GatherElements", [all, "targets"], { axis: 1 }, ["logprobs"]);
  } else {
    const dims = exported ? [batch, length, config.vocabSize] : ["rows", config.vocabSize];
    outputs.unshift({ name: "logits", dtype: "float32", shape: dims });
    if (exported) graph.add("Reshape", [logits, rank3], {}, ["logits"]);
    else graph.add("Identity", [logits], {}, ["logits"]);
  }
  return {
    name: config.family.name,
    inputs,
    outputs,
    initializers: [...graph.initializers.values()],
    nodes: graph.nodes,
  };
}

function activate(graph: GraphBuilder, { activation }: ModelConfig, x: string): string {
  switch (activation) {
    case "silu": // x · sigmoid(x)
      return graph.add("QuickGelu", [x], { alpha: { float: 1 } });
    case "relu":
      return graph.add("Relu", [x]);
    case "gelu":
      return graph.add("Gelu", [x]);
    case "gelu_tanh":
      return graph.add("Gelu", [x], { approximate: "tanh" });
  }
}

/** Parameters one below the other. */
function stacked(parameters: readonly Parameter[]): Parameter {
  if (parameters.length === 1) return parameters[0]!;
  const rows = parameters.reduce((sum, { shape }) => sum + shape[0]!, 0);
  return { shape: [rows, ...parameters[0]!.shape.slice(1)], data: joined(parameters) };
}
