/**
 * How an exported graph stores its matrices: as they are, as float16, or in blocks of 8 or 4 bits.
 *
 * Knows numbers and the nodes that read them; does not know models. Sums are float32.
 */
import {
  blockFormat,
  float32Format,
  type GraphBuilder,
  type Parameter,
  toFloat16,
  type WeightFormat,
} from "@implicit/decoder";

/** Types of exported weights. */
export type ExportType = "fp32" | "fp16" | "q8" | "q4";

/** Makes the weight format of each type, for one model. */
export const weightFormats: Readonly<Record<ExportType, () => WeightFormat>> = {
  fp32: () => float32Format,
  fp16: () => float16Format,
  q8: () => blockFormat(8),
  q4: () => blockFormat(4),
};

const float16Format: WeightFormat = {
  linear(graph, x, name, weight, bias) {
    const wide = graph.add("Cast", [half(graph, name, weight)], { to: 1 });
    return graph.add("Gemm", [x, wide, ...(bias ? [bias] : [])], { transB: 1 });
  },
  embed(graph, ids, name, weight) {
    const rows = graph.add("Gather", [half(graph, name, weight), ids]);
    return graph.add("Cast", [rows], { to: 1 });
  },
};

function half(graph: GraphBuilder, name: string, { shape, data }: Parameter): string {
  return graph.constant(name, () => ({ dtype: "float16", shape, data: toFloat16(data) }));
}
