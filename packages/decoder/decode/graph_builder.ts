/**
 * What a decoder graph is put together with: named operations and constants, and how weights lie in it.
 * It does not know what is built.
 */
import type { Attribute, Initializer, Node, ValueInfo } from "@implicit/engine";
import type { Parameter } from "../model/parameters.ts";

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

  /** Splits x along its last axis. */
  split(x: string, widths: readonly number[]): string[] {
    const parts = widths.map((_, i) => `${x}.${i}`);
    this.add("Split", [x, this.ints(widths)], { axis: -1 }, parts);
    return parts;
  }

  /** A vector of whole numbers. */
  ints(values: readonly number[]): string {
    const name = `ints:${values.join(",")}`;
    const data = BigInt64Array.from(values, BigInt);
    return this.constant(name, () => ({ dtype: "int64", shape: [values.length], data }));
  }
}
