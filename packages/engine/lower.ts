/**
 * Turns a record of tfjs kernel calls into an ONNX graph.
 *
 * Reshapes cost nothing and constants are shared; calls whose results nobody needs are left out.
 * It knows what each kernel means in ONNX, and nothing of models or of running a graph.
 *
 * @module
 */
import type { FileValues } from "./engine.ts";
import {
  type Attribute,
  dataTypeBytes,
  dataTypeCodes,
  type Graph,
  type Initializer,
  type Node,
} from "./onnx.ts";
import { absorptions, rules } from "./rules.ts";
import type { Step, Trace, Value } from "./trace.ts";

/** Calls that change nothing but the shape, and the input they pass on. */
const views: Readonly<Record<string, string>> = {
  Identity: "x",
  Reshape: "x",
  ExpandDims: "input",
};

/** The names of inputs and outputs in the graph, apart from each other and from all others. */
export const inputName = (name: string): string => `in:${name}`;
export const outputName = (name: string): string => `out:${name}`;

/** Writes the ONNX graph of one record; the rules call it. */
export class Lowering {
  private readonly nodes: Node[] = [];
  private readonly initializers: Initializer[] = [];
  private readonly names = new Map<Value, string>();
  private readonly shared = new Map<string, string>();
  private readonly constants = new Map<unknown, Map<string, string>>();
  private readonly uses = new Map<Value, number>();
  private readonly absorbed = new Map<Step, Step>();
  /** Values of fewer than 32 bits, widened anew for every use: a shared copy would outlive most. */
  private readonly narrow = new Set<Value>();
  private count = 0;

  /** @param files the inputs that are no inputs of the graph, but constants in files */
  constructor(
    private readonly trace: Trace,
    private readonly files: Readonly<Record<string, FileValues>> = {},
  ) {}

  /** The whole graph. To be called once. */
  graph(): Graph {
    const { inputs, outputs } = this.trace;
    const steps = this.needed();
    for (const [name, value] of Object.entries(inputs)) {
      this.names.set(value, inputName(name));
      const file = this.files[name];
      if (file) this.addFile(value, inputName(name), file);
    }
    for (const step of steps) {
      const value = absorptions[step.kernel]?.(step);
      const sameShape = value?.shape.join() === step.outputs[0]!.shape.join();
      if (value && sameShape && this.uses.get(value) === 1) this.absorbed.set(step, value.step!);
    }
    const gone = new Set(this.absorbed.values());
    for (const step of steps) {
      if (!Object.hasOwn(views, step.kernel) && !gone.has(step)) rules[step.kernel]!(this, step);
    }
    this.nameOutputs();
    const used = new Set(this.nodes.flatMap((node) => node.inputs));
    const info = (values: Readonly<Record<string, Value>>, prefixed: (name: string) => string) =>
      Object.entries(values).map(([name, { dtype, shape }]) => ({
        name: prefixed(name),
        dtype,
        shape,
      }));
    return {
      name: "program",
      inputs: info(inputs, inputName).filter(({ name }) =>
        used.has(name) && !this.initializers.some((constant) => constant.name === name)
      ),
      outputs: info(outputs, outputName),
      initializers: this.initializers,
      nodes: this.nodes,
    };
  }

  private addFile(value: Value, name: string, { path, dtype, offset }: FileValues): void {
    const { shape } = value;
    const length = shape.reduce((a, b) => a * b, 1) * dataTypeBytes[dtype];
    this.initializers.push({ name, dtype, shape, external: { location: path, offset, length } });
    if (dtype !== "float32") this.narrow.add(value);
  }

  /** Gives the nodes' results the outputs' names; what is no node's result, or two outputs, is copied. */
  private nameOutputs(): void {
    const results = new Set(this.nodes.flatMap((node) => node.outputs));
    const renamed = new Map<string, string>();
    for (const [output, value] of Object.entries(this.trace.outputs)) {
      const name = this.name(value);
      const given = outputName(output);
      if (results.has(name) && !renamed.has(name)) renamed.set(name, given);
      else this.nodes.push({ op: "Identity", inputs: [name], outputs: [given] });
    }
    const rename = (name: string) => renamed.get(name) ?? name;
    this.nodes.forEach((node, i) => {
      const [inputs, outputs] = [node.inputs.map(rename), node.outputs.map(rename)];
      this.nodes[i] = { ...node, inputs, outputs };
    });
  }

  /** The step that is computed as a part of this one, if any. */
  absorbedBy(step: Step): Step | undefined {
    return this.absorbed.get(step);
  }

  /** The steps that the outputs depend on; counts on the way how often each value is used. */
  private needed(): Step[] {
    const use = (value: Value) => this.uses.set(value, (this.uses.get(value) ?? 0) + 1);
    Object.values(this.trace.outputs).forEach(use);
    return this.trace.steps.toReversed().filter(({ inputs, outputs }) => {
      const isNeeded = outputs.some((output) => this.uses.has(output));
      if (isNeeded) Object.values(inputs).forEach(use);
      return isNeeded;
    }).toReversed();
  }

  /** Appends a node and returns the name of its only result. */
  node(
    op: string,
    inputs: readonly string[],
    attributes: Record<string, Attribute> = {},
    domain?: string,
  ): string {
    return this.nodeOf(1, op, inputs, attributes, domain)[0]!;
  }

  /** Appends a node with several results and returns their names. */
  nodeOf(
    results: number,
    op: string,
    inputs: readonly string[],
    attributes: Record<string, Attribute> = {},
    domain?: string,
  ): string[] {
    const outputs = Array.from({ length: results }, () => this.fresh());
    this.nodes.push({ op, inputs, outputs, attributes, domain });
    return outputs;
  }

  /** Says which name holds a value. */
  set(value: Value, name: string): void {
    this.names.set(value, name);
  }

  /** The name that holds a value, in the shape it has or in another of the same size. */
  name(value: Value, shape: readonly number[] = value.shape): string {
    const base = baseOf(value);
    if (base.constant) return this.constant(base.constant, base.dtype, shape);
    const known = this.names.get(base)!;
    const name = this.narrow.has(base) ? this.widened(known) : known;
    if (base.shape.join() === shape.join()) return name;
    return this.share(`${name} [${shape}]`, () => this.node("Reshape", [name, this.int64(shape)]));
  }

  /**
   * A float32 copy of a constant, for one use. ONNX Runtime computes what stands first in the list of
   * nodes last: so only there is the copy made right before its use, and not long ahead.
   */
  private widened(constant: string): string {
    const name = this.fresh();
    const attributes = { to: dataTypeCodes.float32 };
    this.nodes.unshift({ op: "Cast", inputs: [constant], outputs: [name], attributes });
    return name;
  }

  /** An int64 constant, as ONNX wants shapes and axes. */
  int64(values: readonly number[]): string {
    return this.share(`int64 [${values}]`, () => {
      const data = BigInt64Array.from(values, BigInt);
      return this.initializer({ name: "", dtype: "int64", shape: [values.length], data });
    });
  }

  /** A float32 constant without dimensions. */
  scalar(value: number): string {
    return this.share(
      `scalar ${value}`,
      () =>
        this.initializer({ name: "", dtype: "float32", shape: [], data: Float32Array.of(value) }),
    );
  }

  private constant(
    values: NonNullable<Value["constant"]>,
    dtype: Value["dtype"],
    shape: readonly number[],
  ): string {
    if (values.length === 1 && shape.length === 0 && dtype === "float32") {
      return this.scalar(values[0]!);
    }
    // By identity: the same array, as a mask that every layer adds, is stored once.
    const byShape = this.constants.get(values) ?? new Map<string, string>();
    this.constants.set(values, byShape);
    const found = byShape.get(shape.join());
    if (found) return found;
    const data = dtype === "float32"
      ? Float32Array.from(values)
      : dtype === "int32"
      ? Int32Array.from(values)
      : Uint8Array.from(values);
    const name = this.initializer({ name: "", dtype, shape, data });
    byShape.set(shape.join(), name);
    return name;
  }

  private initializer(initializer: Initializer): string {
    const name = this.fresh();
    this.initializers.push({ ...initializer, name });
    return name;
  }

  /** The name that was made for this key, or is now. */
  share(key: string, make: () => string): string {
    const name = this.shared.get(key) ?? make();
    this.shared.set(key, name);
    return name;
  }

  private fresh(): string {
    return `t${this.count++}`;
  }
}

/** The value that a chain of reshapes started from. */
function baseOf(value: Value): Value {
  for (let base = value;;) {
    const { step } = base;
    const passed = step && views[step.kernel];
    if (!passed) return base;
    base = step.inputs[passed]!;
  }
}
