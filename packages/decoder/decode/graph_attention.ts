/**
 * The attention of a decoder graph: its cache, the prefix that may stand before a sequence, and the mask
 * of an exported model. It does not know what the rest of a layer computes.
 */
import type { ModelConfig } from "../model/config.ts";
import { rotaryTables } from "../model/rope.ts";
import type { GraphBuilder } from "./graph_builder.ts";

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

/** Changes a layer's keys or values [B, S, kvHeads · headDim] before attention reads them. */
type Precede = (layer: number, kind: "keys" | "values", x: string) => string;

/**
 * @throws where ONNX Runtime cannot run the attention of such a model: its GroupQueryAttention takes
 *   heads of a multiple of 8 dimensions only.
 */
export function checkHeadSize({ headDim }: Pick<ModelConfig, "headDim">): void {
  if (headDim % 8 === 0) return;
  throw new Error(
    `Expected a head size (head_dim, or hidden_size / num_attention_heads) that is a multiple of 8 ` +
      `but found ${headDim}: ONNX Runtime's attention takes no other. Choose another checkpoint.`,
  );
}

/** Adds the inputs and outputs of the cache; returns the attention of a layer over [B, S, ·]. */
export function attention(
  graph: GraphBuilder,
  config: ModelConfig,
  use: GraphUse,
  shape: string,
  precede?: Precede,
): (layer: number, qkv: string[]) => string {
  checkHeadSize(config);
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
  // Not in files for others: their operator may be older, or turn by other positions.
  const inside = !precede && use !== "export" && headDim % 16 === 0 && rope.dims % 16 === 0;
  /** Queries, keys and values as the operator takes them, which also takes them side by side. */
  const prepared = (layer: number, qkv: string[]): string[] => {
    if (inside) return [...qkv, "", ""].slice(0, 3);
    const widths = [heads, kvHeads, kvHeads].map((count) => count * headDim);
    const [q, k, v] = qkv.length === 3 ? qkv : graph.split(qkv[0]!, widths);
    const keys = rotate(k!, kvHeads);
    if (!precede) return [rotate(q!, heads), keys, v!];
    return [rotate(q!, heads), precede(layer, "keys", keys), precede(layer, "values", v!)];
  };
  return (layer, qkv) => {
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
        ...prepared(layer, qkv),
        ...past,
        lengths,
        total,
        ...(inside ? [cos, sin, "position_ids"] : []),
        ...(bias ? ["", "", "", bias] : []),
      ],
      { num_heads: heads, kv_num_heads: kvHeads, ...(inside ? { do_rotary: 1 } : {}) },
      [`attention:${layer}`, ...present],
    );
  };
}

/**
 * Adds the input `prefix_length`; returns what writes the prefix over the first so many positions of a
 * layer's keys or values [B, S, kvHeads · headDim]. GroupQueryAttention takes a batch of rows that
 * begin only without a past: there the prefix comes in as tokens would, and their place is prepared.
 */
export function putBefore(
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
