/**
 * The shapes and types of what tfjs kernels return, for every kernel that can be compiled.
 *
 * Besides tfjs's own kernels there are a few (RmsNorm, LayerNorm, Rotary) that only
 * the recorder has: functions that ONNX Runtime computes in one go, and that fall back to a
 * composition of tfjs kernels elsewhere. It knows nothing of how any of them is computed.
 *
 * @module
 */
import * as tf from "@tensorflow/tfjs-core";
import type { Value, ValueType } from "./trace.ts";

type Inputs = Readonly<Record<string, Value>>;

/** Works out the results of a kernel; `several` where tfjs expects a list of them. */
export interface ShapeRule {
  (inputs: Inputs, attrs: tf.NamedAttrMap): Value[];
  several?: boolean;
}

const like = (value: Value, shape: readonly number[] = value.shape): Value => ({
  shape,
  dtype: value.dtype,
});

/** One result with the shape and type of the only input, or of the input of that name. */
const same = (name = "x"): ShapeRule => (inputs) => [like(inputs[name]!)];

const binary = (dtype?: ValueType): ShapeRule => ({ a, b }) => [{
  shape: tf.broadcast_util.assertAndGetBroadcastShape([...a!.shape], [...b!.shape]),
  dtype: dtype ?? a!.dtype,
}];

const reduction = (axes: string): ShapeRule => ({ x }, attrs) => {
  const reduced = axesOf(x!, attrs[axes]);
  const kept = x!.shape.map((size, axis) => reduced.includes(axis) ? 1 : size);
  const shape = attrs.keepDims ? kept : x!.shape.filter((_, axis) => !reduced.includes(axis));
  return [like(x!, shape)];
};

/** The axes an attribute names, none of them negative. */
export function axesOf(value: Value, axis: tf.Attribute | undefined): number[] {
  return tf.util.parseAxisParam(axis as number | number[], [...value.shape]);
}

/** Where a Slice starts and what it takes, with −1 resolved. */
export function sliceOf(x: Value, attrs: tf.NamedAttrMap): [begin: number[], size: number[]] {
  const info = { dataId: x, shape: [...x.shape], dtype: x.dtype, rank: x.shape.length };
  return tf.slice_util.parseSliceParams(
    info,
    attrs.begin as number | number[],
    attrs.size as number | number[],
  ) as [number[], number[]];
}

/** The sizes of the parts of a SplitV. */
export function splitSizes(x: Value, attrs: tf.NamedAttrMap): number[] {
  const [axis] = axesOf(x, attrs.axis) as [number];
  const info = { shape: [...x.shape] } as tf.Tensor;
  return tf.backend_util.prepareSplitSize(
    info,
    attrs.numOrSizeSplits as number | number[],
    axis,
  );
}

const several = (rule: ShapeRule): ShapeRule => Object.assign(rule, { several: true });

/** By the name of the kernel. */
export const shapeRules: Readonly<Record<string, ShapeRule>> = {
  Identity: same(),
  Cast: ({ x }, { dtype }) => [{ shape: x!.shape, dtype: dtype as ValueType }],
  Reshape: ({ x }, { shape }) => [
    like(
      x!,
      tf.util.inferFromImplicitShape(shape as number[], tf.util.sizeFromShape([...x!.shape])),
    ),
  ],
  ExpandDims: ({ input }, { dim }) => {
    const shape = [...input!.shape];
    const axis = dim as number;
    shape.splice(axis < 0 ? shape.length + axis + 1 : axis, 0, 1);
    return [like(input!, shape)];
  },
  Transpose: ({ x }, { perm }) => [
    like(x!, (perm as number[]).map((axis) => x!.shape[axis]!)),
  ],

  Add: binary(),
  Sub: binary(),
  Multiply: binary(),
  RealDiv: binary(),
  Maximum: binary(),
  Minimum: binary(),
  Equal: binary("bool"),
  Greater: binary("bool"),
  GreaterEqual: binary("bool"),
  Less: binary("bool"),
  LessEqual: binary("bool"),
  LogicalAnd: binary("bool"),

  Neg: same(),
  Exp: same(),
  Log: same(),
  Sqrt: same(),
  Rsqrt: same(),
  Square: same(),
  Sigmoid: same(),
  Tanh: same(),
  Relu: same(),
  Erf: same(),
  ClipByValue: same(),
  ZerosLike: same(),
  Softmax: same("logits"),
  Select: same("t"),

  Sum: reduction("axis"),
  Mean: reduction("axis"),
  Max: reduction("reductionIndices"),

  BatchMatMul: ({ a, b }, { transposeA, transposeB }) => {
    const batch = tf.broadcast_util.assertAndGetBroadcastShape(
      a!.shape.slice(0, -2),
      b!.shape.slice(0, -2),
    );
    return [
      like(a!, [...batch, a!.shape.at(transposeA ? -1 : -2)!, b!.shape.at(transposeB ? -2 : -1)!]),
    ];
  },
  GatherV2: ({ x, indices }, { axis, batchDims }) => {
    if (batchDims) throw new Error(`Expected tf.gather with batchDims 0, but found ${batchDims}.`);
    const [along] = axesOf(x!, axis) as [number];
    const { shape } = x!;
    return [like(x!, [...shape.slice(0, along), ...indices!.shape, ...shape.slice(along + 1)])];
  },
  UnsortedSegmentSum: ({ x }, { numSegments }) => [
    like(x!, [numSegments as number, ...x!.shape.slice(1)]),
  ],
  TensorScatterUpdate: same("tensor"),
  Slice: ({ x }, attrs) => [like(x!, sliceOf(x!, attrs)[1])],
  Concat: (inputs, { axis }) => {
    const parts = Object.values(inputs);
    const [along] = axesOf(parts[0]!, axis) as [number];
    const shape = [...parts[0]!.shape];
    shape[along] = parts.reduce((total, part) => total + part.shape[along]!, 0);
    return [like(parts[0]!, shape)];
  },
  SplitV: several(({ x }, attrs) => {
    const [along] = axesOf(x!, attrs.axis) as [number];
    return splitSizes(x!, attrs).map((part) =>
      like(x!, x!.shape.map((size, axis) => axis === along ? part : size))
    );
  }),
  Tile: ({ x }, { reps }) => [like(x!, x!.shape.map((size, i) => size * (reps as number[])[i]!))],
  PadV2: ({ x }, { paddings }) => [
    like(
      x!,
      x!.shape.map((size, i) => {
        const [before, after] = (paddings as [number, number][])[i]!;
        return before + size + after;
      }),
    ),
  ],

  RmsNorm: several(({ x }) => [like(x!), like(x!, [x!.shape[0]!, 1])]),
  LayerNorm: several(({ x }) => {
    const row = [x!.shape[0]!, 1];
    return [like(x!), like(x!, row), like(x!, row)];
  }),
  Rotary: several(same()),
};
