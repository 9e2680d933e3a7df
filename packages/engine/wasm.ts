/**
 * Writes an elementwise function, as a record of tfjs kernel calls, as a WebAssembly module: one loop
 * that takes four elements of every array at a time, so that nothing in between goes to memory.
 *
 * It knows the binary format (webassembly.github.io/spec/core/binary) and what each kernel means, and
 * nothing of threads or of what is computed.
 *
 * @module
 */
import { LANES } from "./elementwise.ts";
import type { Step, Trace, Value, Values } from "./record.ts";

const I32 = 0x7f;
const F32 = 0x7d;
const V128 = 0x7b;

/** An unsigned number as LEB128. */
function unsigned(value: number): number[] {
  const bytes: number[] = [];
  do {
    const rest = Math.floor(value / 128);
    bytes.push((value % 128) + (rest > 0 ? 128 : 0));
    value = rest;
  } while (value > 0);
  return bytes;
}

const list = (items: readonly number[][]) => [...unsigned(items.length), ...items.flat()];
const sized = (bytes: number[]) => [...unsigned(bytes.length), ...bytes];
const text = (name: string) => sized([...new TextEncoder().encode(name)]);
const section = (id: number, items: readonly number[][]) => [id, ...sized(list(items))];

const get = (local: number) => [0x20, ...unsigned(local)];
const set = (local: number) => [0x21, ...unsigned(local)];
const simd = (operation: number, ...immediates: number[]) => [
  0xfd,
  ...unsigned(operation),
  ...immediates,
];
const load = simd(0, 4, 0); // aligned to 2⁴ bytes, offset 0
const store = simd(11, 4, 0);
const splat = simd(19);
const lane = (index: number) => simd(31, index);
const numberOf = (value: number) => [0x43, ...new Uint8Array(Float32Array.of(value).buffer)];
const addF32 = [0x92];
const addI32 = [0x6a];
const lessI32 = [0x49];
const sixteen = [0x41, 16];
const loop = [0x03, 0x40];
const repeatIf = [0x0d, 0];
const end = [0x0b];

/** The SIMD operation that each kernel is, of its inputs in their order. */
const operations: Readonly<Record<string, number>> = {
  Sqrt: 227,
  Add: 228,
  Sub: 229,
  Multiply: 230,
  RealDiv: 231,
};

/** A module, and in which order its only function, `run`, takes arguments and returns sums. */
export interface WasmModule {
  readonly bytes: Uint8Array<ArrayBuffer>;
  /** Byte addresses come first, of these inputs and then outputs; next how many bytes; then numbers. */
  readonly arrays: readonly string[];
  readonly written: readonly string[];
  readonly numbers: readonly string[];
  readonly sums: readonly string[];
}

/**
 * Translates a record, of arrays as vectors of {@link LANES} elements. Its memory is imported as `env.memory`, shared; `run` works on a multiple of 16
 * bytes of every array, and an output may be an input's array.
 *
 * @throws where the function is not elementwise, or calls a kernel that is not known here.
 */
export function wasmModule({ steps, inputs, outputs }: Trace): WasmModule {
  const isArray = (value: Value) => value.shape.length === 1;
  const isSum = (value: Value) => value.step?.kernel === "Sum";
  const namesOf = (values: Values, wanted: (value: Value) => boolean) =>
    Object.keys(values).filter((name) => wanted(values[name]!));
  const arrays = namesOf(inputs, isArray);
  const numbers = namesOf(inputs, (value) => !isArray(value));
  const written = namesOf(outputs, (value) => !isSum(value));
  const sums = namesOf(outputs, isSum);

  const parameters = [...arrays, ...written].map(() => I32).concat(I32, numbers.map(() => F32));
  const bytes = arrays.length + written.length;
  const offset = parameters.length;
  const address = (parameter: number) => [...get(parameter), ...get(offset), ...addI32];

  const locals = new Map<Value, number>();
  const local = (value: Value) => {
    if (!locals.has(value)) locals.set(value, offset + 1 + locals.size);
    return locals.get(value)!;
  };
  const before: number[] = [];
  const inside: number[] = [];
  arrays.forEach((name, i) => inside.push(...address(i), ...load, ...set(local(inputs[name]!))));
  numbers.forEach((name, i) =>
    before.push(...get(bytes + 1 + i), ...splat, ...set(local(inputs[name]!)))
  );
  const read = (value: Value) => {
    if (value.constant && !locals.has(value)) {
      if (value.constant.length > 1) {
        throw new Error(
          `Expected numbers as constants of an elementwise function, but found one of ` +
            `${value.constant.length} values. Pass it as an array.`,
        );
      }
      before.push(...numberOf(value.constant[0]!), ...splat, ...set(local(value)));
    }
    return get(local(value));
  };
  for (const step of steps) {
    inside.push(...calculation(step, read), ...set(local(step.outputs[0]!)));
  }
  written.forEach((name, i) =>
    inside.push(...address(arrays.length + i), ...read(outputs[name]!), ...store)
  );
  const results = sums.flatMap((name) => {
    const sum = get(local(outputs[name]!));
    const lanes = Array.from({ length: LANES }, (_, index) => [...sum, ...lane(index)]);
    return [...lanes[0]!, ...lanes.slice(1).flatMap((next) => [...next, ...addF32])];
  });
  const body = [
    ...before,
    ...loop,
    ...inside,
    ...[...get(offset), ...sixteen, ...addI32, ...set(offset)],
    ...[...get(offset), ...get(bytes), ...lessI32, ...repeatIf, ...end],
    ...results,
    ...end,
  ];
  const code = encode(parameters, sums.length, locals.size, body);
  return { bytes: code, arrays, written, numbers, sums };
}

/** A module of one function `run` with so many results (f32) and locals (one i32, then v128). */
function encode(
  parameters: readonly number[],
  results: number,
  locals: number,
  body: readonly number[],
): Uint8Array<ArrayBuffer> {
  const type = [
    0x60,
    ...list(parameters.map((type) => [type])),
    ...list(Array.from({ length: results }, () => [F32])),
  ];
  const shared = [0x02, 0x03, 0, ...unsigned(2 ** 16)]; // a memory of up to 2¹⁶ pages
  const declared = list([[1, I32], [...unsigned(locals), V128]]);
  return Uint8Array.from([
    ...[0x00, 0x61, 0x73, 0x6d, 1, 0, 0, 0], // \0asm, version 1
    ...section(1, [type]),
    ...section(2, [[...text("env"), ...text("memory"), ...shared]]),
    ...section(3, [[0]]),
    ...section(7, [[...text("run"), 0, 0]]),
    ...section(10, [sized([...declared, ...body])]),
  ]);
}

/** What leaves the result of one call on the stack. A sum is kept in the four lanes of its local. */
function calculation(step: Step, read: (value: Value) => number[]): number[] {
  const { kernel, inputs, outputs: [output] } = step;
  if (Object.values(inputs).some(({ step }) => step?.kernel === "Sum")) {
    throw new Error(
      `Expected sums to be results of an elementwise function, but found ${kernel} of one. Take it ` +
        "in a function of its own.",
    );
  }
  const values = Object.values(inputs).map(read);
  if (kernel === "Sum") return [...read(output!), ...values[0]!, ...simd(operations.Add!)];
  if (kernel === "Square") return [...values[0]!, ...values[0]!, ...simd(operations.Multiply!)];
  if (!Object.hasOwn(operations, kernel)) {
    throw new Error(
      `Expected an elementwise function of ${
        Object.keys(operations).join(", ")
      }, Square and Sum, ` +
        `but found ${kernel}. Compile it as a program instead.`,
    );
  }
  return [...values.flat(), ...simd(operations[kernel]!)];
}
