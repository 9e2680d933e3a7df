/**
 * Writes ONNX models: the protobuf bytes of a graph given as plain data.
 *
 * Knows the wire format of the messages a computation graph needs (onnx.proto: ModelProto, GraphProto,
 * NodeProto, TensorProto, …) and nothing else: not which operators exist, not what a graph means.
 * Nothing is read back; ONNX Runtime is the reader.
 */

/**
 * Element types of tensors: their TensorProto.DataType numbers, which ONNX Runtime's C API shares, and
 * the arrays that hold them.
 */
export const dataTypes = {
  float32: { code: 1, array: Float32Array },
  uint8: { code: 2, array: Uint8Array },
  int32: { code: 6, array: Int32Array },
  int64: { code: 7, array: BigInt64Array },
  bool: { code: 9, array: Uint8Array },
  float16: { code: 10, array: Uint16Array },
  bfloat16: { code: 16, array: Uint16Array },
} as const;

export type DataType = keyof typeof dataTypes;

/** How many elements a shape has. */
export const sizeOf = (shape: readonly number[]): number => shape.reduce((a, b) => a * b, 1);

/** Name, type and shape of a graph's input or output; a string is a symbolic dimension. */
export interface ValueInfo {
  name: string;
  dtype: DataType;
  shape: readonly (number | string)[];
}

/** A constant: its bytes inline (`data`), or where they lie in another file (`external`, in bytes). */
export interface Initializer {
  name: string;
  dtype: DataType;
  shape: readonly number[];
  data?: ArrayBufferView;
  external?: { location: string; offset: number; length: number };
}

/** An attribute; a bare number is an int when it is an integer and a float otherwise. */
export type Attribute = number | readonly number[] | string | { float: number };

/** One operation. An empty input name is an optional input left out. */
export interface Node {
  op: string;
  inputs: readonly string[];
  outputs: readonly string[];
  domain?: string;
  attributes?: Record<string, Attribute>;
}

/** A computation graph; nodes in topological order. */
export interface Graph {
  name: string;
  inputs: readonly ValueInfo[];
  outputs: readonly ValueInfo[];
  initializers: readonly Initializer[];
  nodes: readonly Node[];
}

const utf8 = new TextEncoder();

/** Collects a message's bytes as pieces, so that large tensors are copied only once, at the end. */
class Message {
  readonly pieces: Uint8Array[] = [];
  size = 0;

  private push(piece: Uint8Array): this {
    this.pieces.push(piece);
    this.size += piece.length;
    return this;
  }

  /** Negative numbers as 64 bits in two's complement, always ten bytes. */
  private varint(value: number): this {
    const bytes: number[] = [];
    let rest = BigInt.asUintN(64, BigInt(value));
    for (; rest > 127n; rest >>= 7n) bytes.push(Number(rest & 127n) | 128);
    bytes.push(Number(rest));
    return this.push(Uint8Array.from(bytes));
  }

  int(field: number, value: number): this {
    return this.varint(field << 3).varint(value);
  }

  float(field: number, value: number): this {
    this.varint((field << 3) | 5);
    return this.push(new Uint8Array(Float32Array.of(value).buffer));
  }

  bytes(field: number, value: Uint8Array): this {
    return this.varint((field << 3) | 2).varint(value.length).push(value);
  }

  string(field: number, value: string): this {
    return this.bytes(field, utf8.encode(value));
  }

  message(field: number, value: Message): this {
    this.varint((field << 3) | 2).varint(value.size);
    for (const piece of value.pieces) this.push(piece);
    return this;
  }

  concat(): Uint8Array {
    const out = new Uint8Array(this.size);
    let at = 0;
    for (const piece of this.pieces) {
      out.set(piece, at);
      at += piece.length;
    }
    return out;
  }
}

function encodeAttribute(name: string, value: Attribute): Message {
  const message = new Message().string(1, name);
  if (typeof value === "string") return message.string(4, value).int(20, 3);
  if (Number.isInteger(value)) return message.int(3, value as number).int(20, 2);
  if (typeof value === "number") return message.float(2, value).int(20, 1);
  if ("float" in value) return message.float(2, value.float).int(20, 1);
  for (const x of value) message.int(8, x);
  return message.int(20, 7);
}

function encodeInitializer(tensor: Initializer): Message {
  const message = new Message();
  for (const d of tensor.shape) message.int(1, d);
  message.int(2, dataTypes[tensor.dtype].code).string(8, tensor.name);
  const expected = sizeOf(tensor.shape) * dataTypes[tensor.dtype].array.BYTES_PER_ELEMENT;
  const found = tensor.data?.byteLength ?? tensor.external?.length;
  if (found !== expected) {
    throw new Error(
      `Expected initializer "${tensor.name}" (${tensor.dtype} [${tensor.shape}]) to hold ` +
        `${expected} bytes but found ${found ?? "no data"}`,
    );
  }
  if (tensor.data) {
    const { buffer, byteOffset, byteLength } = tensor.data;
    return message.bytes(9, new Uint8Array(buffer, byteOffset, byteLength));
  }
  for (const [key, value] of Object.entries(tensor.external!)) {
    message.message(13, new Message().string(1, key).string(2, String(value)));
  }
  return message.int(14, 1);
}

function encodeValueInfo(value: ValueInfo): Message {
  const shape = new Message();
  for (const d of value.shape) {
    shape.message(1, typeof d === "number" ? new Message().int(1, d) : new Message().string(2, d));
  }
  const tensor = new Message().int(1, dataTypes[value.dtype].code).message(2, shape);
  return new Message().string(1, value.name).message(2, new Message().message(1, tensor));
}

/**
 * The bytes of an ONNX model that computes `graph`.
 *
 * Nodes get unique names. The model imports version 21 of the default operator set, and ONNX
 * Runtime's own operators (`com.microsoft`, version 1).
 *
 * @throws if an initializer's bytes do not match its type and shape.
 * @example
 * const bytes = encodeModel({
 *   name: "double",
 *   inputs: [{ name: "x", dtype: "float32", shape: ["n"] }],
 *   outputs: [{ name: "y", dtype: "float32", shape: ["n"] }],
 *   initializers: [],
 *   nodes: [{ op: "Add", inputs: ["x", "x"], outputs: ["y"] }],
 * });
 */
export function encodeModel(graph: Graph): Uint8Array {
  const message = new Message();
  graph.nodes.forEach((node, i) => {
    const proto = new Message();
    for (const input of node.inputs) proto.string(1, input);
    for (const output of node.outputs) proto.string(2, output);
    proto.string(3, `${node.op}_${i}`).string(4, node.op);
    for (const [name, attribute] of Object.entries(node.attributes ?? {})) {
      proto.message(5, encodeAttribute(name, attribute));
    }
    if (node.domain) proto.string(7, node.domain);
    message.message(1, proto);
  });
  message.string(2, graph.name);
  for (const tensor of graph.initializers) message.message(5, encodeInitializer(tensor));
  for (const input of graph.inputs) message.message(11, encodeValueInfo(input));
  for (const output of graph.outputs) message.message(12, encodeValueInfo(output));
  return new Message()
    .int(1, 10) // IR version
    .string(2, "implicit")
    .message(7, message)
    .message(8, new Message().string(1, "").int(2, 21))
    .message(8, new Message().string(1, "com.microsoft").int(2, 1))
    .concat();
}
