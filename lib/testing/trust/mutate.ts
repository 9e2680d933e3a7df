/**
 * Inputs damaged by a seed: bytes as disks, networks and other programs damage them, JSON as people
 * and other writers do. Knows nothing of what the inputs mean.
 */
import { createHash } from "node:crypto";
import { uniformInt } from "pure-rand/distribution/uniformInt";
import { xoroshiro128plus } from "pure-rand/generator/xoroshiro128plus";

/** Draws an integer from 0 to `below` − 1. */
export type Random = (below: number) => number;

/** The draws that belong to a name: the same name gives the same draws. */
export function randomOf(name: string): Random {
  const generator = xoroshiro128plus(createHash("sha256").update(name).digest().readInt32LE());
  return (below) => uniformInt(generator, 0, below - 1);
}

/** One of a list. */
export const pick = <T>(random: Random, list: readonly T[]): T => list[random(list.length)]!;

/** How many damages: mostly one, that inputs may be nearly right. */
const TIMES = [1, 1, 1, 2, 3];

/** Numbers at which lengths, offsets and counts go wrong. */
const TELLING = [0n, 1n, 7n, 8n, 255n, 65535n, 65536n, 2n ** 31n - 1n, 2n ** 31n, 2n ** 32n - 1n]
  .concat([2n ** 32n, 2n ** 53n - 1n, 2n ** 53n, 2n ** 63n - 1n, 2n ** 63n, 2n ** 64n - 1n]);

/** Bytes with a damage or three: flipped, lost, doubled, cut off, appended or overwritten. */
export function mutateBytes(random: Random, input: Uint8Array): Uint8Array<ArrayBuffer> {
  let bytes = Uint8Array.from(input);
  for (let times = pick(random, TIMES); times > 0; times--) {
    const { length } = bytes;
    const at = random(length + 1), end = Math.min(length, at + 1 + random(32));
    const noise = Uint8Array.from({ length: 1 + random(16) }, () => random(256));
    const view = new DataView(bytes.buffer);
    const damages = [
      () => void (at < length && (bytes[at]! ^= 1 << random(8))),
      () => void (at < length && (bytes[at] = pick(random, SIGNS))),
      () => void bytes.set(noise.subarray(0, length - at), at),
      () => bytes.slice(0, at),
      () => joined(bytes.subarray(0, at), bytes.subarray(end)),
      () => joined(bytes.subarray(0, end), bytes.subarray(at)),
      () => joined(bytes, noise),
      () =>
        void (length >= 8 && view.setBigUint64(random(length - 7), pick(random, TELLING), true)),
      () => void (length >= 8 && view.setBigUint64(0, pick(random, TELLING), true)),
    ];
    bytes = pick(random, damages)() ?? bytes;
  }
  return bytes;
}

/** Bytes that mean something in many formats. */
const SIGNS = [...new TextEncoder().encode('09"\\{}[],:-e\n\r \t')].concat([0, 0x80, 0xc0, 0xff]);

function joined(...parts: Uint8Array[]): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(parts.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const part of parts) {
    bytes.set(part, at);
    at += part.length;
  }
  return bytes;
}

const nested = (open: string, inner: string, close: string, times: number) =>
  open.repeat(times) + inner + close.repeat(times);

/** JSON, or nearly, that readers seldom expect. */
const ODD = [
  ..."null true false 0 -1 1 0.5 -0 5 1e999 -1e999 1e-400 NaN Infinity [] {} [null] [[]]".split(
    " ",
  ),
  ..."2147483648 4294967296 9007199254740991 9007199254740993 1000000000".split(" "),
  ...["", "5", "../../../etc/passwd", "__proto__", "constructor", "\0", "<b>", "\u202e", "\ufeff"]
    .map((text) => JSON.stringify(text)),
  '"\\ud800"',
  "123456789012345678901234567890",
  '{"__proto__": {}}',
  `"${"x".repeat(5000)}"`,
  nested("[", "", "]", 2000),
  nested("[", "", "]", 30_000),
  nested('{"a":', "1", "}", 1000),
];

const NAMES = ["__proto__", "constructor", "toString", "length", "", "extra"];

/** A value within a JSON text, with its name if it is a field's. */
export interface Part {
  /** Where it begins (with its name: where the name does), where its value begins, where both end. */
  readonly start: number;
  readonly value: number;
  readonly end: number;
}

/** Every value of a JSON text, the whole first of all. */
export function partsOf(json: string): Part[] {
  const open: { start: number; value: number; end: number }[] = [], parts: typeof open = [];
  let name: number | null = null;
  for (const { 0: sign, index } of json.matchAll(/"(?:[^"\\]|\\.)*"|[{}[\]:]|[^\s{}[\],:"]+/g)) {
    const end = index + sign.length;
    if (sign === ":") continue;
    if (sign === "}" || sign === "]") {
      const part = open.pop();
      if (part) part.end = end;
      continue;
    }
    if (name === null && sign[0] === '"' && /^\s*:/.test(json.slice(end, end + 20))) {
      name = index;
      continue;
    }
    const part = { start: name ?? index, value: index, end };
    name = null;
    parts.push(part);
    if (sign === "{" || sign === "[") open.push(part);
  }
  return parts;
}

/** JSON text with a value or three replaced, lost, doubled, renamed, or of another type. */
export function mutateJson(random: Random, value: unknown): string {
  let text = JSON.stringify(value);
  for (let times = pick(random, TIMES); times > 0; times--) {
    const parts = partsOf(text).slice(0, 2000);
    if (parts.length === 0) break;
    const part = parts[random(parts.length)]!, other = pick(random, parts);
    const own = text.slice(part.value, part.end), name = text.slice(part.start, part.value);
    const odd = pick(random, ODD);
    const number = Number(own);
    const changes = [
      () => name + odd,
      () => name + odd,
      () => name + text.slice(other.value, other.end),
      () => `${name}${own},${name}${odd}`,
      () => `${name}${own},${name ? `${JSON.stringify(pick(random, NAMES))}:` : ""}${odd}`,
      () => `${name}[${own}]`,
      () => `${name}${JSON.stringify(own.slice(0, 50))}`,
      () =>
        name +
        (own[0] === '"' ? `"${pick(random, ["\\u0000", "\\ufeff", " "])}${own.slice(1)}` : odd),
      () => name + pick(random, [number + 1, number - 1, -number, number * 1e9, number / 3]),
    ];
    const changed = random(8) === 0 ? "" : pick(random, changes)();
    let { start, end } = part;
    if (changed === "") { // with its comma
      if (text[end] === ",") end++;
      else if (text[start - 1] === ",") start--;
    }
    text = text.slice(0, start) + changed + text.slice(end);
  }
  return text;
}
