/**
 * The building blocks of a decoder, in tfjs core ops, each with its gradient written out.
 *
 * The gradients are by hand because they need fewer passes over memory, and keep fewer tensors,
 * than those tfjs would derive. Where the active backend has a kernel of the block's name (the
 * compiled engine's recorder has), that runs in place of the composition. Nothing here knows of
 * configs or parameter names.
 *
 * @module
 */
import * as tf from "@tensorflow/tfjs-core";

type Gradient = (dy: tf.Tensor, saved: tf.Tensor[]) => tf.Tensor[];

/**
 * A function of tensors with a gradient of its own. `forward` returns its value and the tensors that
 * `gradient` will read; the gradient returns one tensor for each of `inputs`.
 */
export function withGradient<T extends tf.Tensor>(
  inputs: tf.Tensor[],
  forward: () => { value: tf.Tensor; saved: tf.Tensor[] },
  gradient: Gradient,
): T {
  // tfjs declares the arguments of a customGrad function as tensors only; its last one is `save`.
  const run = tf.customGrad(
    ((...args: unknown[]) => {
      const { value, saved } = forward();
      (args[inputs.length] as tf.GradSaveFunc)(saved);
      return { value, gradFunc: gradient };
    }) as unknown as Parameters<typeof tf.customGrad>[0],
  );
  return run(...inputs) as T;
}

/** Runs the kernel `name` if the active backend has it, and the composition otherwise. */
function kernelOr(
  name: string,
  inputs: Record<string, tf.Tensor>,
  attrs: tf.NamedAttrMap,
  compose: () => tf.Tensor[],
): tf.Tensor[] {
  if (!tf.getKernel(name, tf.getBackend())) return compose();
  return tf.engine().runKernel(name, inputs, attrs) as unknown as tf.Tensor[];
}

/**
 * RMSNorm over the last axis, u · weight with u = x / √(mean x² + eps) (Zhang and Sennrich 2019).
 *
 * @param x [N, D]
 * @param weight [D]
 */
export function rmsNorm(x: tf.Tensor2D, weight: tf.Tensor1D, eps: number): tf.Tensor2D {
  const forward = () => {
    const [value, inverse] = kernelOr("RmsNorm", { x, weight }, { eps }, () => {
      const inverse = tf.rsqrt(tf.add(tf.mean(tf.square(x), -1, true), eps));
      return [tf.mul(tf.mul(x, inverse), weight), inverse];
    });
    return { value: value!, saved: [x, weight, inverse!] };
  };
  // With r = u / x: dw = Σ r·dy·x over the rows, dx = r·(dy·w) − r³·mean(dy·w·x)·x. The sums are
  // matrix products, so that dy·x is all they need.
  return withGradient([x, weight], forward, (dy, [x, weight, inverse]) => {
    const product = tf.mul(dy, x!) as tf.Tensor2D;
    const mean = tf.matMul(product, tf.reshape(tf.div(weight!, weight!.size), [-1, 1]));
    const cube = tf.mul(tf.square(inverse!), inverse!);
    const dx = tf.sub(tf.mul(tf.mul(dy, weight!), inverse!), tf.mul(x!, tf.mul(mean, cube)));
    const dw = tf.matMul(inverse as tf.Tensor2D, product, true, false);
    return [dx, tf.reshape(dw, [weight!.size])];
  });
}

/**
 * LayerNorm over the last axis, u · weight + bias with u = (x − mean) / √(variance + eps), or just
 * u where weight and bias are null (Ba, Kiros and Hinton 2016).
 *
 * @param x [N, D]
 * @param weight [D] or null
 * @param bias [D] or null, as the weight is
 */
export function layerNorm(
  x: tf.Tensor2D,
  weight: tf.Tensor1D | null,
  bias: tf.Tensor1D | null,
  eps: number,
): tf.Tensor2D {
  const scale = weight ?? tf.ones([x.shape[1]]);
  const shift = bias ?? tf.zeros([x.shape[1]]);
  const forward = () => {
    const [value, mean, inverse] = kernelOr("LayerNorm", { x, scale, shift }, { eps }, () => {
      const mean = tf.mean(x, -1, true);
      const centred = tf.sub(x, mean);
      const inverse = tf.rsqrt(tf.add(tf.mean(tf.square(centred), -1, true), eps));
      return [tf.add(tf.mul(tf.mul(centred, inverse), scale), shift), mean, inverse];
    });
    return { value: value!, saved: [x, scale, mean!, inverse!] };
  };
  // dx = r (g − mean g − u · mean(g·u)) with g = w·dy
  return withGradient([x, scale, shift], forward, (dy, [x, scale, mean, inverse]) => {
    const unit = tf.mul(tf.sub(x!, mean!), inverse!);
    const product = tf.mul(dy, unit) as tf.Tensor2D;
    const column = tf.reshape(tf.div(scale!, scale!.size), [-1, 1]);
    const meanOfG = tf.matMul(dy as tf.Tensor2D, column);
    const meanOfGu = tf.matMul(product, column);
    const dx = tf.sub(tf.sub(tf.mul(dy, scale!), meanOfG), tf.mul(unit, meanOfGu));
    return [tf.mul(dx, inverse!), tf.sum(product, 0), tf.sum(dy, 0)];
  });
}

/**
 * Rotary position embedding: turns the pair (x[i], x[i + R]) at position t by the angle whose
 * cosine and sine stand at [t, i]; dimensions from 2R on pass through (Su et al. 2021).
 *
 * @param x [B, T, H, E]
 * @param cos [T, R]
 * @param sin [T, R]
 */
export function rotary(x: tf.Tensor4D, cos: tf.Tensor2D, sin: tf.Tensor2D): tf.Tensor4D {
  const turn = (x: tf.Tensor, cos: tf.Tensor, sin: tf.Tensor) =>
    kernelOr("Rotary", { x, cos, sin }, {}, () => {
      const [length, half] = cos.shape as [number, number];
      const [first, second, rest] = tf.split(x, [half, half, x.shape[3]! - 2 * half], 3);
      const c = tf.reshape(cos, [1, length, 1, half]);
      const s = tf.reshape(sin, [1, length, 1, half]);
      return [tf.concat([
        tf.sub(tf.mul(first!, c), tf.mul(second!, s)),
        tf.add(tf.mul(second!, c), tf.mul(first!, s)),
        rest!,
      ], 3)];
    })[0]!;
  const forward = () => ({ value: turn(x, cos, sin), saved: [cos, sin] });
  // The inverse of a rotation is its transpose.
  return withGradient([x], forward, (dy, [cos, sin]) => [turn(dy, cos!, tf.neg(sin!))]);
}

/** SwiGLU's product, silu(gate) · up with silu(x) = x · σ(x) (Shazeer 2020). Any one shape. */
export function gatedSilu<T extends tf.Tensor>(gate: T, up: T): T {
  const forward = () => {
    const value = tf.mul(tf.mul(gate, tf.sigmoid(gate)), up);
    return { value, saved: [gate, up, value] };
  };
  // silu′ = σ + silu · (1 − σ), hence dgate = dy · up · silu′ = dy · (y + σ · (up − y)). σ and silu are
  // computed again: kept, they would take as much memory as all else that is kept of an MLP.
  return withGradient([gate, up], forward, (dy, [gate, up, y]) => {
    const sigmoid = tf.sigmoid(gate!);
    return [
      tf.mul(dy, tf.add(y!, tf.mul(sigmoid, tf.sub(up!, y!)))),
      tf.mul(dy, tf.mul(gate!, sigmoid)),
    ];
  });
}

/** silu, the exact gelu (with erf), its tanh approximation, or relu. */
export function activate(
  x: tf.Tensor2D,
  kind: "silu" | "gelu" | "gelu_tanh" | "relu",
): tf.Tensor2D {
  switch (kind) {
    case "silu":
      return tf.mul(x, tf.sigmoid(x));
    case "gelu":
      return tf.mul(tf.mul(x, 0.5), tf.add(1, tf.erf(tf.mul(x, Math.SQRT1_2))));
    case "gelu_tanh": {
      const cubic = tf.add(x, tf.mul(tf.mul(tf.square(x), x), 0.044715));
      return tf.mul(tf.mul(x, 0.5), tf.add(1, tf.tanh(tf.mul(cubic, Math.sqrt(2 / Math.PI)))));
    }
    case "relu":
      return tf.relu(x);
  }
}
