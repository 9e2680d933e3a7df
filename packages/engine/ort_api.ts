/**
 * ONNX Runtime's C API as functions: the shared library that the npm package onnxruntime-node ships,
 * found, opened and read through koffi.
 *
 * Knows C signatures, pointers and how the API reports errors; does not know sessions or tensors.
 */
import { readdirSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import process from "node:process";
import koffi from "koffi";

type Pointer = bigint | null;
// deno-lint-ignore no-explicit-any -- koffi's functions take whatever their C signature takes
type NativeFunction = ((...args: any[]) => any) & { async: (...args: any[]) => void };

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
  EnableProfiling: [14, "void *", ["void *", process.platform === "win32" ? "str16" : "str"]],
  DisableMemPattern: [17, "void *", ["void *"]],
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
  CreateAndRegisterAllocator: [144, "void *", ["void *", "void *", "void *"]],
  CreateArenaCfg: [156, "void *", ["size_t", "int", "int", "int", "void *"]],
  AddExternalInitializers: [210, "void *", ["void *", "void *", "void *", "size_t"]],
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

export function runtime(): Runtime {
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
  const functions: bigint[] = koffi.decode(table, "void *", 211);
  const api = Object.fromEntries(
    Object.entries(signatures).map((
      [name, [index, result, args]],
    ) => [name, koffi.decode(functions[index]!, koffi.proto(result, [...args]))]),
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
