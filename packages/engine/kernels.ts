/**
 * Every tfjs kernel that can be compiled: the shapes of its results, and what it is in ONNX.
 *
 * Besides tfjs's own kernels there are a few (RmsNorm, LayerNorm, Rotary) that only the recorder has:
 * functions that ONNX Runtime computes in one go, and that fall back to a composition of tfjs
 * kernels elsewhere. It knows nothing of the order in which calls are made, nor of which are needed.
 *
 * @module
 */
import * as tf from "@tensorflow/tfjs-core";
import type { GraphBuilder } from "./graph_builder.ts";
import { type Attribute, dataTypes } from "./onnx.ts";
import type { Step, Value, Values, ValueType } from "./record.ts";

/** What is known of a kernel. */
export interface Kernel {
  /** Its results; `several` where tfjs expects a list of them. */
  readonly shape: (inputs: Values, attrs: tf.NamedAttrMap) => Value[];
  readonly several?: boolean;
  /** Its only input, where the result differs from that in shape alone: then nothing is written. */
  readonly view?: string;
  /** The input whose step is better computed as a part of this one, if nothing else needs it. */
  readonly absorbs?: (inputs: Values) => Value | undefined;
  /** Writes its nodes and returns the names of its results; `part` is the step it has absorbed. */
  readonly write?: (to: GraphBuilder, step: Step, part?: Step) => string | string[];
}

const microsoft = "com.microsoft";

const like = (value: Value, shape: readonly number[] = value.shape): Value => ({
  shape,
  dtype: value.dtype,
});

/** A node of the same inputs, in their order. */
const plain = (op: string): Kernel["write"] => (to, { inputs }) =>
  to.node(op, Object.values(inputs).map((value) => to.name(value)));

/** A kernel whose result has the shape and type of one input. */
const same = (write: string | Kernel["write"], input = "x"): Kernel => ({
  shape: (inputs) => [like(inputs[input]!)],
  write: typeof write === "string" ? plain(write) : write,
});

const broadcast = (a: readonly number[], b: readonly number[]): number[] =>
  tf.broadcast_util.assertAndGetBroadcastShape([...a], [...b]);

/** An elementwise kernel of two inputs; `dtype` where it is not theirs. */
const binary = (op: string, dtype?: ValueType): Kernel => ({
  shape: ({ a, b }) => [{ shape: broadcast(a!.shape, b!.shape), dtype: dtype ?? a!.dtype }],
  write: plain(op),
});

const reduction = (op: string, axes = "axis"): Kernel => ({
  shape: ({ x }, attrs) => {
    const reduced = axesOf(x!, attrs[axes]);
    const kept = x!.shape.map((size, axis) => reduced.includes(axis) ? 1 : size);
    const shape = attrs.keepDims ? kept : x!.shape.filter((_, axis) => !reduced.includes(axis));
    return [like(x!, shape)];
  },
  write: (to, { inputs: { x }, attrs }) =>
    to.node(op, [to.name(x!), to.int64(axesOf(x!, attrs[axes]))], {
      keepdims: attrs.keepDims ? 1 : 0,
    }),
});

/** A norm of the rows of `x`, with `statistics` numbers a row as further results. */
const norm = (op: string, statistics: number): Kernel => ({
  several: true,
  shape: ({ x }) => {
    const rows = Array.from({ length: statistics }, () => like(x!, [x!.shape[0]!, 1]));
    return [like(x!), ...rows];
  },
  write: (to, { inputs, attrs }) =>
    to.nodeOf(1 + statistics, {
      op,
      inputs: Object.values(inputs).map((value) => to.name(value)),
      attributes: { axis: -1, epsilon: { float: attrs.eps as number } },
    }),
});

/** By name. */
export const kernels: Readonly<Record<string, Kernel>> = {
  Identity: { shape: ({ x }) => [like(x!)], view: "x" },
  Reshape: {
    shape: ({ x }, { shape }) => {
      const size = tf.util.sizeFromShape([...x!.shape]);
      return [like(x!, tf.util.inferFromImplicitShape(shape as number[], size))];
    },
    view: "x",
  },
  ExpandDims: {
    shape: ({ input }, { dim }) => {
      const shape = [...input!.shape];
      const axis = dim as number;
      shape.splice(axis < 0 ? shape.length + axis + 1 : axis, 0, 1);
      return [like(input!, shape)];
    },
    view: "input",
  },
  Cast: {
    shape: ({ x }, { dtype }) => [{ shape: x!.shape, dtype: dtype as ValueType }],
    write: (to, { inputs: { x }, attrs: { dtype } }) =>
      x!.dtype === dtype
        ? to.name(x!)
        : to.node("Cast", [to.name(x!)], { to: dataTypes[dtype as ValueType].code }),
  },
  Transpose: {
    shape: ({ x }, { perm }) => [like(x!, (perm as number[]).map((axis) => x!.shape[axis]!))],
    write: (to, { inputs: { x }, attrs: { perm } }) =>
      to.node("Transpose", [to.name(x!)], { perm: perm as number[] }),
  },

  Add: {
    ...binary("Add"),
    absorbs: ({ a, b }) =>
      sameShape(a!, b!) ? [a!, b!].find(isResultOf("UnsortedSegmentSum")) : undefined,
    write: (to, { inputs: { a, b } }, part) =>
      part
        ? segmentSum(to, part, to.name(a!.step === part ? b! : a!))
        : to.node("Add", [to.name(a!), to.name(b!)]),
  },
  Sub: binary("Sub"),
  Multiply: {
    ...binary("Mul"),
    absorbs: ({ a, b }) =>
      [a!, b!].some((value) => scalarOf(value) !== undefined)
        ? [a!, b!].find(isResultOf("BatchMatMul"))
        : undefined,
    write: (to, { inputs: { a, b } }, part) =>
      part
        ? matMul(to, part, scalarOf(a!) ?? scalarOf(b!)!)
        : to.node("Mul", [to.name(a!), to.name(b!)]),
  },
  RealDiv: binary("Div"),
  Maximum: binary("Max"),
  Minimum: binary("Min"),
  Equal: binary("Equal", "bool"),
  Greater: binary("Greater", "bool"),
  GreaterEqual: binary("GreaterOrEqual", "bool"),
  Less: binary("Less", "bool"),
  LessEqual: binary("LessOrEqual", "bool"),
  LogicalAnd: binary("And", "bool"),

  Neg: same("Neg"),
  Exp: same("Exp"),
  Log: same("Log"),
  Sqrt: same("Sqrt"),
  Rsqrt: same((to, { inputs: { x } }) => to.node("Reciprocal", [to.node("Sqrt", [to.name(x!)])])),
  Square: same((to, { inputs: { x } }) => to.node("Mul", [to.name(x!), to.name(x!)])),
  Sigmoid: same("Sigmoid"),
  Tanh: same("Tanh"),
  Relu: same("Relu"),
  Erf: same("Erf"),
  ClipByValue: same((to, { inputs: { x }, attrs }) => {
    const bounds = [attrs.clipValueMin as number, attrs.clipValueMax as number];
    return to.node("Clip", [to.name(x!), ...bounds.map((bound) => to.scalar(bound))]);
  }),
  ZerosLike: same((to, { inputs: { x } }) => to.node("Expand", [to.scalar(0), to.int64(x!.shape)])),
  Softmax: same(
    (to, { inputs: { logits }, attrs: { dim } }) =>
      to.node("Softmax", [to.name(logits!)], { axis: dim as number }),
    "logits",
  ),
  Select: same("Where", "t"),

  Sum: reduction("ReduceSum"),
  Mean: reduction("ReduceMean"),
  Max: reduction("ReduceMax", "reductionIndices"),

  BatchMatMul: {
    shape: ({ a, b }, { transposeA, transposeB }) => {
      const batch = broadcast(a!.shape.slice(0, -2), b!.shape.slice(0, -2));
      const [rows, columns] = [
        a!.shape.at(transposeA ? -1 : -2)!,
        b!.shape.at(transposeB ? -2 : -1)!,
      ];
      return [like(a!, [...batch, rows, columns])];
    },
    write: (to, step) => matMul(to, step, 1),
  },
  GatherV2: {
    shape: ({ x, indices }, { axis, batchDims }) => {
      if (batchDims) {
        throw new Error(`Expected tf.gather with batchDims 0, but found ${batchDims}.`);
      }
      const [along] = axesOf(x!, axis) as [number];
      const { shape } = x!;
      return [like(x!, [...shape.slice(0, along), ...indices!.shape, ...shape.slice(along + 1)])];
    },
    write: (to, { inputs: { x, indices }, attrs: { axis } }) =>
      to.node("Gather", [to.name(x!), to.name(indices!)], { axis: axis as number }),
  },
  UnsortedSegmentSum: {
    shape: ({ x }, { numSegments }) => [like(x!, [numSegments as number, ...x!.shape.slice(1)])],
    write: (to, step) =>
      segmentSum(to, step, to.node("Expand", [to.scalar(0), to.int64(step.outputs[0]!.shape)])),
  },
  TensorScatterUpdate: same((to, { inputs: { tensor, indices, updates } }) => {
    const wide = to.node("Cast", [to.name(indices!)], { to: dataTypes.int64.code });
    return to.node("ScatterND", [to.name(tensor!), wide, to.name(updates!)]);
  }, "tensor"),
  Slice: {
    shape: ({ x }, attrs) => [like(x!, sliceOf(x!, attrs)[1])],
    write: (to, { inputs: { x }, attrs }) => {
      const [begin, size] = sliceOf(x!, attrs);
      const end = begin.map((first, axis) => first + size[axis]!);
      return to.node("Slice", [to.name(x!), to.int64(begin), to.int64(end)]);
    },
  },
  Concat: {
    shape: (inputs, { axis }) => {
      const parts = Object.values(inputs);
      const [along] = axesOf(parts[0]!, axis) as [number];
      const shape = [...parts[0]!.shape];
      shape[along] = parts.reduce((total, part) => total + part.shape[along]!, 0);
      return [like(parts[0]!, shape)];
    },
    write: (to, { inputs, attrs }) => {
      const parts = Object.values(inputs);
      const [axis] = axesOf(parts[0]!, attrs.axis) as [number];
      return to.node("Concat", parts.map((part) => to.name(part)), { axis });
    },
  },
  SplitV: {
    several: true,
    shape: ({ x }, { axis, numOrSizeSplits }) => {
      const [along] = axesOf(x!, axis) as [number];
      const info = { shape: [...x!.shape] } as tf.Tensor;
      return tf.backend_util.prepareSplitSize(info, numOrSizeSplits as number | number[], along)
        .map((part) => like(x!, x!.shape.map((size, axis) => axis === along ? part : size)));
    },
    write: (to, { inputs: { x }, attrs, outputs }) => {
      const [axis] = axesOf(x!, attrs.axis) as [number];
      const sizes = outputs.map(({ shape }) => shape[axis]!);
      const inputs = [to.name(x!), to.int64(sizes)];
      return to.nodeOf(sizes.length, { op: "Split", inputs, attributes: { axis } });
    },
  },
  Tile: {
    shape: ({ x }, { reps }) => [
      like(x!, x!.shape.map((size, i) => size * (reps as number[])[i]!)),
    ],
    write: (to, { inputs: { x }, attrs, outputs: [output] }) => {
      const reps = attrs.reps as number[];
      const broadcasts = reps.every((count, axis) => count === 1 || x!.shape[axis] === 1);
      return broadcasts
        ? to.node("Expand", [to.name(x!), to.int64(output!.shape)])
        : to.node("Tile", [to.name(x!), to.int64(reps)]);
    },
  },
  PadV2: {
    shape: ({ x }, { paddings }) => {
      const pairs = paddings as [number, number][];
      return [like(x!, x!.shape.map((size, i) => pairs[i]![0] + size + pairs[i]![1]))];
    },
    write: (to, { inputs: { x }, attrs: { paddings, constantValue } }) => {
      const pairs = paddings as [number, number][];
      const pads = [...pairs.map(([before]) => before), ...pairs.map(([, after]) => after)];
      return to.node("Pad", [to.name(x!), to.int64(pads), to.scalar(constantValue as number)]);
    },
  },

  RmsNorm: norm("SimplifiedLayerNormalization", 1),
  LayerNorm: norm("LayerNormalization", 2),
  Rotary: {
    several: true,
    shape: ({ x }) => [like(x!)],
    write: (to, { inputs: { x, cos, sin } }) => {
      const [batch, length, heads, size] = x!.shape as [number, number, number, number];
      const rows = to.name(x!, [batch, length, heads * size]);
      const names = [rows, to.int64([0]), to.name(cos!), to.name(sin!)];
      const dims = 2 * cos!.shape[1]!;
      const attributes: Record<string, Attribute> = dims < size
        ? { num_heads: heads, rotary_embedding_dim: dims }
        : {};
      const turned = to.node("RotaryEmbedding", names, attributes, microsoft);
      return to.node("Reshape", [turned, to.int64(x!.shape)]);
    },
  },
};

/** What `value` is with another shape, if it is the result of such a call. */
export function viewed({ step }: Value): Value | undefined {
  const input = step && kernels[step.kernel]!.view;
  return input === undefined ? undefined : step!.inputs[input];
}

export const sameShape = (a: Value, b: Value): boolean => a.shape.join() === b.shape.join();

const isResultOf = (kernel: string) => ({ step }: Value) => step?.kernel === kernel;

/** The axes an attribute names, none of them negative. */
function axesOf(value: Value, axis: tf.Attribute | undefined): number[] {
  return tf.util.parseAxisParam(axis as number | number[], [...value.shape]);
}

/** Where a Slice starts and what it takes, with −1 resolved. */
function sliceOf(x: Value, attrs: tf.NamedAttrMap): [begin: number[], size: number[]] {
  const info = { dataId: x, shape: [...x.shape], dtype: x.dtype, rank: x.shape.length };
  const [begin, size] = [attrs.begin, attrs.size] as (number | number[])[];
  return tf.slice_util.parseSliceParams(info, begin!, size) as [number[], number[]];
}

/** The value of a constant that is a single number. */
function scalarOf({ constant }: Value): number | undefined {
  return constant?.length === 1 ? constant[0] : undefined;
}

/** A matrix product times a number. */
function matMul(to: GraphBuilder, { inputs: { a, b }, attrs }: Step, alpha: number): string {
  const names = [to.name(a!), to.name(b!)] as const;
  const [transA, transB] = [attrs.transposeA ? 1 : 0, attrs.transposeB ? 1 : 0];
  const product = (x: string, y: string, transA = 0, transB = 0): string => {
    if (alpha === 1 && !transA && !transB) return to.node("MatMul", [x, y]);
    const attributes = { alpha: { float: alpha }, transA, transB };
    return to.node("FusedMatMul", [x, y], attributes, microsoft);
  };
  // A product that transposes its left side does so more than once. Where that side is tall, it is
  // faster done beforehand; still more so to the right side, which other products may share.
  if (transA && !transB && a!.shape.length === 2) {
    if (isTall(b!)) return to.transposed(product(to.transposed(names[1]), names[0]));
    if (isTall(a!)) return product(to.transposed(names[0]), names[1]);
  }
  return product(...names, transA, transB);
}

function isTall({ shape: [rows, columns] }: Value): boolean {
  return columns! <= 512 && rows! >= 4 * columns!;
}

/** Adds rows onto those of `onto`. Not by ScatterND, whose additions race where an index recurs. */
function segmentSum(
  to: GraphBuilder,
  { inputs: { x, segmentIds } }: Step,
  onto: string,
): string {
  const [rows, ...rest] = x!.shape as [number, ...number[]];
  const column = to.name(segmentIds!, [rows, ...rest.map(() => 1)]);
  const indices = to.node("Expand", [column, to.int64(x!.shape)]);
  const attributes = { axis: 0, reduction: "add" };
  return to.node("ScatterElements", [onto, indices, to.name(x!)], attributes);
}
