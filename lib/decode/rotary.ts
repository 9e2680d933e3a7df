/**
 * Cosines and sines of rotary position embeddings (RoFormer, arXiv 2104.09864), as tables.
 *
 * Knows the frequencies and `llama3` scaling; does not know what is rotated by them.
 */
import type { ModelConfig } from "../model/config.ts";

/** Tables [positions, dims / 2], row-major. */
export interface RotaryTables {
  readonly cos: Float32Array;
  readonly sin: Float32Array;
}

/**
 * The tables for `positions` positions.
 *
 * @example rotaryTables({ theta: 10000, dims: 4, scaling: null }, 2).cos // [1, 1, 0.5403, 0.99995]
 */
export function rotaryTables(rope: ModelConfig["rope"], positions: number): RotaryTables {
  const half = rope.dims / 2;
  const frequencies = Float32Array.from(
    { length: half },
    (_, i) => scale(1 / rope.theta ** (2 * i / rope.dims), rope.scaling),
  );
  const cos = new Float32Array(positions * half), sin = new Float32Array(positions * half);
  for (let position = 0; position < positions; position++) {
    for (let i = 0; i < half; i++) {
      // The reference computes the angle in float32; at large positions that is visible.
      const angle = Math.fround(position * frequencies[i]!);
      cos[position * half + i] = Math.cos(angle);
      sin[position * half + i] = Math.sin(angle);
    }
  }
  return { cos, sin };
}

/** `llama3` scaling: long wavelengths are stretched, short ones kept, those between blended. */
function scale(frequency: number, scaling: ModelConfig["rope"]["scaling"]): number {
  if (!scaling) return frequency;
  const { factor, lowFrequencyFactor: low, highFrequencyFactor: high, originalContext } = scaling;
  const turns = originalContext * frequency / (2 * Math.PI);
  if (turns < low) return frequency / factor;
  if (turns > high) return frequency;
  const share = (turns - low) / (high - low);
  return (1 - share) * frequency / factor + share * frequency;
}
