/** The update of a low-rank adapter (LoRA, Hu et al. 2021), added to the weights it is of. */
import type { Parameter } from "./parameters.ts";

/**
 * W + scale · B A.
 *
 * @param weight W [out, in]
 * @param a A [rank, in]
 * @param b B [out, rank]
 * @returns new values, row-major
 * @example addLowRank(weight, a, b, alpha / rank)
 */
export function addLowRank(
  weight: Parameter,
  a: Parameter,
  b: Parameter,
  scale: number,
): Float32Array {
  const [rank, into] = a.shape as [number, number];
  const sum = weight.data.slice();
  const [left, right] = [b.data, a.data]; // read once where they have stayed in their file
  for (let row = 0; row < weight.shape[0]!; row++) {
    for (let r = 0; r < rank; r++) {
      const factor = scale * left[row * rank + r]!;
      if (factor === 0) continue;
      for (let column = 0; column < into; column++) {
        sum[row * into + column]! += factor * right[r * into + column]!;
      }
    }
  }
  return sum;
}
