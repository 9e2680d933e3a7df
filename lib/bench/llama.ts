/**
 * llama.cpp as a peer: node-llama-cpp in a folder of its own, apart from this project's dependencies,
 * and the models that it reads. Knows where both lie; what runs them is llama_peer.mjs.
 */
import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdir, rename, rm } from "node:fs/promises";
import { join } from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { projectRoot } from "../study/settings.ts";
import { type GgufFormat, writeGguf } from "./gguf.ts";
import { randomModel, shapes } from "./shapes.ts";
import { Side } from "./turns.ts";

const VERSION = "3.21.1";

/** node-llama-cpp's packages of libraries for processors. */
const platforms: Readonly<Record<string, string>> = {
  "linux-x64": "linux-x64",
  "linux-arm64": "linux-arm64",
  "darwin-arm64": "mac-arm64-metal",
  "darwin-x64": "mac-x64",
  "win32-x64": "win-x64",
  "win32-arm64": "win-arm64",
};

const folder = join(projectRoot(), ".cache", "llama.cpp");
const installed = join(folder, `node-llama-cpp-${VERSION}`);
const modelOf = (format: GgufFormat) => join(folder, `SmolLM2-135M-${format}.gguf`);

/** Where node-llama-cpp is, and the model it is to read. */
export interface Llama {
  readonly folder: string;
  readonly model: string;
}

/** Where llama.cpp is with the model of a format, or a sentence on how to get them. */
export function findLlama(format: GgufFormat): Llama | string {
  const model = modelOf(format);
  return existsSync(installed) && existsSync(model)
    ? { folder: installed, model }
    : `\`deno task bench --fetch\` puts node-llama-cpp ${VERSION} and models into ${folder}`;
}

/** A process of llama.cpp that takes turns. */
export function startLlama({ folder, model }: Llama, threads: number): Side {
  const peer = fileURLToPath(new URL("llama_peer.mjs", import.meta.url));
  const args = [peer, folder, model, `${threads}`];
  return new Side("node", args, threads, { UV_THREADPOOL_SIZE: "1" });
}

/**
 * Installs node-llama-cpp (84 MB) with npm and writes the models (680 MB), where they are not yet.
 *
 * @throws where npm does not install it, or there is none for this processor.
 */
export async function fetchLlama(onStep: (what: string) => void): Promise<void> {
  const platform = platforms[`${process.platform}-${process.arch}`];
  if (!platform) {
    throw new Error(
      `Expected Linux, macOS or Windows for llama.cpp, but found ${process.platform} ${process.arch}.`,
    );
  }
  await mkdir(folder, { recursive: true });
  if (!existsSync(installed)) {
    onStep(`node-llama-cpp ${VERSION}`);
    const part = `${installed}.part`;
    await rm(part, { recursive: true, force: true });
    await mkdir(part);
    const names = ["node-llama-cpp", `@node-llama-cpp/${platform}`];
    const { status, stderr, error } = spawnSync("npm", [
      "install",
      "--prefix=.",
      "--ignore-scripts", // the library is in the package, there is nothing to build
      "--omit=optional", // those of all other processors
      ...names.map((name) => `${name}@${VERSION}`),
    ], { cwd: part, encoding: "utf8", shell: process.platform === "win32" });
    if (status !== 0) {
      throw new Error(
        `Expected npm to install node-llama-cpp, but found: ${error?.message ?? stderr.trim()}`,
      );
    }
    await rename(part, installed);
  }
  const formats = (["f32", "q8_0"] as const).filter((format) => !existsSync(modelOf(format)));
  if (formats.length === 0) return;
  onStep("the models");
  const model = randomModel("S", shapes["SmolLM2-135M"]);
  for (const format of formats) {
    const part = `${modelOf(format)}.part`;
    await writeGguf(model, part, format);
    await rename(part, modelOf(format));
  }
}
