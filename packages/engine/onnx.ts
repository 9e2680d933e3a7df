/**
 * Writes ONNX models: the protobuf bytes of a graph given as plain data.
 *
 * Knows the wire format of the messages a computation graph needs (onnx.proto: ModelProto, GraphProto,
 * NodeProto, TensorProto, …) and nothing else: not which operators exist, not what a graph means.
 * Nothing is read back; ONNX Runtime is the reader.
 */

/** Element types of tensors. float16 and bfloat16 travel as Uint16Array, int64 as BigInt64Array, bool as Uint8Array. */
export type DataType =
  | "float32"
  | "float16"
  | "bfloat16"
  | "int32"
  | "int64"
  | "uint8"
  | "int8"
  | "bool";

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
export type Attribute =
  | number
  | { int: number }
  | { float: number }
  | { ints: readonly number[] }
  | { floats: readonly number[] }
  | { string: string };

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

/** TensorProto.DataType numbers, which ONNX Runtime's C API shares. */
export const dataTypeCodes: Readonly<Record<DataType, number>> = {
  float32: 1,
  uint8: 2,
  int8: 3,
  int32: 6,
  int64: 7,
  bool: 9,
  float16: 10,
  bfloat16: 16,
};

/** Bytes an element takes. */
export const dataTypeBytes: Readonly<Record<DataType, number>> = {
  float32: 4,
  uint8: 1,
  int8: 1,
  int32: 4,
  int64: 8,
  bool: 1,
  float16: 2,
  bfloat16: 2,
};

const attributeTypes = { float: 1, int: 2, string: 3, floats: 6, ints: 7 } as const;
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

  private varint(value: number | bigint): this {
    const bytes: number[] = [];
    if (typeof value === "number" && value >= 0) {
      for (; value > 127; value = Math.floor(value / 128)) bytes.push((value % 128) | 128);
      bytes.push(value);
    } else { // negative int64: two's complement, always ten bytes
      let rest = BigInt.asUintN(64, BigInt(value));
      for (; rest > 127n; rest >>= 7n) bytes.push(Number(rest & 127n) | 128);
      bytes.push(Number(rest));
    }
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

function encodeAttribute(name: string, attribute: Attribute): Message {
  const message = new Message().string(1, name);
  const value = typeof attribute !== "number"
    ? attribute
    : Number.isInteger(attribute)
    ? { int: attribute }
    : { float: attribute };
  if ("int" in value) return message.int(3, value.int).int(20, attributeTypes.int);
  if ("float" in value) return message.float(2, value.float).int(20, attributeTypes.float);
  if ("string" in value) return message.string(4, value.string).int(20, attributeTypes.string);
  if ("floats" in value) {
    for (const x of value.floats) message.float(7, x);
    return message.int(20, attributeTypes.floats);
  }
  for (const x of value.ints) message.int(8, x);
  return message.int(20, attributeTypes.ints);
}

function encodeInitializer(tensor: Initializer): Message {
  const message = new Message();
  for (const d of tensor.shape) message.int(1, d);
  message.int(2, dataTypeCodes[tensor.dtype]).string(8, tensor.name);
  const expected = tensor.shape.reduce((a, b) => a * b, 1) * dataTypeBytes[tensor.dtype];
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
  const tensor = new Message().int(1, dataTypeCodes[value.dtype]).message(2, shape);
  return new Message().string(1, value.name).message(2, new Message().message(1, tensor));
}

/**
 * The bytes of an ONNX model that computes `graph`.
 *
 * Nodes get unique names. The model imports the default operator set in version `opset` and
 * ONNX Runtime's own operators (`com.microsoft`, version 1).
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
export function encodeModel(graph: Graph, options: { opset?: number } = {}): Uint8Array {
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
    .message(8, new Message().string(1, "").int(2, options.opset ?? 21))
    .message(8, new Message().string(1, "com.microsoft").int(2, 1))
    .concat();
}
