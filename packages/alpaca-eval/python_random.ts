/**
 * CPython's `random.Random`, bit for bit, for the two places where published numbers depend on it:
 * the order in which AlpacaEval shows two responses, and the paper's random negatives (§4.2).
 *
 * The Mersenne Twister itself is pure-rand's; what is ours is CPython's seeding (version 2: a string
 * is hashed with SHA-512, an integer is cut into 32-bit words, `init_by_array` mixes the words) and
 * the way it turns 32-bit words into floats and integers. Everything else random in this project is
 * seeded through pure-rand alone and has no need of this file.
 */
import { Buffer } from "node:buffer";
import { createHash } from "node:crypto";
import { mersenneFromState } from "pure-rand/generator/mersenne";

const WORDS = 624;

/** The integer's magnitude as 32-bit words, least significant first; zero is one word. */
function wordsOf(value: bigint): number[] {
  const words: number[] = [];
  for (let rest = value < 0n ? -value : value; rest > 0n; rest >>= 32n) {
    words.push(Number(rest & 0xffffffffn));
  }
  return words.length > 0 ? words : [0];
}

/** CPython's seed of a string, version 2: its UTF-8 bytes followed by their SHA-512, big endian. */
function integerOf(seed: string): bigint {
  const bytes = Buffer.from(seed, "utf8");
  const digest = createHash("sha512").update(bytes).digest();
  return BigInt("0x" + Buffer.concat([bytes, digest]).toString("hex"));
}

/** Matsumoto and Nishimura's `init_by_array`, as `_randommodule.c` has it. */
function initialState(key: readonly number[]): number[] {
  const state = new Uint32Array(WORDS);
  const mixed = (index: number) => state[index]! ^ (state[index]! >>> 30);
  state[0] = 19650218;
  for (let i = 1; i < WORDS; i++) state[i] = Math.imul(1812433253, mixed(i - 1)) + i;
  let i = 1;
  const advance = () => {
    if (++i === WORDS) [state[0], i] = [state[WORDS - 1]!, 1];
  };
  for (let step = 0, j = 0; step < Math.max(WORDS, key.length); step++, j = (j + 1) % key.length) {
    state[i] = (state[i]! ^ Math.imul(mixed(i - 1), 1664525)) + key[j]! + j;
    advance();
  }
  for (let step = 1; step < WORDS; step++) {
    state[i] = (state[i]! ^ Math.imul(mixed(i - 1), 1566083941)) - i;
    advance();
  }
  state[0] = 0x80000000;
  return Array.from(state);
}

/**
 * A generator that returns what CPython's (3.2 and later) returns for the same seed and calls.
 *
 * @example
 * new PythonRandom("is_switched_outputs" + instruction + "0").random() >= 0.5; // choices([False, True])
 * new PythonRandom(0).integer(0, 999); // random.seed(0); random.randint(0, 999) → 864
 */
export class PythonRandom {
  readonly #next: () => number;

  constructor(seed: string | number | bigint) {
    const integer = typeof seed === "string" ? integerOf(seed) : BigInt(seed);
    const twister = mersenneFromState([0, ...initialState(wordsOf(integer))]);
    // pure-rand keeps its words already twisted; CPython twists before the first draw. Drawing one
    // whole state's worth does exactly that twist and leaves the index at zero.
    for (let i = 0; i < WORDS; i++) twister.next();
    this.#next = () => twister.next() >>> 0;
  }

  /** `random()`: a float in [0, 1) with 53 random bits. */
  random(): number {
    const high = this.#next() >>> 5;
    const low = this.#next() >>> 6;
    return (high * 67108864 + low) / 9007199254740992;
  }

  /** `randint(low, high)`: an integer, both ends included, by rejection as CPython draws it. */
  integer(low: number, high: number): number {
    const count = high - low + 1;
    if (!Number.isInteger(low) || !Number.isInteger(high) || count < 1 || count > 0xffffffff) {
      throw new RangeError(`Expected integers low ≤ high but found ${low} and ${high}`);
    }
    const shift = Math.clz32(count);
    let value = this.#next() >>> shift;
    while (value >= count) value = this.#next() >>> shift;
    return low + value;
  }

  /** `choice(values)`: one of them, evenly. */
  choice<T>(values: readonly T[]): T {
    if (values.length === 0) throw new RangeError("Expected at least one value to choose from");
    return values[this.integer(0, values.length - 1)]!;
  }
}
