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
import type { Attribute, Graph, Initializer, Node, ValueInfo } from "@implicit/engine";
import type { ModelConfig } from "../model/config.ts";
import { headName, type Parameter, type Parameters } from "../model/parameters.ts";
import { rotaryTables } from "../model/rope.ts";

/**
 * What the graph is for.
 * - `generate`: inputs input_ids int32 [B, S], position_ids int64 [B, S], lengths int32 [B] (tokens of
 *   each row so far, less one), total int32 (the longest row's tokens so far), rows int32 [R] (which
 *   of the B·S positions need logits) and the cache; outputs logits [R, V] and the cache. Rows are
 *   padded on the right; a cache given as its own output is written in place. With a prefix also
 *   prefix_length int64 [1]: as many as it has positions where a row begins, and 0 at later steps.
 *   A row that begins has that many ids of any kind before its own; all else counts them as tokens.
 * - `logits`: as `generate`, no cache.
 * - `score`: as `logits`; one more input targets int64 [R, 1], outputs logprobs [R, 1] instead.
 * - `export`: inputs input_ids, attention_mask, position_ids int64 and past_key_values.N.key/value,
 *   outputs logits [B, S, V] and present.N.key/value; padding on either side.
 */
export type GraphUse = "generate" | "logits" | "score" | "export";

/** Keys and values that stand before every sequence: those of each layer, [length, kvHeads · headDim]. */
export interface KeyValues {
  readonly length: number;
  readonly layers: readonly { readonly keys: Float32Array; readonly values: Float32Array }[];
}

/** How weight matrices lie in the graph and are multiplied with. */
export interface WeightFormat {
  /** x [N, in] · weightᵀ (+ bias): the name of the result [N, out]. */
  linear(
    graph: GraphBuilder,
    x: string,
    name: string,
    weight: Parameter,
    bias: string | null,
  ): string;
  /** Rows `ids` of a weight [V, D]: the name of the result [...ids, D]. */
  embed(graph: GraphBuilder, ids: string, name: string, weight: Parameter): string;
}

/** Weights as they are: float32. */
export const float32Format: WeightFormat = {
  linear(graph, x, name, weight, bias) {
    const inputs = [x, graph.float(name, weight), ...(bias ? [bias] : [])];
    return graph.add("Gemm", inputs, { transB: 1 });
  },
  embed: (graph, ids, name, weight) => graph.add("Gather", [graph.float(name, weight), ids]),
};

/** Operators of ONNX Runtime's own domain. */
const contributed = new Set([
  "GroupQueryAttention",
  "RotaryEmbedding",
  "QuickGelu",
  "MatMulNBits",
]);

/** Collects inputs, outputs, nodes and constants; every value gets a unique name. */
export class GraphBuilder {
  readonly inputs: ValueInfo[] = [];
  readonly outputs: ValueInfo[] = [];
  readonly nodes: Node[] = [];
  readonly initializers = new Map<string, Initializer>();

  /** Adds an operation; returns its first output's name. */
  add(
    op: string,
    inputs: readonly string[],
    attributes: Record<string, Attribute> = {},
    outputs: readonly string[] = [`${op}:${this.nodes.length}`],
  ): string {
    const domain = contributed.has(op) ? "com.microsoft" : undefined;
    this.nodes.push({ op, inputs, outputs, domain, attributes });
    return outputs[0]!;
  }

  /** A constant; made only once under a name. */
  constant(name: string, make: () => Omit<Initializer, "name">): string {
    if (!this.initializers.has(name)) this.initializers.set(name, { name, ...make() });
    return name;
  }

  float(name: string, { shape, data }: Parameter): string {
    return this.constant(name, () => ({ dtype: "float32", shape, data }));
  }

  /** A vector of whole numbers. */
  ints(values: readonly number[]): string {
    const name = `ints:${values.join(",")}`;
    const data = BigInt64Array.from(values, BigInt);
    return this.constant(name, () => ({ dtype: "int64", shape: [values.length], data }));
  }
}

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
  const linear = (x: string, name: string, biased: boolean): string => {
    const bias = biased ? graph.float(`${name}.bias`, parameter(`${name}.bias`)) : null;
    return weights.linear(graph, x, `${name}.weight`, parameter(`${name}.weight`), bias);
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

  /** Queries, keys and values [tokens, heads · headDim], before rotation. */
  const project = (x: string, layer: string): string[] => {
    const fused = names.qkv.length === 1;
    return (["q", "k", "v"] as const).map((part, i) => {
      let y: string;
      if (fused) {
        const name = `${layer}.${names.qkv[0]}`;
        const rows = (kind: string) =>
          takeHeads(parameter(`${name}.${kind}`), i, heads, config.headDim);
        const bias = config.qkvBias ? graph.float(`${name}.${part}.bias`, rows("bias")) : null;
        y = weights.linear(graph, x, `${name}.${part}.weight`, rows("weight"), bias);
      } else {
        y = linear(x, `${layer}.${names.qkv[i]!}`, config.qkvBias);
      }
      if (config.clipQkv !== null) {
        const bound = (value: number) =>
          graph.float(`bound:${value}`, { shape: [], data: Float32Array.of(value) });
        y = graph.add("Clip", [y, bound(-config.clipQkv), bound(config.clipQkv)]);
      }
      if (part === "v" || family.qkNorm === "none") return y;
      const name = `${layer}.${part === "q" ? names.qNorm : names.kNorm}`;
      if (family.qkNorm === "all") return norm(y, name);
      const width = (part === "q" ? heads : kvHeads) * headDim;
      return flat(norm(flat(y, headDim), name), width);
    });
  };
  const mlp = (x: string, layer: string): string => {
    const up = linear(x, `${layer}.${names.up}`, config.mlpBias);
    const y = family.gated
      ? graph.add("Mul", [
        activate(graph, config, linear(x, `${layer}.${names.gate}`, config.mlpBias)),
        up,
      ])
      : activate(graph, config, up);
    return linear(y, `${layer}.${names.down}`, config.mlpBias);
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
      return linear(flat(y, heads * headDim), `${layer}.${names.output}`, config.outputBias);
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

/** Changes a layer's keys or values [B, S, kvHeads · headDim] before attention reads them. */
type Precede = (layer: number, kind: "keys" | "values", x: string) => string;

/** Adds the inputs and outputs of the cache; returns the attention of a layer over [B, S, heads · headDim]. */
function attention(
  graph: GraphBuilder,
  config: ModelConfig,
  use: GraphUse,
  shape: string,
  precede: Precede = (_layer, _kind, x) => x,
): (layer: number, qkv: string[]) => string {
  const { heads, kvHeads, headDim, rope, contextLength: positions } = config;
  const { inputs, outputs } = graph;
  const batch = inputs[0]!.shape[0]!;
  const tables = rotaryTables(rope, positions);
  const turned = [positions, rope.dims / 2];
  const cos = graph.float("cos", { shape: turned, data: tables.cos });
  const sin = graph.float("sin", { shape: turned, data: tables.sin });
  const rotate = (x: string, count: number) =>
    graph.add("RotaryEmbedding", [x, "position_ids", cos, sin], {
      num_heads: count,
      ...(rope.dims < headDim ? { rotary_embedding_dim: rope.dims } : {}),
    });

  let lengths = "lengths", total = "total", bias = "";
  if (use === "export") {
    inputs.push({
      name: "attention_mask",
      dtype: "int64",
      shape: [batch, "total_sequence_length"],
    });
    ({ lengths, total, bias } = maskInputs(graph, shape));
  } else {
    inputs.push({ name: "lengths", dtype: "int32", shape: [batch] });
    inputs.push({ name: "total", dtype: "int32", shape: [] });
  }
  return (layer, [q, k, v]) => {
    const past: string[] = ["", ""], present: string[] = [];
    if (use === "generate" || use === "export") {
      ["key", "value"].forEach((kind, i) => {
        past[i] = `past_key_values.${layer}.${kind}`;
        present[i] = `present.${layer}.${kind}`;
        const cache = (length: string) => [batch, kvHeads, length, headDim];
        const [before, after] = use === "export"
          ? ["past_sequence_length", "total_sequence_length"]
          : ["capacity", "capacity"];
        inputs.push({ name: past[i]!, dtype: "float32", shape: cache(before!) });
        outputs.push({ name: present[i]!, dtype: "float32", shape: cache(after!) });
      });
    }
    return graph.add(
      "GroupQueryAttention",
      [
        rotate(q!, heads),
        precede(layer, "keys", rotate(k!, kvHeads)),
        precede(layer, "values", v!),
        ...past,
        lengths,
        total,
        ...(bias ? ["", "", "", bias] : []),
      ],
      { num_heads: heads, kv_num_heads: kvHeads },
      [`attention:${layer}`, ...present],
    );
  };
}

/**
 * Adds the input `prefix_length`; returns what writes the prefix over the first so many positions of a
 * layer's keys or values [B, S, kvHeads · headDim]. GroupQueryAttention takes a batch of rows that
 * begin only without a past: there the prefix comes in as tokens would, and their place is prepared.
 */
function putBefore(
  graph: GraphBuilder,
  { kvHeads, headDim }: ModelConfig,
  { length, layers }: KeyValues,
  shape: string,
): Precede {
  graph.inputs.push({ name: "prefix_length", dtype: "int64", shape: [1] });
  const width = kvHeads * headDim;
  const rows = graph.add("Gather", [shape, graph.ints([0])]);
  const place = graph.add("Concat", [rows, "prefix_length", graph.ints([width])], { axis: 0 });
  const [first, end, axis] = [
    graph.ints([0]),
    graph.ints([Number.MAX_SAFE_INTEGER]),
    graph.ints([1]),
  ];
  return (layer, kind, x) => {
    const values = { shape: [1, length, width], data: layers[layer]![kind] };
    const constant = graph.float(`prefix:${layer}.${kind}`, values);
    const used = graph.add("Slice", [constant, first, "prefix_length", axis]);
    const rest = graph.add("Slice", [x, "prefix_length", end, axis]);
    return graph.add("Concat", [graph.add("Expand", [used, place]), rest], { axis: 1 });
  };
}

/**
 * What attention needs from an attention_mask [B, T]: every row counts as T long, and a bias of −10⁹
 * [B, 1, S, T] hides the padding wherever it stands.
 */
function maskInputs(graph: GraphBuilder, shape: string) {
  const int32 = (x: string) => graph.add("Cast", [x], { to: 6 });
  const maskShape = graph.add("Shape", ["attention_mask"]);
  const pick = (x: string, i: number) => graph.add("Gather", [x, graph.ints([i])]);
  const rows = pick(maskShape, 0), columns = pick(maskShape, 1);
  const total = graph.add("Squeeze", [int32(columns)]);
  const last = graph.add("Sub", [columns, graph.ints([1])]);
  const lengths = int32(graph.add("Expand", [last, rows]));
  const mask = graph.add("Cast", ["attention_mask"], { to: 1 });
  const scalar = (name: string, value: number) =>
    graph.float(name, { shape: [], data: Float32Array.of(value) });
  const shown = graph.add("Sub", [mask, scalar("one", 1)]);
  const hidden = graph.add("Mul", [shown, scalar("hide", 1e9)]);
  const wide = graph.add("Unsqueeze", [hidden, graph.ints([1, 2])]);
  const full = graph.add("Concat", [rows, graph.ints([1]), pick(shape, 1), columns], { axis: 0 });
  return { lengths, total, bias: graph.add("Expand", [wide, full]) };
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

/** Part `part` (0 query, 1 key, 2 value) of a fused projection whose rows are [heads, 3, headDim]. */
function takeHeads(fused: Parameter, part: number, heads: number, headDim: number): Parameter {
  const all = fused.data;
  const width = all.length / (heads * 3 * headDim);
  const block = headDim * width;
  const data = new Float32Array(heads * block);
  for (let head = 0; head < heads; head++) {
    const from = (head * 3 + part) * block;
    data.set(all.subarray(from, from + block), head * block);
  }
  return { shape: [heads * headDim, ...fused.shape.slice(1)], data };
}
