/**
 * ONNX Runtime from JavaScript without copies and without blocking the event loop: the C API of the
 * shared library that the npm package onnxruntime-node ships, called through koffi.
 *
 * Inputs are read from and listed outputs written into the caller's own typed arrays; `run()` works on
 * another thread and the event loop goes on meanwhile, or has its turn every few milliseconds.
 * (onnxruntime-node's own binding copies every output and blocks.) Knows sessions and tensors; does not
 * know what a graph computes.
 */
import { availableParallelism } from "node:os";
import { setImmediate } from "node:timers/promises";
import koffi from "koffi";
import { throwIfInterrupted } from "./interrupt.ts";
import { onLargePages } from "./large_pages.ts";
import { type DataType, dataTypes, sizeOf } from "./onnx.ts";
import { address, check, checkAsync, cString, outOf, runtime } from "./ort_api.ts";

/** A tensor over the caller's memory: float16 and bfloat16 as Uint16Array, int64 as BigInt64Array. */
export interface OrtTensor {
  dtype: DataType;
  shape: readonly number[];
  data: ArrayBufferView;
}

/** How a session is made; the defaults suit one process that uses all cores. */
export interface SessionOptions {
  /** Threads within an operator, the calling one included. Default: all cores. */
  threads?: number;
  /** Rewrite the graph into a faster one. Default true; of no use to what lower.ts has written. */
  optimize?: boolean;
  /** Plan one block for all intermediate tensors of a shape (faster, larger). Default true. */
  memoryPattern?: boolean;
  /** Write what each operator took to a JSON file of this name and a date, when disposed of. */
  profile?: string;
  /** Keep constant factors of products in the order that these read them (faster, larger). Default true. */
  prepack?: boolean;
  /** Folder of the external data that a model given as bytes refers to. */
  externalFolder?: string;
  /** External data given from memory instead: large weights need not pass through the model's bytes. */
  initializers?: Record<string, OrtTensor>;
  /**
   * Microseconds that threads look out for more work before they sleep, default 0. Small operators
   * go faster, and other work loses what is spent looking out.
   */
  spin?: number;
  /** Let what the session holds move to large pages, for weights that no cache holds. Default false. */
  largePages?: boolean;
}

function createOptions(options: SessionOptions): bigint {
  const { threads = availableParallelism(), spin = 0 } = options;
  const { optimize = true, memoryPattern = true } = options;
  const entries: Record<string, string> = {
    "session.use_env_allocators": "1",
    // By default they spin on and on, and steal the cores that other work needs.
    "session.intra_op.allow_spinning": spin > 0 ? "1" : "0",
  };
  if (spin > 0) entries["session.intra_op.spin_duration_us"] = `${spin}`;
  if (options.prepack === false) entries["session.disable_prepacking"] = "1";
  if (options.externalFolder) {
    entries["session.model_external_initializers_file_folder_path"] = options.externalFolder;
  }
  const { api } = runtime();
  const handle = outOf((place) => api.CreateSessionOptions(place));
  try {
    check(api.SetSessionExecutionMode(handle, 0)); // sequential
    check(api.SetIntraOpNumThreads(handle, threads));
    check(api.SetInterOpNumThreads(handle, 1));
    check(api.SetSessionLogSeverityLevel(handle, 4));
    check(api.SetSessionGraphOptimizationLevel(handle, optimize ? 99 : 0));
    if (!memoryPattern) check(api.DisableMemPattern(handle));
    if (options.profile) check(api.EnableProfiling(handle, options.profile));
    for (const [key, value] of Object.entries(entries)) {
      check(api.AddSessionConfigEntry(handle, key, value));
    }
    return handle;
  } catch (error) {
    api.ReleaseSessionOptions(handle);
    throw error;
  }
}

/** An OrtValue over the caller's memory. */
function createValue(name: string, tensor: OrtTensor): bigint {
  const { dtype, shape, data } = tensor;
  const bytes = sizeOf(shape) * dataTypes[dtype].array.BYTES_PER_ELEMENT;
  if (data.byteLength !== bytes) {
    throw new Error(
      `Expected "${name}" (${dtype} [${shape}]) to hold ${bytes} bytes but found ${data.byteLength}`,
    );
  }
  const { api, cpu } = runtime();
  const rank = shape.length;
  const dimensions = BigInt64Array.from(shape, BigInt);
  const memory = address(bytes > 0 ? data : new Uint8Array(8)); // never null, never read
  const { code } = dataTypes[dtype];
  return outOf((place) =>
    api.CreateTensorWithDataAsOrtValue(
      cpu,
      memory,
      bytes,
      rank > 0 ? address(dimensions) : null,
      rank,
      code,
      place,
    )
  );
}

/** Copies an output that ONNX Runtime allocated into arrays of our own. */
function readValue(name: string, value: bigint): OrtTensor {
  const { api } = runtime();
  const info = outOf((place) => api.GetTensorTypeAndShape(value, place));
  try {
    const code = Number(outOf((place) => api.GetTensorElementType(info, place)) & 0xffffffffn);
    const [dtype] = (Object.keys(dataTypes) as DataType[]).filter((d) =>
      dataTypes[d].code === code
    );
    if (!dtype) {
      throw new Error(`Expected output "${name}" of a known type but found ONNX type ${code}`);
    }
    const rank = Number(outOf((place) => api.GetDimensionsCount(info, place)));
    const dimensions = new BigInt64Array(rank);
    if (rank > 0) check(api.GetDimensions(info, address(dimensions), rank));
    const shape = Array.from(dimensions, Number);
    const { array } = dataTypes[dtype];
    const bytes = sizeOf(shape) * array.BYTES_PER_ELEMENT;
    const memory = outOf((place) => api.GetTensorMutableData(value, place));
    const buffer = bytes > 0 ? koffi.view(memory, bytes).slice(0) : new ArrayBuffer(0);
    return { dtype, shape, data: new array(buffer) };
  } finally {
    api.ReleaseTensorTypeAndShapeInfo(info);
  }
}

/** What runs under way read and write: held here so that it is not collected before they end. */
const inFlight = new Set<unknown>();

/**
 * Milliseconds. Bound runs that take less, while no others are bound or under way, are not handed to
 * another thread: those of JavaScript's pool take turns, on one core and another, and find nothing in
 * their caches, so that a step of a small decoder takes half as long again. The event loop has its turn
 * at least as often.
 */
const SHORT = 2;

/** The values of what is bound. */
const bindings = new Set<bigint[]>();

/** When the event loop last had its turn, as far as is known here. */
let turned = 0;

/** Runs over the same memory, made by {@link Session.bind}. */
export interface Bound {
  /** The outputs, as {@link Session.run} has them. */
  run(): Promise<Record<string, OrtTensor>>;
  /** Frees what was prepared; no run may be under way. */
  dispose(): void;
}

/**
 * One loaded model.
 *
 * @example
 * const session = await Session.create(encodeModel(graph), { threads: 2 });
 * const y = new Float32Array(4);
 * await session.run(
 *   { x: { dtype: "float32", shape: [4], data: Float32Array.of(1, 2, 3, 4) } },
 *   { y: { dtype: "float32", shape: [4], data: y } }, // written in place
 * );
 * session.dispose();
 */
export class Session {
  readonly inputNames: readonly string[];
  readonly outputNames: readonly string[];
  private handle: bigint;
  private running = 0;
  private disposed = false;
  /** Milliseconds that the latest bound run took. */
  private took = Infinity;
  /** C strings of the names, by name; the arrays must stay reachable. */
  private readonly names = new Map<string, Uint8Array>();

  /** `held`: what the session reads for as long as it lives. */
  private constructor(handle: bigint, private held: unknown) {
    this.handle = handle;
    this.inputNames = this.readNames("Input");
    this.outputNames = this.readNames("Output");
    for (const name of [...this.inputNames, ...this.outputNames]) {
      this.names.set(name, cString(name));
    }
  }

  /**
   * Loads a model from bytes or from a file; parsing and optimising happen on another thread.
   * @throws with ONNX Runtime's own message if the model is broken or uses an unknown operator.
   */
  static create(model: Uint8Array | string, options: SessionOptions = {}): Promise<Session> {
    const load = () => Session.load(model, options);
    return options.largePages ? onLargePages(load) : load();
  }

  private static async load(
    model: Uint8Array | string,
    options: SessionOptions,
  ): Promise<Session> {
    const { api, env } = runtime();
    const settings = createOptions(options);
    const place = new BigUint64Array(1);
    const given = Object.entries(options.initializers ?? {});
    const names = given.map(([name]) => cString(name));
    const values: bigint[] = [];
    inFlight.add(model).add(place);
    try {
      for (const [name, tensor] of given) values.push(createValue(name, tensor));
      if (given.length > 0) {
        const [a, b] = [BigUint64Array.from(names, address), BigUint64Array.from(values)];
        check(api.AddExternalInitializers(settings, address(a), address(b), given.length));
      }
      if (typeof model === "string") {
        await checkAsync(api.CreateSession, env, model, settings, address(place));
      } else {
        const bytes = model.byteLength;
        const memory = address(bytes > 0 ? model : new Uint8Array(8)); // never null
        const start = api.CreateSessionFromArray;
        await checkAsync(start, env, memory, bytes, settings, address(place));
      }
    } finally {
      inFlight.delete(model);
      inFlight.delete(place);
      api.ReleaseSessionOptions(settings);
      for (const value of values) api.ReleaseValue(value);
    }
    return new Session(place[0]!, given);
  }

  /**
   * Computes the outputs. Those listed in `outputs` are written into the caller's arrays (and returned
   * as given); without `outputs`, all are allocated. Inputs and outputs must not be touched until then.
   *
   * @throws if an input is missing or unknown, if a tensor's bytes do not fit its shape, and with ONNX
   * Runtime's message if an operator fails; the interrupt where the notebook's cell was interrupted.
   */
  async run(
    inputs: Record<string, OrtTensor>,
    outputs?: Record<string, OrtTensor>,
  ): Promise<Record<string, OrtTensor>> {
    const bound = this.prepare(inputs, outputs);
    try {
      return await bound.run();
    } finally {
      bound.dispose();
    }
  }

  /**
   * Prepares runs that read and write the same arrays, over and over: what stands in the inputs when
   * one begins is what it reads. One runs at a time; those of a few milliseconds may do so at once, on
   * this thread.
   *
   * @throws as {@link Session.run} does of tensors that are missing, unknown or do not fit
   * @example
   * const bound = session.bind({ x }, { y });
   * for (const value of values) {
   *   x.data[0] = value;
   *   await bound.run(); // y.data has the result
   * }
   * bound.dispose();
   */
  bind(inputs: Record<string, OrtTensor>, outputs?: Record<string, OrtTensor>): Bound {
    return this.prepare(inputs, outputs, true);
  }

  private prepare(
    inputs: Record<string, OrtTensor>,
    outputs: Record<string, OrtTensor> = {},
    again = false,
  ): Bound {
    this.checkLive();
    for (const name of this.inputNames) {
      if (!inputs[name]) {
        throw new Error(`Expected input "${name}" but found ${Object.keys(inputs).join(", ")}`);
      }
    }
    const inputNames = Object.keys(inputs);
    const outputNames = [...new Set([...Object.keys(outputs), ...this.outputNames])];
    const tables = [this.nameTable(inputNames), this.nameTable(outputNames)];
    const { api } = runtime();
    const values: bigint[] = [];
    const free = () => {
      bindings.delete(values);
      for (const value of values.splice(0)) api.ReleaseValue(value);
    };
    /** Values in the order of `names`, 0 where there is no tensor. */
    const valuesOf = (names: readonly string[], tensors: Record<string, OrtTensor>) =>
      BigUint64Array.from(names, (name) => {
        const value = tensors[name] ? createValue(name, tensors[name]) : 0n;
        if (value) values.push(value);
        return value;
      });
    if (again) bindings.add(values);
    try {
      const [given, listed] = [valuesOf(inputNames, inputs), valuesOf(outputNames, outputs)];
      const allocated = outputNames.filter((name) => !outputs[name]); // the last of outputNames
      const run = async () => {
        this.checkLive();
        throwIfInterrupted();
        const results = listed.slice();
        const hold = [inputs, outputs, tables, given, results];
        const here = again && this.took < SHORT && bindings.size === 1 && inFlight.size === 0;
        inFlight.add(hold);
        this.running++;
        try {
          const [a, b, c, d] = [tables[0]!, given, tables[1]!, results].map(address);
          const [m, n] = [given.length, results.length];
          let start = performance.now();
          if (here && start - turned > SHORT) {
            await setImmediate();
            turned = start = performance.now();
          }
          if (here) {
            check(api.Run(this.handle, null, a, b, m, c, n, d));
          } else {
            await checkAsync(api.Run, this.handle, null, a, b, m, c, n, d);
            turned = performance.now();
          }
          if (again) this.took = performance.now() - start;
          const made = results.slice(n - allocated.length);
          const read = allocated.map((name, i) => [name, readValue(name, made[i]!)]);
          return { ...outputs, ...Object.fromEntries(read) };
        } finally {
          results.forEach((value, i) => value !== listed[i] && api.ReleaseValue(value));
          inFlight.delete(hold);
          this.running--;
          if (this.disposed) this.release();
        }
      };
      return { run, dispose: free };
    } catch (error) {
      free();
      throw error;
    }
  }

  /** Frees the session's memory, after the runs under way. */
  dispose(): void {
    this.disposed = true;
    this.release();
  }

  private checkLive(): void {
    if (this.disposed) throw new Error("Expected a live session but found a disposed one");
  }

  private release(): void {
    if (this.running > 0 || this.handle === 0n) return;
    runtime().api.ReleaseSession(this.handle);
    this.handle = 0n;
    this.held = null;
  }

  private nameTable(names: readonly string[]): BigUint64Array {
    return BigUint64Array.from(names, (name) => {
      const bytes = this.names.get(name);
      if (!bytes) {
        const known = [...this.names.keys()].join(", ");
        throw new Error(`Expected the name of an input or output (${known}) but found "${name}"`);
      }
      return address(bytes);
    });
  }

  private readNames(kind: "Input" | "Output"): string[] {
    const { api, allocator } = runtime();
    const total = Number(outOf((place) => api[`SessionGet${kind}Count`](this.handle, place)));
    return Array.from({ length: total }, (_, i) => {
      const text = outOf((place) => api[`SessionGet${kind}Name`](this.handle, i, allocator, place));
      const name = koffi.decode.string(text);
      check(api.AllocatorFree(allocator, text));
      return name;
    });
  }
}
