/**
 * What each tfjs kernel is in ONNX. It knows nothing of the order in which nodes are written, nor of
 * which are needed.
 *
 * @module
 */
import type { NamedAttrMap } from "@tensorflow/tfjs-core";
import type { Lowering } from "./lower.ts";
import type { Attribute } from "./onnx.ts";
import { axesOf, sliceOf, splitSizes } from "./shapes.ts";
import type { Step, Value } from "./trace.ts";

/** Writes the nodes of one kernel call and says which names hold its results. */
type Rule = (to: Lowering, step: Step) => void;

type Inputs = Readonly<Record<string, Value>>;

/** A rule for a kernel with one result. */
const one =
  (write: (to: Lowering, inputs: Inputs, attrs: NamedAttrMap, step: Step) => string): Rule =>
  (to, step) => to.set(step.outputs[0]!, write(to, step.inputs, step.attrs, step));

/** A rule for a kernel that is one ONNX operator of the same inputs, in their order. */
const plain = (op: string): Rule =>
  one((to, inputs) => to.node(op, Object.values(inputs).map((value) => to.name(value))));

const reduce = (op: string, axes: string): Rule =>
  one((to, { x }, attrs) =>
    to.node(op, [to.name(x!), to.int64(axesOf(x!, attrs[axes]))], {
      keepdims: attrs.keepDims ? 1 : 0,
    })
  );

const onnxTypes = { float32: 1, int32: 6, bool: 9 } as const;
const microsoft = "com.microsoft";

/** By the name of the kernel. */
export const rules: Readonly<Record<string, Rule>> = {
  Cast: one((to, { x }, { dtype }) =>
    x!.dtype === dtype
      ? to.name(x!)
      : to.node("Cast", [to.name(x!)], { to: onnxTypes[dtype as Value["dtype"]] })
  ),
  Transpose: one((to, { x }, { perm }) =>
    to.node("Transpose", [to.name(x!)], { perm: { ints: perm as number[] } })
  ),

  Add: one((to, { a, b }, _attrs, step) => {
    const sum = to.absorbedBy(step);
    if (!sum) return to.node("Add", [to.name(a!), to.name(b!)]);
    return segmentSum(to, sum, to.name(a!.step === sum ? b! : a!));
  }),
  Sub: plain("Sub"),
  Multiply: one((to, { a, b }, _attrs, step) => {
    const product = to.absorbedBy(step);
    if (!product) return to.node("Mul", [to.name(a!), to.name(b!)]);
    return matMul(to, product, scalarOf(a!) ?? scalarOf(b!)!);
  }),
  RealDiv: plain("Div"),
  Maximum: plain("Max"),
  Minimum: plain("Min"),
  Equal: plain("Equal"),
  Greater: plain("Greater"),
  GreaterEqual: plain("GreaterOrEqual"),
  Less: plain("Less"),
  LessEqual: plain("LessOrEqual"),
  LogicalAnd: plain("And"),

  Neg: plain("Neg"),
  Exp: plain("Exp"),
  Log: plain("Log"),
  Sqrt: plain("Sqrt"),
  Rsqrt: one((to, { x }) => to.node("Reciprocal", [to.node("Sqrt", [to.name(x!)])])),
  Square: one((to, { x }) => to.node("Mul", [to.name(x!), to.name(x!)])),
  Sigmoid: plain("Sigmoid"),
  Tanh: plain("Tanh"),
  Relu: plain("Relu"),
  Erf: plain("Erf"),
  ClipByValue: one((to, { x }, { clipValueMin, clipValueMax }) =>
    to.node("Clip", [
      to.name(x!),
      to.scalar(clipValueMin as number),
      to.scalar(clipValueMax as number),
    ])
  ),
  ZerosLike: one((to, { x }) => to.node("Expand", [to.scalar(0), to.int64(x!.shape)])),
  Softmax: one((to, { logits }, { dim }) =>
    to.node("Softmax", [to.name(logits!)], { axis: dim as number })
  ),
  Select: plain("Where"),

  Sum: reduce("ReduceSum", "axis"),
  Mean: reduce("ReduceMean", "axis"),
  Max: reduce("ReduceMax", "reductionIndices"),

  BatchMatMul: one((to, _inputs, _attrs, step) => matMul(to, step, 1)),
  GatherV2: one((to, { x, indices }, { axis }) =>
    to.node("Gather", [to.name(x!), to.name(indices!)], { axis: axis as number })
  ),
  UnsortedSegmentSum: one((to, { x }, { numSegments }, step) => {
    const shape = to.int64([numSegments as number, ...x!.shape.slice(1)]);
    return segmentSum(to, step, to.node("Expand", [to.scalar(0), shape]));
  }),
  TensorScatterUpdate: one((to, { tensor, indices, updates }) => {
    const wide = to.node("Cast", [to.name(indices!)], { to: 7 });
    return to.node("ScatterND", [to.name(tensor!), wide, to.name(updates!)]);
  }),
  Slice: one((to, { x }, attrs) => {
    const [begin, size] = sliceOf(x!, attrs);
    const end = begin.map((first, axis) => first + size[axis]!);
    return to.node("Slice", [to.name(x!), to.int64(begin), to.int64(end)]);
  }),
  Concat: plainAlong("Concat"),
  SplitV: (to, { inputs: { x }, attrs, outputs }) => {
    const sizes = splitSizes(x!, attrs);
    const [axis] = axesOf(x!, attrs.axis) as [number];
    const parts = to.nodeOf(sizes.length, "Split", [to.name(x!), to.int64(sizes)], { axis });
    parts.forEach((part, i) => to.set(outputs[i]!, part));
  },
  Tile: one((to, { x }, { reps }) => {
    const times = reps as number[];
    const broadcasts = times.every((count, axis) => count === 1 || x!.shape[axis] === 1);
    return broadcasts
      ? to.node("Expand", [to.name(x!), to.int64(x!.shape.map((size, i) => size * times[i]!))])
      : to.node("Tile", [to.name(x!), to.int64(times)]);
  }),
  PadV2: one((to, { x }, { paddings, constantValue }) => {
    const pairs = paddings as [number, number][];
    const pads = to.int64([...pairs.map(([before]) => before), ...pairs.map(([, after]) => after)]);
    return to.node("Pad", [to.name(x!), pads, to.scalar(constantValue as number)]);
  }),

  RmsNorm: (to, { inputs: { x, weight }, attrs, outputs }) => {
    const attributes = { axis: -1, epsilon: { float: attrs.eps as number } };
    const names = [to.name(x!), to.name(weight!)];
    to.nodeOf(2, "SimplifiedLayerNormalization", names, attributes)
      .forEach((name, i) => to.set(outputs[i]!, name));
  },
  LayerNorm: (to, { inputs: { x, scale, shift }, attrs, outputs }) => {
    const attributes = { axis: -1, epsilon: { float: attrs.eps as number } };
    const names = [to.name(x!), to.name(scale!), to.name(shift!)];
    to.nodeOf(3, "LayerNormalization", names, attributes)
      .forEach((name, i) => to.set(outputs[i]!, name));
  },
  Rotary: one((to, { x, cos, sin }) => {
    const [batch, length, heads, size] = x!.shape as [number, number, number, number];
    const rows = to.name(x!, [batch, length, heads * size]);
    const names = [rows, to.int64([0]), to.name(cos!), to.name(sin!)];
    const dims = 2 * cos!.shape[1]!;
    const attributes: Record<string, Attribute> = dims < size
      ? { num_heads: heads, rotary_embedding_dim: dims }
      : {};
    const turned = to.node("RotaryEmbedding", names, attributes, microsoft);
    return to.node("Reshape", [turned, to.int64(x!.shape)]);
  }),
};

/**
 * The input whose step is better computed as a part of this one, for the kernels that may have such
 * an input. It is, unless something else needs the result as well.
 */
export const absorptions: Readonly<Record<string, (step: Step) => Value | undefined>> = {
  Add: ({ inputs: { a, b } }) =>
    a!.shape.join() === b!.shape.join()
      ? [a!, b!].find((value) => value.step?.kernel === "UnsortedSegmentSum")
      : undefined,
  Multiply: ({ inputs: { a, b } }) =>
    scalarOf(a!) === undefined && scalarOf(b!) === undefined
      ? undefined
      : [a!, b!].find((value) => value.step?.kernel === "BatchMatMul"),
};

/** The value of a constant that is a single number. */
function scalarOf({ constant }: Value): number | undefined {
  return constant?.length === 1 ? constant[0] : undefined;
}

/** A matrix product times a number. */
function matMul(to: Lowering, { inputs: { a, b }, attrs }: Step, alpha: number): string {
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
    if (isTall(b!)) return transposed(to, product(transposed(to, names[1]), names[0]));
    if (isTall(a!)) return product(transposed(to, names[0]), names[1]);
  }
  return product(...names, transA, transB);
}

function isTall({ shape: [rows, columns] }: Value): boolean {
  return columns! <= 512 && rows! >= 4 * columns!;
}

/** A matrix transposed, once for all that use it. */
function transposed(to: Lowering, name: string): string {
  return to.share(
    `${name} transposed`,
    () => to.node("Transpose", [name], { perm: { ints: [1, 0] } }),
  );
}

/** Adds rows onto those of `onto`. Not by ScatterND, whose additions race where an index recurs. */
function segmentSum(to: Lowering, { inputs: { x, segmentIds } }: Step, onto: string): string {
  const [rows, ...rest] = x!.shape as [number, ...number[]];
  const column = to.name(segmentIds!, [rows, ...rest.map(() => 1)]);
  const indices = to.node("Expand", [column, to.int64(x!.shape)]);
  const attributes = { axis: 0, reduction: { string: "add" } };
  return to.node("ScatterElements", [onto, indices, to.name(x!)], attributes);
}

function plainAlong(op: string): Rule {
  return one((to, inputs, { axis }) => {
    const parts = Object.values(inputs);
    const [along] = axesOf(parts[0]!, axis) as [number];
    return to.node(op, parts.map((part) => to.name(part)), { axis: along });
  });
}
