/**
 * Collects the nodes and constants of an ONNX graph for recorded values: which name holds a value,
 * in the shape that is asked for.
 *
 * It knows nothing of kernels, nor of the order in which their nodes are asked for.
 *
 * @module
 */
import {
  type Attribute,
  type DataType,
  dataTypes,
  type Initializer,
  type Node,
  sizeOf,
} from "./onnx.ts";
import type { FileValues } from "./program.ts";
import type { Value } from "./record.ts";

/** The value that `value` is with another shape, if it is the result of such a call. */
type Viewed = (value: Value) => Value | undefined;

/** The nodes and constants of one graph. */
export class GraphBuilder {
  readonly nodes: Node[] = [];
  readonly initializers: Initializer[] = [];
  private readonly names = new Map<Value, string>();
  /** Values of fewer than 32 bits, widened anew for every use: a shared copy would outlive most. */
  private readonly narrow = new Set<Value>();
  private readonly made = new Map<unknown, Map<string, string>>();
  private count = 0;

  constructor(private readonly viewed: Viewed) {}

  /** Appends a node and returns the name of its only result. */
  node(
    op: string,
    inputs: readonly string[],
    attributes?: Record<string, Attribute>,
    domain?: string,
  ): string {
    const [output] = this.nodeOf(1, { op, inputs, attributes, domain });
    return output!;
  }

  /** Appends a node with several results and returns their names. */
  nodeOf(results: number, node: Omit<Node, "outputs">): string[] {
    const outputs = Array.from({ length: results }, () => this.fresh());
    this.nodes.push({ ...node, outputs });
    return outputs;
  }

  /** Says which name holds a value. */
  set(value: Value, name: string): void {
    this.names.set(value, name);
  }

  /** Says that a value is a constant in a file, to be known under `name`. */
  setFile(value: Value, name: string, { path, dtype, offset }: FileValues): void {
    const { shape } = value;
    const length = sizeOf(shape) * dataTypes[dtype].array.BYTES_PER_ELEMENT;
    this.initializers.push({ name, dtype, shape, external: { location: path, offset, length } });
    this.set(value, name);
    if (dtype !== "float32") this.narrow.add(value);
  }

  /** The name that holds a value, in the shape it has or in another of the same size. */
  name(value: Value, shape: readonly number[] = value.shape): string {
    let base = value;
    for (let next = this.viewed(base); next; next = this.viewed(base)) base = next;
    if (base.constant) return this.constant(base.constant, base.dtype, shape);
    const known = this.names.get(base)!;
    const name = this.narrow.has(base) ? this.widened(known) : known;
    if (base.shape.join() === shape.join()) return name;
    return this.once(name, `[${shape}]`, () => this.node("Reshape", [name, this.int64(shape)]));
  }

  /** An int64 constant, as ONNX wants shapes and axes. */
  int64(values: readonly number[]): string {
    const data = () => BigInt64Array.from(values, BigInt);
    return this.once(
      "int64",
      String(values),
      () => this.initializer("int64", [values.length], data()),
    );
  }

  /** A float32 constant without dimensions. */
  scalar(value: number): string {
    const data = () => Float32Array.of(value);
    return this.once("float32", String(value), () => this.initializer("float32", [], data()));
  }

  /** A matrix transposed, once for all that use it. */
  transposed(name: string): string {
    return this.once(name, "transposed", () => this.node("Transpose", [name], { perm: [1, 0] }));
  }

  /** The name that was made for this aspect of a thing, or is now. */
  private once(thing: unknown, aspect: string, make: () => string): string {
    const known = this.made.get(thing) ?? new Map<string, string>();
    this.made.set(thing, known);
    const name = known.get(aspect) ?? make();
    known.set(aspect, name);
    return name;
  }

  /** Once by identity: the same array, as a mask that every layer adds, is stored once. */
  private constant(
    values: NonNullable<Value["constant"]>,
    dtype: Value["dtype"],
    shape: readonly number[],
  ): string {
    if (values.length === 1 && shape.length === 0 && dtype === "float32") {
      return this.scalar(values[0]!);
    }
    const { array } = dataTypes[dtype];
    return this.once(
      values,
      String(shape),
      () => this.initializer(dtype, shape, array.from(values)),
    );
  }

  /**
   * A float32 copy of a constant, for one use. ONNX Runtime computes what stands first in the list of
   * nodes last: so only there is the copy made right before its use, and not long ahead.
   */
  private widened(constant: string): string {
    const name = this.fresh();
    const attributes = { to: dataTypes.float32.code };
    this.nodes.unshift({ op: "Cast", inputs: [constant], outputs: [name], attributes });
    return name;
  }

  private initializer(dtype: DataType, shape: readonly number[], data: ArrayBufferView): string {
    const name = this.fresh();
    this.initializers.push({ name, dtype, shape, data });
    return name;
  }

  private fresh(): string {
    return `t${this.count++}`;
  }
}
