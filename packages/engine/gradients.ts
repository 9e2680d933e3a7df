/**
 * Gradients of the tfjs kernels that this project's functions use.
 *
 * The CommonJS build of tfjs-core, which Deno and Node load, registers none. `registerGradients`
 * adds those that are missing and leaves any that another build has registered. It knows nothing of
 * models, and needs no backend.
 *
 * The gradients of sums and means are broadcasts: they never multiply by a tensor of ones.
 *
 * @module
 */
import * as tf from "@tensorflow/tfjs-core";

type Gradient = Omit<tf.GradConfig, "kernelName" | "gradFunc"> & {
  /** `dy` is the gradient of the only output. */
  gradient: (dy: tf.Tensor, saved: tf.Tensor[], attrs: tf.NamedAttrMap) => ReturnType<tf.GradFunc>;
};

/** Sums `dy` over the axes along which `x` was broadcast, so that it has the shape of `x`. */
function unbroadcast(dy: tf.Tensor, shape: number[]): tf.Tensor {
  const axes = tf.broadcast_util.getReductionAxes(shape, dy.shape);
  return axes.length === 0 ? tf.reshape(dy, shape) : tf.reshape(tf.sum(dy, axes), shape);
}

/** The shape of `shape` after a reduction over `axes` that keeps its dimensions. */
function keptShape(shape: number[], axes: number[]): number[] {
  return shape.map((size, axis) => axes.includes(axis) ? 1 : size);
}

/** Spreads the gradient of a reduction back over the axes that were reduced. */
function spread(dy: tf.Tensor, shape: number[], axis: tf.Attribute | undefined): tf.Tensor {
  const axes = tf.util.parseAxisParam(axis as number | number[], shape);
  return tf.broadcastTo(tf.reshape(dy, keptShape(shape, axes)), shape);
}

/** The gradient of an elementwise function of `x`, from its derivative at the saved tensor. */
function elementwise(
  save: "input" | "output",
  derivative: (dy: tf.Tensor, saved: tf.Tensor) => tf.Tensor,
): Gradient {
  return {
    ...(save === "input" ? { inputsToSave: ["x"] } : { outputsToSave: [true] }),
    gradient: (dy, [saved]) => ({ x: () => derivative(dy, saved!) }),
  };
}

type OfTwo = (dy: tf.Tensor, a: tf.Tensor, b: tf.Tensor) => tf.Tensor;

/** The gradient of an elementwise function of two tensors that may be broadcast. */
function binary(da: OfTwo, db: OfTwo): Gradient {
  return {
    inputsToSave: ["a", "b"],
    gradient: (dy, [a, b]) => ({
      a: () => unbroadcast(da(dy, a!, b!), a!.shape),
      b: () => unbroadcast(db(dy, a!, b!), b!.shape),
    }),
  };
}

/** The gradient of choosing the larger or the smaller of two: ties give all of it to `a`. */
function choice(prefersA: (a: tf.Tensor, b: tf.Tensor) => tf.Tensor): Gradient {
  const mask = (a: tf.Tensor, b: tf.Tensor) => tf.cast(prefersA(a, b), "float32");
  return binary(
    (dy, a, b) => tf.mul(dy, mask(a, b)),
    (dy, a, b) => tf.mul(dy, tf.sub(1, mask(a, b))),
  );
}

/** The gradient of a function that changes the shape of `input` alone. */
function reshaped(input: string): Gradient {
  return {
    inputsToSave: [input],
    gradient: (dy, [x]) => ({ [input]: () => tf.reshape(dy, x!.shape) }),
  };
}

/** tf.matMul for operands whose leading (batch) dimensions may broadcast. */
function product(a: tf.Tensor, b: tf.Tensor, shape: number[], ta: boolean, tb: boolean): tf.Tensor {
  return unbroadcast(tf.matMul(a, b, ta, tb), shape);
}

const TWO_OVER_ROOT_PI = 2 / Math.sqrt(Math.PI);

const gradients: Record<string, Gradient> = {
  Identity: { gradient: (dy) => ({ x: () => dy }) },
  Cast: { gradient: (dy) => ({ x: () => dy }) },
  Reshape: reshaped("x"),
  ExpandDims: reshaped("input"),
  Transpose: {
    gradient: (dy, _saved, { perm }) => ({
      x: () => tf.transpose(dy, tf.backend_util.getUndoAxesPermutation(perm as number[])),
    }),
  },

  Add: binary((dy) => dy, (dy) => dy),
  Sub: binary((dy) => dy, (dy) => tf.neg(dy)),
  Multiply: binary((dy, _, b) => tf.mul(dy, b), (dy, a) => tf.mul(dy, a)),
  RealDiv: binary(
    (dy, _, b) => tf.div(dy, b),
    (dy, a, b) => tf.neg(tf.div(tf.mul(dy, tf.div(a, b)), b)),
  ),
  Maximum: choice((a, b) => tf.greaterEqual(a, b)),
  Minimum: choice((a, b) => tf.lessEqual(a, b)),
  Select: {
    inputsToSave: ["condition"],
    gradient: (dy, [condition]) => ({
      t: () => tf.where(condition!, dy, tf.zerosLike(dy)),
      e: () => tf.where(condition!, tf.zerosLike(dy), dy),
    }),
  },

  Neg: { gradient: (dy) => ({ x: () => tf.neg(dy) }) },
  Exp: elementwise("output", (dy, y) => tf.mul(dy, y)),
  Log: elementwise("input", (dy, x) => tf.div(dy, x)),
  Sqrt: elementwise("output", (dy, y) => tf.div(dy, tf.mul(y, 2))),
  Rsqrt: elementwise("output", (dy, y) => tf.mul(dy, tf.mul(tf.mul(tf.square(y), y), -0.5))),
  Square: elementwise("input", (dy, x) => tf.mul(dy, tf.mul(x, 2))),
  Sigmoid: elementwise("output", (dy, y) => tf.mul(dy, tf.mul(y, tf.sub(1, y)))),
  Tanh: elementwise("output", (dy, y) => tf.mul(dy, tf.sub(1, tf.square(y)))),
  Relu: elementwise("output", (dy, y) => tf.mul(dy, tf.cast(tf.greater(y, 0), "float32"))),
  Erf: elementwise(
    "input",
    (dy, x) => tf.mul(dy, tf.mul(tf.exp(tf.neg(tf.square(x))), TWO_OVER_ROOT_PI)),
  ),
  ClipByValue: {
    inputsToSave: ["x"],
    gradient: (dy, [x], { clipValueMin, clipValueMax }) => ({
      x: () => {
        const [least, most] = [clipValueMin as number, clipValueMax as number];
        const inside = tf.logicalAnd(tf.greaterEqual(x!, least), tf.lessEqual(x!, most));
        return tf.mul(dy, tf.cast(inside, "float32"));
      },
    }),
  },

  Sum: {
    inputsToSave: ["x"],
    gradient: (dy, [x], { axis }) => ({ x: () => spread(dy, x!.shape, axis) }),
  },
  Mean: {
    inputsToSave: ["x"],
    gradient: (dy, [x], { axis }) => ({
      x: () => spread(tf.mul(dy, dy.size / x!.size), x!.shape, axis),
    }),
  },
  Max: {
    inputsToSave: ["x"],
    outputsToSave: [true],
    gradient: (dy, [x, y], { reductionIndices }) => ({
      x: () => {
        const axes = tf.util.parseAxisParam(reductionIndices as number | number[], x!.shape);
        const kept = keptShape(x!.shape, axes);
        const mask = tf.cast(tf.equal(x!, tf.reshape(y!, kept)), "float32");
        return tf.mul(tf.reshape(dy, kept), mask);
      },
    }),
  },
  Tile: {
    inputsToSave: ["x"],
    gradient: (dy, [x], { reps }) => ({
      x: () => {
        const pairs = (reps as number[]).flatMap((times, axis) => [times, x!.shape[axis]!]);
        const repeats = (reps as number[]).map((_, axis) => 2 * axis);
        return tf.reshape(tf.sum(tf.reshape(dy, pairs), repeats), x!.shape);
      },
    }),
  },
  Softmax: {
    outputsToSave: [true],
    gradient: (dy, [y]) => ({
      logits: () => {
        const weighted = tf.mul(dy, y!);
        return tf.sub(weighted, tf.mul(tf.sum(weighted, -1, true), y!));
      },
    }),
  },
  BatchMatMul: {
    inputsToSave: ["a", "b"],
    gradient: (dy, [a, b], { transposeA, transposeB }) => ({
      a: () =>
        transposeA
          ? product(b!, dy, a!.shape, !!transposeB, true)
          : product(dy, b!, a!.shape, false, !transposeB),
      b: () =>
        transposeB
          ? product(dy, a!, b!.shape, true, !!transposeA)
          : product(a!, dy, b!.shape, !transposeA, false),
    }),
  },
  GatherV2: {
    inputsToSave: ["x", "indices"],
    gradient: (dy, [x, indices], { axis, batchDims }) => ({
      x: () => {
        if (tf.util.parseAxisParam(axis as number, x!.shape)[0] !== 0 || batchDims !== 0) {
          throw new Error(
            `Expected tf.gather along axis 0 where a gradient is taken, but found axis ${axis}, ` +
              `batchDims ${batchDims}. Transpose the tensor first.`,
          );
        }
        const [rows, ...rest] = x!.shape as [number, ...number[]];
        const updates = tf.reshape(dy, [indices!.size, ...rest]);
        const segments = tf.reshape(indices!, [indices!.size]) as tf.Tensor1D;
        return tf.unsortedSegmentSum(updates, segments, rows);
      },
    }),
  },
  Slice: {
    inputsToSave: ["x"],
    gradient: (dy, [x], { begin, size }) => ({
      x: () => {
        const given = [begin, size] as (number | number[])[];
        const [from, sizes] = tf.slice_util.parseSliceParams(x!, given[0]!, given[1]!);
        const after = (axis: number) => x!.shape[axis]! - from![axis]! - sizes![axis]!;
        return tf.pad(dy, from!.map((first, axis) => [first, after(axis)]));
      },
    }),
  },
  Concat: {
    saveAllInputs: true,
    gradient: (dy, saved, { axis }) => {
      const along = tf.util.parseAxisParam(axis as number, saved[0]!.shape)[0]!;
      const sizes = saved.map((x) => x.shape[along]!);
      const parts = tf.split(dy, sizes, along);
      return Object.fromEntries(parts.map((part, i) => [i, () => part]));
    },
  },
};

/** SplitV has as many outputs as it has parts, so its `dy` is a list. */
const split: tf.GradConfig = {
  kernelName: "SplitV",
  gradFunc: (dy, _saved, { axis }) => ({ x: () => tf.concat(dy as tf.Tensor[], axis as number) }),
};

/** The names of the kernels whose gradients this module brings. */
export const gradientNames: readonly string[] = [...Object.keys(gradients), split.kernelName];

/**
 * Registers every gradient of this module that no other tfjs build has registered. May be called
 * any number of times.
 *
 * @example registerGradients(); tf.grad((x) => tf.square(x))(tf.scalar(3)); // 6
 */
export function registerGradients(): void {
  for (const [kernelName, { gradient, ...saves }] of Object.entries(gradients)) {
    if (tf.getGradient(kernelName)) continue;
    tf.registerGradient({
      kernelName,
      ...saves,
      gradFunc: (dy, saved, attrs) => gradient(dy as tf.Tensor, saved, attrs),
    });
  }
  if (!tf.getGradient(split.kernelName)) tf.registerGradient(split);
}
