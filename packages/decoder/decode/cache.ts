/**
 * The key/value cache of a batch: one buffer a layer and kind, [rows, kvHeads, capacity, headDim],
 * read and written in place.
 *
 * Knows where rows lie; does not know what is in them.
 */
import type { OrtTensor } from "@implicit/engine";
import type { ModelConfig } from "../model/config.ts";

/** Room for `rows` rows of at most `capacity` tokens. */
export class KeyValueCache {
  /** By layer: keys, values, keys, values, … */
  private readonly buffers: Float32Array[];
  private readonly rowSize: number;

  constructor(
    private readonly config: ModelConfig,
    readonly rows: number,
    private readonly capacity: number,
  ) {
    this.rowSize = config.kvHeads * capacity * config.headDim;
    this.buffers = Array.from(
      { length: 2 * config.layers },
      () => new Float32Array(rows * this.rowSize),
    );
  }

  /** The cache of `count` rows from `first` on as a session's inputs and outputs, which are the same memory. */
  tensors(first: number, count: number) {
    const { kvHeads, headDim } = this.config;
    const shape = [count, kvHeads, this.capacity, headDim];
    const inputs: Record<string, OrtTensor> = {}, outputs: Record<string, OrtTensor> = {};
    this.buffers.forEach((buffer, i) => {
      const name = `${Math.floor(i / 2)}.${i % 2 === 0 ? "key" : "value"}`;
      const data = buffer.subarray(first * this.rowSize, (first + count) * this.rowSize);
      const tensor: OrtTensor = { dtype: "float32", shape, data };
      inputs[`past_key_values.${name}`] = outputs[`present.${name}`] = tensor;
    });
    return { inputs, outputs };
  }

  /** Copies a row over another. */
  move(from: number, to: number): void {
    for (const buffer of this.buffers) {
      buffer.copyWithin(to * this.rowSize, from * this.rowSize, (from + 1) * this.rowSize);
    }
  }
}
