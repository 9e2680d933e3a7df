/**
 * What has to be done to packages that others have made before they run here: where ONNX Runtime's
 * library is, and what tfjs misses or says too much.
 *
 * It knows nothing of what they compute.
 *
 * @module
 */
import { readdirSync } from "node:fs";
import { createRequire } from "node:module";
import { basename, dirname, join } from "node:path";
import process from "node:process";
import util from "node:util";
import * as tf from "@tensorflow/tfjs-core";

const library = /^(libonnxruntime\.so\.\d+|libonnxruntime\.[\d.]+\.dylib|onnxruntime\.dll)$/;

/**
 * The path of the shared library that the npm package onnxruntime-node ships for this platform.
 *
 * @throws where it ships none.
 */
export function ortLibrary(): string {
  // The only way to a package's folder that Deno and Node have in common.
  const { resolve } = createRequire(import.meta.url);
  const bin = join(dirname(resolve("onnxruntime-node")), "..", "bin");
  const platform = join(process.platform, process.arch);
  const path = (readdirSync(bin, { recursive: true }) as string[])
    .find((path) => dirname(path).endsWith(platform) && library.test(basename(path)));
  if (path) return join(bin, path);
  throw new Error(
    `Expected onnxruntime-node to ship a library for ${process.platform} ${process.arch} but found ` +
      `none in ${bin}. Its platforms are Linux, macOS (arm64) and Windows.`,
  );
}

/** Keeps tfjs's cpu backend from printing an advertisement on its first operation. */
export function quietenTfjs(): void {
  tf.env().set("PROD", true);
}

/** Defines what tfjs-node 4.22 calls and newer runtimes have dropped. */
export function mendUtil(): void {
  Object.assign(util, { isNullOrUndefined: (value: unknown) => value == null });
}
