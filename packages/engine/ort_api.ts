/**
 * ONNX Runtime's C API as functions, opened and read through koffi.
 *
 * Knows C signatures, pointers and how the API reports errors; does not know sessions or tensors.
 */
import process from "node:process";
import koffi from "koffi";
import { ortLibrary } from "./foreign.ts";

type Pointer = bigint | null;
// deno-lint-ignore no-explicit-any -- koffi's functions take whatever their C signature takes
type NativeFunction = ((...args: any[]) => any) & { async: (...args: any[]) => void };

const p = "void *", size = "size_t", path = process.platform === "win32" ? "str16" : "str";

/** Position in the C API's table of functions (onnxruntime_c_api.h; the table only ever grows), result, arguments. */
const signatures = {
  GetErrorMessage: [2, "str", [p]],
  CreateEnv: [3, p, ["int", "str", p]],
  CreateSession: [7, p, [p, path, p, p]],
  CreateSessionFromArray: [8, p, [p, p, size, p, p]],
  Run: [9, p, [p, p, p, p, size, p, size, p]],
  CreateSessionOptions: [10, p, [p]],
  SetSessionExecutionMode: [13, p, [p, "int"]],
  EnableProfiling: [14, p, [p, path]],
  DisableMemPattern: [17, p, [p]],
  SetSessionLogSeverityLevel: [22, p, [p, "int"]],
  SetSessionGraphOptimizationLevel: [23, p, [p, "int"]],
  SetIntraOpNumThreads: [24, p, [p, "int"]],
  SetInterOpNumThreads: [25, p, [p, "int"]],
  SessionGetInputCount: [30, p, [p, p]],
  SessionGetOutputCount: [31, p, [p, p]],
  SessionGetInputName: [36, p, [p, size, p, p]],
  SessionGetOutputName: [37, p, [p, size, p, p]],
  CreateTensorWithDataAsOrtValue: [49, p, [p, p, size, p, size, "int", p]],
  GetTensorMutableData: [51, p, [p, p]],
  GetTensorElementType: [60, p, [p, p]],
  GetDimensionsCount: [61, p, [p, p]],
  GetDimensions: [62, p, [p, p, size]],
  GetTensorTypeAndShape: [65, p, [p, p]],
  CreateCpuMemoryInfo: [69, p, ["int", "int", p]],
  AllocatorFree: [76, p, [p, p]],
  GetAllocatorWithDefaultOptions: [78, p, [p]],
  ReleaseStatus: [93, "void", [p]],
  ReleaseSession: [95, "void", [p]],
  ReleaseValue: [96, "void", [p]],
  ReleaseTensorTypeAndShapeInfo: [99, "void", [p]],
  ReleaseSessionOptions: [100, "void", [p]],
  AddSessionConfigEntry: [130, p, [p, "str", "str"]],
  CreateAndRegisterAllocator: [144, p, [p, p, p]],
  CreateArenaCfg: [156, p, [size, "int", "int", "int", p]],
  AddExternalInitializers: [210, p, [p, p, p, size]],
} as const;

export interface Runtime {
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
export function address(view: ArrayBufferView): bigint {
  void view.buffer;
  return koffi.address(view); // of the buffer itself it gives none where threads share it
}

/** Calls `fn` with a place for one pointer or size as its last argument, and returns what was put there. */
export function outOf(fn: (place: bigint) => Pointer): bigint {
  const place = new BigUint64Array(1);
  check(fn(address(place)));
  return place[0]!;
}

/** Turns an OrtStatus into an Error; null is success. */
export function check(status: Pointer): void {
  if (!status) return;
  const { api } = loaded!;
  const message: string = api.GetErrorMessage(status);
  api.ReleaseStatus(status);
  throw new Error(`ONNX Runtime: ${message}`);
}

/** Calls `fn` on another thread. */
export async function checkAsync(fn: NativeFunction, ...args: unknown[]): Promise<void> {
  check(
    await new Promise<Pointer>((resolve, reject) =>
      fn.async(
        ...args,
        (error: unknown, status: Pointer) => error ? reject(error) : resolve(status),
      )
    ),
  );
}

/** The library, loaded the first time that it is asked for. */
export function runtime(): Runtime {
  if (loaded) return loaded;
  const file = ortLibrary();
  const library = koffi.load(file);
  const [getApi, getVersion] = koffi.decode(
    library.func("OrtGetApiBase", "void *", [])(),
    "void *",
    2,
  );
  const version: string = koffi.decode(getVersion, koffi.proto("str", []))();
  const table = koffi.decode(getApi, koffi.proto("void *", ["uint32_t"]))(17); // 17: oldest table with all we call
  if (!table) {
    throw new Error(`Expected ONNX Runtime 1.17 or newer in ${file} but found ${version}`);
  }
  const functions: bigint[] = koffi.decode(table, "void *", 211);
  const api = Object.fromEntries(
    Object.entries(signatures).map(([name, [index, result, args]]) => [
      name,
      koffi.decode(functions[index]!, koffi.proto(result, [...args])),
    ]),
  ) as Runtime["api"];
  const partial = { library, version, api, env: 0n, cpu: 0n, allocator: 0n };
  loaded = partial; // check() reads error messages through it
  partial.env = outOf((place) => api.CreateEnv(4, "implicit", place)); // 4: silent, errors are thrown
  partial.cpu = outOf((place) => api.CreateCpuMemoryInfo(0, 0, place));
  // One pool of memory for all sessions, which grows by what is asked for: 0, 1 and twice the default.
  const arena = outOf((place) => api.CreateArenaCfg(0, 1, -1, -1, place));
  const inArena = outOf((place) => api.CreateCpuMemoryInfo(1, 0, place));
  check(api.CreateAndRegisterAllocator(partial.env, inArena, arena));
  partial.allocator = outOf((place) => api.GetAllocatorWithDefaultOptions(place));
  return loaded;
}

/** Version of the ONNX Runtime library in use, such as "1.30.0". Loads it if need be. */
export function ortVersion(): string {
  return runtime().version;
}

/** A NUL-terminated string in memory of ours. */
export function cString(text: string): Uint8Array {
  return new TextEncoder().encode(text + "\0");
}
