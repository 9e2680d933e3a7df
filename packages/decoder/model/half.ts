/**
 * Sixteen-bit floating point numbers: bfloat16 and IEEE half precision, from and to float32.
 *
 * Whole arrays at a time, rounding to nearest, ties to even. It knows nothing of files.
 *
 * @module
 */

/** bfloat16 bits → float32: the upper half of its bits. */
export function widenBfloat16(halves: Uint16Array): Float32Array {
  const bits = new Uint32Array(halves.length);
  for (let i = 0; i < halves.length; i++) bits[i] = halves[i]! << 16;
  return new Float32Array(bits.buffer);
}

/** float32 → bfloat16 bits. */
export function toBfloat16(values: Float32Array): Uint16Array {
  const bits = new Uint32Array(values.buffer, values.byteOffset, values.length);
  const halves = new Uint16Array(values.length);
  for (let i = 0; i < bits.length; i++) {
    const word = bits[i]!;
    halves[i] = (word & 0x7fffffff) > 0x7f800000
      ? (word >>> 16) | 0x40 // stays a NaN when its lower half is cut off
      : (word + 0x7fff + ((word >>> 16) & 1)) >>> 16;
  }
  return halves;
}

let halfTable: Uint32Array | undefined;

/** IEEE half bits → float32, through a table of all 65,536. */
export function widenFloat16(halves: Uint16Array): Float32Array {
  halfTable ??= new Uint32Array(
    Float32Array.from({ length: 1 << 16 }, (_, half) => {
      const sign = half & 0x8000 ? -1 : 1;
      const exponent = (half >> 10) & 31;
      const fraction = half & 1023;
      if (exponent === 31) return fraction ? NaN : sign * Infinity;
      return sign * (exponent ? (1 + fraction / 1024) * 2 ** (exponent - 15) : fraction * 2 ** -24);
    }).buffer,
  );
  const bits = new Uint32Array(halves.length);
  for (let i = 0; i < halves.length; i++) bits[i] = halfTable[halves[i]!]!;
  return new Float32Array(bits.buffer);
}

/** float32 → IEEE half bits. Values beyond ±65,504 become infinite. */
export function toFloat16(values: Float32Array): Uint16Array {
  const bits = new Uint32Array(values.buffer, values.byteOffset, values.length);
  const halves = new Uint16Array(values.length);
  for (let i = 0; i < bits.length; i++) {
    const sign = (bits[i]! >>> 16) & 0x8000;
    const word = bits[i]! & 0x7fffffff;
    let half: number;
    if (word > 0x7f800000) half = 0x7e00; // NaN
    else if (word >= 0x477ff000) half = 0x7c00; // rounds to infinity
    else if (word >= 0x38800000) { // normal: rebias the exponent, round off 13 bits
      half = (word - 0x38000000 + 0xfff + ((word >>> 13) & 1)) >>> 13;
    } else { // subnormal: a multiple of 2⁻²⁴
      const scaled = Math.abs(values[i]!) * 2 ** 24;
      const floor = Math.floor(scaled);
      const rest = scaled - floor;
      half = floor + (rest > 0.5 || (rest === 0.5 && floor % 2 === 1) ? 1 : 0);
    }
    halves[i] = sign | half;
  }
  return halves;
}
