/**
 * Writes ONNX models: the protobuf bytes of a graph given as plain data.
 *
 * Knows the messages that a computation graph needs and the numbers of their fields (onnx.proto:
 * ModelProto, GraphProto, NodeProto, TensorProto, …) and nothing else: not which operators exist, not
 * what a graph means. Nothing is read back; ONNX Runtime is the reader.
 */
import { PbfWriter } from "pbf";

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
  const to = new PbfWriter();
  to.writeVarintField(1, 10); // IR version
  to.writeStringField(2, "implicit");
  to.writeMessage(7, writeGraph, graph);
  to.writeMessage(8, writeOperatorSet, { domain: "", version: 21 });
  to.writeMessage(8, writeOperatorSet, { domain: "com.microsoft", version: 1 });
  return to.finish();
}

function writeOperatorSet(set: { domain: string; version: number }, to: PbfWriter): void {
  to.writeStringField(1, set.domain);
  to.writeVarintField(2, set.version);
}

function writeGraph(graph: Graph, to: PbfWriter): void {
  graph.nodes.forEach((node, i) =>
    to.writeMessage(1, writeNode, { ...node, name: `${node.op}_${i}` })
  );
  to.writeStringField(2, graph.name);
  for (const tensor of graph.initializers) to.writeMessage(5, writeInitializer, tensor);
  for (const input of graph.inputs) to.writeMessage(11, writeValueInfo, input);
  for (const output of graph.outputs) to.writeMessage(12, writeValueInfo, output);
}

function writeNode(node: Node & { name: string }, to: PbfWriter): void {
  for (const input of node.inputs) to.writeStringField(1, input);
  for (const output of node.outputs) to.writeStringField(2, output);
  to.writeStringField(3, node.name);
  to.writeStringField(4, node.op);
  for (const one of Object.entries(node.attributes ?? {})) to.writeMessage(5, writeAttribute, one);
  if (node.domain) to.writeStringField(7, node.domain);
}

function writeAttribute([name, value]: [string, Attribute], to: PbfWriter): void {
  to.writeStringField(1, name);
  const number = typeof value === "object" && "float" in value ? value.float : value;
  if (typeof number === "string") {
    to.writeStringField(4, number);
    to.writeVarintField(20, 3);
  } else if (typeof number === "object") {
    for (const one of number) to.writeVarintField(8, one);
    to.writeVarintField(20, 7);
  } else if (number === value && Number.isInteger(number)) {
    to.writeVarintField(3, number);
    to.writeVarintField(20, 2);
  } else {
    to.writeFloatField(2, number);
    to.writeVarintField(20, 1);
  }
}

function writeInitializer(tensor: Initializer, to: PbfWriter): void {
  const { code, array } = dataTypes[tensor.dtype];
  for (const size of tensor.shape) to.writeVarintField(1, size);
  to.writeVarintField(2, code);
  to.writeStringField(8, tensor.name);
  const expected = sizeOf(tensor.shape) * array.BYTES_PER_ELEMENT;
  const found = tensor.data?.byteLength ?? tensor.external?.length;
  if (found !== expected) {
    throw new Error(
      `Expected initializer "${tensor.name}" (${tensor.dtype} [${tensor.shape}]) to hold ` +
        `${expected} bytes but found ${found ?? "no data"}`,
    );
  }
  if (tensor.data) {
    const { buffer, byteOffset, byteLength } = tensor.data;
    return to.writeBytesField(9, new Uint8Array(buffer, byteOffset, byteLength));
  }
  for (const one of Object.entries(tensor.external!)) to.writeMessage(13, writeEntry, one);
  to.writeVarintField(14, 1);
}

function writeEntry([key, value]: [string, string | number], to: PbfWriter): void {
  to.writeStringField(1, key);
  to.writeStringField(2, String(value));
}

function writeValueInfo({ name, dtype, shape }: ValueInfo, to: PbfWriter): void {
  const writeDimension = (size: number | string, to: PbfWriter) =>
    typeof size === "number" ? to.writeVarintField(1, size) : to.writeStringField(2, size);
  const writeShape = (sizes: ValueInfo["shape"], to: PbfWriter) => {
    for (const size of sizes) to.writeMessage(1, writeDimension, size);
  };
  const writeTensor = (code: number, to: PbfWriter) => {
    to.writeVarintField(1, code);
    to.writeMessage(2, writeShape, shape);
  };
  to.writeStringField(1, name);
  const writeType = (code: number, to: PbfWriter) => to.writeMessage(1, writeTensor, code);
  to.writeMessage(2, writeType, dataTypes[dtype].code);
}
