/** A model as its matrices are after they have been rounded to blocks of few bits. */
import { quantize } from "../decode/block_format.ts";
import type { Model } from "../model/checkpoint.ts";
import type { Parameters } from "../model/parameters.ts";

/** The model whose matrices are what `quantize` makes of them. */
export function rounded(model: Model, bits: 8 | 4): Model {
  const parameters: Parameters = new Map();
  for (const [name, parameter] of model.parameters) {
    const { shape, data } = parameter;
    if (shape.length === 1) {
      parameters.set(name, parameter);
      continue;
    }
    const { size, values, scales } = quantize(parameter, bits);
    const columns = shape[1]!, blocks = Math.ceil(columns / size), bytes = size * bits / 8;
    const back = data.map((_, i) => {
      const block = Math.floor(i / columns) * blocks + Math.floor(i % columns / size);
      const place = i % columns % size;
      const q = bits === 8
        ? values[block * bytes + place]!
        : values[block * bytes + (place >> 1)]! >> (place % 2 * 4) & 15;
      return scales[block]! * (q - 2 ** (bits - 1));
    });
    parameters.set(name, { shape, data: back });
  }
  return { ...model, parameters };
}
