/**
 * Weights in blocks of 8 or 4 bits with a scale each, multiplied by ONNX Runtime's MatMulNBits.
 *
 * Knows numbers and the nodes that read them; does not know models.
 */
import type { Parameter } from "../model/parameters.ts";
import type { GraphBuilder, WeightFormat } from "./graph_builder.ts";

/** Whole values and the scales of blocks, as {@link quantize} makes them. */
interface Blocks {
  /** Weights that share a scale. */
  readonly size: number;
  readonly values: Uint8Array;
  readonly scales: Float32Array;
}

/**
 * Rounds each row of a matrix [rows, columns] in blocks: value ≈ scale · (q − 2^(bits − 1)). The value of
 * largest size in a block is exact. With 4 bits two values share a byte, the first one lower.
 *
 * Blocks are of 64 where those of 8 bits fill the rows: a scale a block is less to read at every product.
 * Else they are of 32.
 *
 * @returns values [rows, blocks, size · bits / 8] and scales [rows, blocks]
 */
export function quantize({ shape, data }: Parameter, bits: 8 | 4): Blocks {
  const [rows, columns] = shape as [number, number];
  const size = bits === 8 && columns % 64 === 0 ? 64 : 32;
  const blocks = Math.ceil(columns / size);
  const zero = 2 ** (bits - 1);
  const bytes = size * bits / 8;
  const values = new Uint8Array(rows * blocks * bytes);
  const scales = new Float32Array(rows * blocks);
  for (let block = 0; block < rows * blocks; block++) {
    const row = Math.floor(block / blocks), first = block % blocks * size;
    const length = Math.min(size, columns - first);
    const from = row * columns + first;
    let extreme = 0;
    for (let i = 0; i < length; i++) {
      if (Math.abs(data[from + i]!) > Math.abs(extreme)) extreme = data[from + i]!;
    }
    const scale = scales[block] = Math.fround(extreme / -zero);
    for (let i = 0; i < size; i++) {
      const x = i < length && scale !== 0 ? data[from + i]! / scale : 0;
      const q = Math.min(2 * zero - 1, Math.max(0, Math.round(x) + zero));
      const at = block * bytes + Math.floor(i * bits / 8);
      values[at]! |= q << (i * bits % 8);
    }
  }
  return { size, values, scales };
}

/**
 * Weights of so many bits. A product rounds what it multiplies them with to 8 bits as well, block by
 * block, and adds up whole numbers: else ONNX Runtime widens every weight anew, twenty times as slow.
 *
 * @example
 * decoderGraph(model.config, model.parameters, "export", { weights: blockFormat(8) });
 */
export function blockFormat(bits: 8 | 4): WeightFormat {
  const made = new Map<string, Blocks>(); // a tied embedding is read twice, and each use of a model too
  const constants = (graph: GraphBuilder, name: string, weight: Parameter) => {
    const [rows, columns] = weight.shape as [number, number];
    const found = made.get(name) ?? quantize(weight, bits);
    made.set(name, found);
    const { size } = found;
    const blocks = Math.ceil(columns / size);
    const values = graph.constant(
      `${name}.q${bits}`,
      () => ({ dtype: "uint8", shape: [rows, blocks, size * bits / 8], data: found.values }),
    );
    const scales = graph.float(`${name}.scales`, { shape: [rows, blocks], data: found.scales });
    return { rows, columns, size, values, scales };
  };
  return {
    linear(graph, x, name, weight, bias) {
      const { rows, columns, size, values, scales } = constants(graph, name, weight);
      const attributes = { N: rows, K: columns, bits, block_size: size, accuracy_level: 4 };
      const y = graph.add("MatMulNBits", [x, values, scales], attributes);
      return bias ? graph.add("Add", [y, bias]) : y;
    },
    embed(graph, ids, name, weight) {
      const { columns, size, values, scales } = constants(graph, name, weight);
      const number = (value: number) =>
        graph.float(`number:${value}`, { shape: [], data: Float32Array.of(value) });
      const rows = graph.add("Gather", [values, ids]); // [B, S, blocks, bytes]
      let q = graph.add("Cast", [rows], { to: 1 });
      if (bits === 4) {
        const high = graph.add("Floor", [graph.add("Div", [q, number(16)])]);
        const low = graph.add("Sub", [q, graph.add("Mul", [high, number(16)])]);
        const pair = [low, high].map((x) => graph.add("Unsqueeze", [x, graph.ints([-1])]));
        const both = graph.add("Concat", pair, { axis: -1 });
        q = graph.add("Reshape", [both, graph.ints([0, 0, 0, size])]);
      }
      const centred = graph.add("Sub", [q, number(2 ** (bits - 1))]);
      const scale = graph.add("Gather", [scales, ids]); // [B, S, blocks]
      const wide = graph.add("Unsqueeze", [scale, graph.ints([-1])]);
      const blocks = graph.add("Mul", [centred, wide]);
      const all = graph.add("Reshape", [blocks, graph.ints([0, 0, -1])]);
      if (columns % size === 0) return all;
      return graph.add("Slice", [all, graph.ints([0]), graph.ints([columns]), graph.ints([-1])]);
    },
  };
}
