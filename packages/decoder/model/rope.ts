/**
 * The angles of the rotary position embedding.
 *
 * It knows nothing of tensors: plain arrays, the same for every way of running a model.
 *
 * @module
 */
import type { ModelConfig } from "./config.ts";

/**
 * How fast each pair of dimensions turns, in radians a position, [dims / 2]. With `llama3` scaling,
 * slow pairs turn slower by its factor, fast ones as they are, and those between in proportion.
 */
function rotaryFrequencies({ theta, dims, scaling }: ModelConfig["rope"]): Float32Array {
  return Float32Array.from({ length: dims / 2 }, (_, i) => {
    // Rounded to float32 on the way, as Hugging Face does.
    const frequency = Math.fround(1 / Math.fround(theta ** Math.fround(2 * i / dims)));
    if (!scaling) return frequency;
    const { factor, lowFrequencyFactor: low, highFrequencyFactor: high } = scaling;
    const turns = scaling.originalContext * frequency / (2 * Math.PI);
    const share = Math.min(1, Math.max(0, (turns - low) / (high - low)));
    return frequency * (share + (1 - share) / factor);
  });
}

/**
 * Cosines and sines of the angles at positions 0 … length − 1, each [length, dims / 2] row-major.
 *
 * @example const { cos, sin } = rotaryTables(config.rope, config.contextLength);
 */
export function rotaryTables(
  rope: ModelConfig["rope"],
  length: number,
): { cos: Float32Array; sin: Float32Array } {
  const frequencies = rotaryFrequencies(rope);
  const cos = new Float32Array(length * frequencies.length);
  const sin = new Float32Array(cos.length);
  for (let position = 0; position < length; position++) {
    frequencies.forEach((frequency, i) => {
      const angle = Math.fround(position * frequency);
      cos[position * frequencies.length + i] = Math.cos(angle);
      sin[position * frequencies.length + i] = Math.sin(angle);
    });
  }
  return { cos, sin };
}
