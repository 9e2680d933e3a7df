/**
 * ONNX Runtime from JavaScript without copies and without blocking the event loop: the C API of the
 * shared library that the npm package onnxruntime-node ships, called through koffi.
 *
 * Inputs are read from and listed outputs written into the caller's own typed arrays; `run()` works on
 * another thread and the event loop goes on meanwhile. (onnxruntime-node's own binding copies every
 * output and blocks.) Knows sessions and tensors; does not know what a graph computes.
 */
import { readdirSync } from "node:fs";
import { createRequire } from "node:module";
import { availableParallelism } from "node:os";
import { dirname, join } from "node:path";
import koffi from "koffi";
import { type DataType, dataTypeBytes, dataTypeCodes } from "./onnx.ts";

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
  /** Graph optimisation. Default "all"; "none" suits graphs that are already lowered well. */
  optimize?: "none" | "basic" | "extended" | "all";
  /** Keep freed memory in an arena (faster, larger). Default true. */
  arena?: boolean;
  /** Plan one block for all intermediate tensors of a shape (faster, larger). Default true. */
  memoryPattern?: boolean;
  /** Folder of the external data that a model given as bytes refers to. */
  externalFolder?: string;
}

type Pointer = bigint | null;
// deno-lint-ignore no-explicit-any -- koffi's functions take whatever their C signature takes
type NativeFunction = ((...args: any[]) => any) & { async: (...args: any[]) => void };

const optimizationLevels = { none: 0, basic: 1, extended: 2, all: 99 } as const;
const libraryName = /^(libonnxruntime\.so\.\d+|libonnxruntime\.[\d.]+\.dylib|onnxruntime\.dll)$/;

/** Position in the C API's table of functions (onnxruntime_c_api.h; the table only ever grows), result, arguments. */
const signatures = {
  GetErrorMessage: [2, "str", ["void *"]],
  CreateEnv: [3, "void *", ["int", "str", "void *"]],
  CreateSession: [7, "void *", [
    "void *",
    process.platform === "win32" ? "str16" : "str",
    "void *",
    "void *",
  ]],
  CreateSessionFromArray: [8, "void *", ["void *", "void *", "size_t", "void *", "void *"]],
  Run: [9, "void *", [
    "void *",
    "void *",
    "void *",
    "void *",
    "size_t",
    "void *",
    "size_t",
    "void *",
  ]],
  CreateSessionOptions: [10, "void *", ["void *"]],
  SetSessionExecutionMode: [13, "void *", ["void *", "int"]],
  DisableMemPattern: [17, "void *", ["void *"]],
  DisableCpuMemArena: [19, "void *", ["void *"]],
  SetSessionLogSeverityLevel: [22, "void *", ["void *", "int"]],
  SetSessionGraphOptimizationLevel: [23, "void *", ["void *", "int"]],
  SetIntraOpNumThreads: [24, "void *", ["void *", "int"]],
  SetInterOpNumThreads: [25, "void *", ["void *", "int"]],
  SessionGetInputCount: [30, "void *", ["void *", "void *"]],
  SessionGetOutputCount: [31, "void *", ["void *", "void *"]],
  SessionGetInputName: [36, "void *", ["void *", "size_t", "void *", "void *"]],
  SessionGetOutputName: [37, "void *", ["void *", "size_t", "void *", "void *"]],
  CreateTensorWithDataAsOrtValue: [49, "void *", [
    "void *",
    "void *",
    "size_t",
    "void *",
    "size_t",
    "int",
    "void *",
  ]],
  GetTensorMutableData: [51, "void *", ["void *", "void *"]],
  GetTensorElementType: [60, "void *", ["void *", "void *"]],
  GetDimensionsCount: [61, "void *", ["void *", "void *"]],
  GetDimensions: [62, "void *", ["void *", "void *", "size_t"]],
  GetTensorTypeAndShape: [65, "void *", ["void *", "void *"]],
  CreateCpuMemoryInfo: [69, "void *", ["int", "int", "void *"]],
  AllocatorFree: [76, "void *", ["void *", "void *"]],
  GetAllocatorWithDefaultOptions: [78, "void *", ["void *"]],
  ReleaseStatus: [93, "void", ["void *"]],
  ReleaseSession: [95, "void", ["void *"]],
  ReleaseValue: [96, "void", ["void *"]],
  ReleaseTensorTypeAndShapeInfo: [99, "void", ["void *"]],
  ReleaseSessionOptions: [100, "void", ["void *"]],
  AddSessionConfigEntry: [130, "void *", ["void *", "str", "str"]],
} as const;

interface Runtime {
  /** Held for as long as the process lives: koffi unloads a library whose handle is collected. */
  readonly library: unknown;
  readonly version: string;
  readonly api: Record<keyof typeof signatures, NativeFunction>;
  readonly env: bigint;
  readonly cpu: bigint;
  readonly allocator: bigint;
}

let loaded: Runtime | undefined;

/** Where the bytes of `view` begin. Reading `.buffer` moves a small array out of the garbage-collected heap first. */
function address(view: ArrayBufferView): bigint {
  return koffi.address(view.buffer) + BigInt(view.byteOffset);
}

/** Calls `fn` with a place for one pointer or size as its last argument, and returns what was put there. */
function outOf(fn: (place: bigint) => Pointer): bigint {
  const place = new BigUint64Array(1);
  check(fn(address(place)));
  return place[0]!;
}

/** Turns an OrtStatus into an Error; null is success. */
function check(status: Pointer): void {
  if (!status) return;
  const { api } = loaded!;
  const message: string = api.GetErrorMessage(status);
  api.ReleaseStatus(status);
  throw new Error(`ONNX Runtime: ${message}`);
}

/** Calls `fn` on another thread. */
async function checkAsync(fn: NativeFunction, ...args: unknown[]): Promise<void> {
  check(
    await new Promise<Pointer>((resolve, reject) =>
      fn.async(
        ...args,
        (error: unknown, status: Pointer) => error ? reject(error) : resolve(status),
      )
    ),
  );
}

function findLibrary(): string {
  const require = createRequire(import.meta.url);
  const bin = join(dirname(require.resolve("onnxruntime-node")), "..", "bin");
  const tried: string[] = [];
  for (const napi of readdirSync(bin).filter((name) => name.startsWith("napi-")).reverse()) {
    const folder = join(bin, napi, process.platform, process.arch);
    tried.push(folder);
    let files: string[] = [];
    try {
      files = readdirSync(folder);
    } catch { /* this platform is not in the package: the error below says so */ }
    const name = files.find((file) => libraryName.test(file));
    if (name) return join(folder, name);
  }
  throw new Error(
    `Expected onnxruntime-node to ship a library for ${process.platform} ${process.arch} but found ` +
      `none in ${tried.join(", ") || bin}. Its platforms are Linux, macOS (arm64) and Windows.`,
  );
}

function runtime(): Runtime {
  if (loaded) return loaded;
  const path = findLibrary();
  const library = koffi.load(path);
  const [getApi, getVersion] = koffi.decode(
    library.func("OrtGetApiBase", "void *", [])(),
    "void *",
    2,
  );
  const version: string = koffi.decode(getVersion, koffi.proto("str", []))();
  const table = koffi.decode(getApi, koffi.proto("void *", ["uint32_t"]))(17); // 17: oldest table with all we call
  if (!table) {
    throw new Error(`Expected ONNX Runtime 1.17 or newer in ${path} but found ${version}`);
  }
  const functions: bigint[] = koffi.decode(table, "void *", 131);
  const api = Object.fromEntries(
    Object.entries(signatures).map((
      [name, [index, result, args]],
    ) => [name, koffi.decode(functions[index]!, koffi.proto(result, [...args]))]),
  ) as Runtime["api"];
  const partial = { library, version, api, env: 0n, cpu: 0n, allocator: 0n };
  loaded = partial; // check() reads error messages through it
  partial.env = outOf((place) => api.CreateEnv(3, "implicit", place)); // 3: errors only
  partial.cpu = outOf((place) => api.CreateCpuMemoryInfo(0, 0, place));
  partial.allocator = outOf((place) => api.GetAllocatorWithDefaultOptions(place));
  return loaded;
}

/** Version of the ONNX Runtime library in use, such as "1.30.0". Loads it if need be. */
export function ortVersion(): string {
  return runtime().version;
}

function createOptions(options: SessionOptions): bigint {
  const { api } = runtime();
  const handle = outOf((place) => api.CreateSessionOptions(place));
  try {
    check(api.SetSessionExecutionMode(handle, 0)); // sequential
    check(api.SetIntraOpNumThreads(handle, options.threads ?? availableParallelism()));
    check(api.SetInterOpNumThreads(handle, 1));
    check(api.SetSessionLogSeverityLevel(handle, 3));
    check(
      api.SetSessionGraphOptimizationLevel(handle, optimizationLevels[options.optimize ?? "all"]),
    );
    if (options.arena === false) check(api.DisableCpuMemArena(handle));
    if (options.memoryPattern === false) check(api.DisableMemPattern(handle));
    // Spinning threads steal the cores that other work (an event loop, a second run) needs.
    check(api.AddSessionConfigEntry(handle, "session.intra_op.allow_spinning", "0"));
    if (options.externalFolder) {
      const key = "session.model_external_initializers_file_folder_path";
      check(api.AddSessionConfigEntry(handle, key, options.externalFolder));
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
  const elements = shape.reduce((a, b) => a * b, 1);
  const bytes = elements * dataTypeBytes[dtype];
  if (data.byteLength !== bytes) {
    throw new Error(
      `Expected "${name}" (${dtype} [${shape}]) to hold ${bytes} bytes but found ${data.byteLength}`,
    );
  }
  const { api, cpu } = runtime();
  const dimensions = BigInt64Array.from(shape, BigInt);
  const memory = bytes > 0 ? address(data) : address(new Uint8Array(8)); // never null, never read
  const code = dataTypeCodes[dtype];
  return outOf((place) =>
    api.CreateTensorWithDataAsOrtValue(
      cpu,
      memory,
      bytes,
      shape.length > 0 ? address(dimensions) : null,
      shape.length,
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
    const dtype = (Object.keys(dataTypeCodes) as DataType[]).find((d) => dataTypeCodes[d] === code);
    if (!dtype) {
      throw new Error(`Expected output "${name}" of a known type but found ONNX type ${code}`);
    }
    const rank = Number(outOf((place) => api.GetDimensionsCount(info, place)));
    const dimensions = new BigInt64Array(rank);
    if (rank > 0) check(api.GetDimensions(info, address(dimensions), rank));
    const shape = Array.from(dimensions, Number);
    const bytes = shape.reduce((a, b) => a * b, 1) * dataTypeBytes[dtype];
    const memory = outOf((place) => api.GetTensorMutableData(value, place));
    const buffer = bytes > 0 ? koffi.view(memory, bytes).slice(0) : new ArrayBuffer(0);
    return { dtype, shape, data: typedArray(dtype, buffer) };
  } finally {
    api.ReleaseTensorTypeAndShapeInfo(info);
  }
}

function typedArray(dtype: DataType, buffer: ArrayBuffer): ArrayBufferView {
  switch (dtype) {
    case "float32":
      return new Float32Array(buffer);
    case "int32":
      return new Int32Array(buffer);
    case "int64":
      return new BigInt64Array(buffer);
    case "int8":
      return new Int8Array(buffer);
    case "float16":
    case "bfloat16":
      return new Uint16Array(buffer);
    default:
      return new Uint8Array(buffer);
  }
}

/** What runs under way read and write: held here so that it is not collected before they end. */
const inFlight = new Set<unknown>();

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
  /** C strings of the names, by name; the arrays must stay reachable. */
  private readonly names = new Map<string, Uint8Array>();

  private constructor(handle: bigint) {
    this.handle = handle;
    this.inputNames = this.readNames("SessionGetInputCount", "SessionGetInputName");
    this.outputNames = this.readNames("SessionGetOutputCount", "SessionGetOutputName");
    for (const name of [...this.inputNames, ...this.outputNames]) {
      this.names.set(name, new TextEncoder().encode(name + "\0"));
    }
  }

  /**
   * Loads a model from bytes or from a file; parsing and optimising happen on another thread.
   * @throws with ONNX Runtime's own message if the model is broken or uses an unknown operator.
   */
  static async create(model: Uint8Array | string, options: SessionOptions = {}): Promise<Session> {
    const { api, env } = runtime();
    const settings = createOptions(options);
    const place = new BigUint64Array(1);
    inFlight.add(model).add(place);
    try {
      if (typeof model === "string") {
        await checkAsync(api.CreateSession, env, model, settings, address(place));
      } else {
        const bytes = model.byteLength;
        const memory = address(bytes > 0 ? model : new Uint8Array(8));
        await checkAsync(
          api.CreateSessionFromArray,
          env,
          memory,
          bytes,
          settings,
          address(place),
        );
      }
    } finally {
      inFlight.delete(model);
      inFlight.delete(place);
      api.ReleaseSessionOptions(settings);
    }
    return new Session(place[0]!);
  }

  /**
   * Computes the outputs. Those listed in `outputs` are written into the caller's arrays (and returned
   * as given); without `outputs`, all are allocated. Inputs and outputs must not be touched until then.
   *
   * @throws if an input is missing or unknown, if a tensor's bytes do not fit its shape, and with ONNX
   * Runtime's message if an operator fails.
   */
  async run(
    inputs: Record<string, OrtTensor>,
    outputs?: Record<string, OrtTensor>,
  ): Promise<Record<string, OrtTensor>> {
    if (this.disposed) throw new Error("Expected a live session but found a disposed one");
    for (const name of this.inputNames) {
      if (!inputs[name]) {
        throw new Error(`Expected input "${name}" but found ${Object.keys(inputs).join(", ")}`);
      }
    }
    const { api } = runtime();
    const inputNames = Object.keys(inputs);
    const outputNames = [...new Set([...Object.keys(outputs ?? {}), ...this.outputNames])];
    const values: bigint[] = [];
    const hold: unknown[] = [inputs, outputs];
    inFlight.add(hold);
    this.running++;
    try {
      for (const name of inputNames) values.push(createValue(name, inputs[name]!));
      const results = new BigUint64Array(outputNames.length);
      outputNames.forEach((name, i) => {
        const tensor = outputs?.[name];
        if (tensor) values.push(results[i] = createValue(name, tensor));
      });
      const arrays = [
        this.nameTable(inputNames),
        BigUint64Array.from(values.slice(0, inputNames.length)),
        this.nameTable(outputNames),
        results,
      ];
      hold.push(arrays);
      const [a, b, c, d] = arrays.map(address);
      try {
        await checkAsync(
          api.Run,
          this.handle,
          null,
          a,
          b,
          inputNames.length,
          c,
          outputNames.length,
          d,
        );
      } finally {
        for (const value of results) if (value && !values.includes(value)) values.push(value);
      }
      const found: Record<string, OrtTensor> = {};
      outputNames.forEach((name, i) => {
        found[name] = outputs?.[name] ?? readValue(name, results[i]!);
      });
      return found;
    } finally {
      for (const value of values) api.ReleaseValue(value);
      inFlight.delete(hold);
      this.running--;
      if (this.disposed) this.release();
    }
  }

  /** Frees the session's memory, after the runs under way. */
  dispose(): void {
    this.disposed = true;
    this.release();
  }

  private release(): void {
    if (this.running > 0 || this.handle === 0n) return;
    runtime().api.ReleaseSession(this.handle);
    this.handle = 0n;
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

  private readNames(
    count: "SessionGetInputCount" | "SessionGetOutputCount",
    get: "SessionGetInputName" | "SessionGetOutputName",
  ): string[] {
    const { api, allocator } = runtime();
    const total = Number(outOf((place) => api[count](this.handle, place)));
    return Array.from({ length: total }, (_, i) => {
      const text = outOf((place) => api[get](this.handle, i, allocator, place));
      const name = koffi.decode.string(text);
      check(api.AllocatorFree(allocator, text));
      return name;
    });
  }
}
