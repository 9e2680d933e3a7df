/**
 * The two kernels that run the notebooks: Deno's own, which is always here, and tslab on Node,
 * which is fetched when it is asked for.
 *
 * Knows how each is installed and started. It does not speak to them (kernel.ts).
 */
import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { bundleLibrary } from "./bundle.ts";
import type { KernelSpec } from "./kernel.ts";
import { writeWhole } from "./write.ts";

export const kernelNames = ["deno", "tslab"] as const;
export type KernelName = typeof kernelNames[number];

/**
 * TypeScript 5.9 writes the library's declarations, and wants Node's types. tslab keeps older ones
 * of its own: in the project's node_modules they would be in the way of Deno's.
 */
const PACKAGES = ["tslab@1.0.22", "@types/node@20.19.0", "typescript@5.9.3"];
/** What lives inside the kernels: tslab loads it as it starts, Deno's when relay.ts asks for it. */
const cellFile = new URL("./cell.mjs", import.meta.url).href;
/** The kernels stand behind it. */
const relayFile = fileURLToPath(new URL("./relay.ts", import.meta.url));
/** In a command for the relay, the connection file of the kernel that it starts. */
const INNER = "{kernel_connection_file}";
/** Megabytes of JavaScript heap; tensors and weights live outside it. */
const HEAP = "--max-old-space-size=4096";

/**
 * Makes a kernel ready for the notebooks of the project in `root`: for tslab that is a bundle of
 * the library and, the first time, an installation from npm, which `say` is told of.
 *
 * @throws when npm or the network is missing, or the bundle fails; says what to do.
 */
export async function prepareKernel(
  name: KernelName,
  root: string,
  say: (line: string) => void = () => {},
): Promise<KernelSpec> {
  const env = { DENO_V8_FLAGS: HEAP, DENO_NO_UPDATE_CHECK: "1" };
  const relay = [Deno.execPath(), "run", "-A", relayFile, "{connection_file}", name];
  if (name === "deno") {
    return { argv: [...relay, Deno.execPath(), "jupyter", "--kernel", "--conn", INNER], env };
  }
  const folder = join(root, ".cache", "tslab");
  const program = join(folder, "node_modules", "tslab", "bin", "tslab");
  const typescript = join(folder, "node_modules", "typescript", "lib", "tsc.js");
  if (!existsSync(program) || !existsSync(typescript)) {
    say(`fetching ${PACKAGES[0]} from npm, about 110 MB, once`);
    await installTslab(folder);
  }
  await bundleLibrary(root, typescript);
  return {
    argv: [...relay, "node", "--import", cellFile, program, "kernel", "--config-path", INNER],
    env: { ...env, NODE_OPTIONS: HEAP },
  };
}

/**
 * Writes kernel.json files, so that Jupyter finds the kernels when `folder` is on JUPYTER_PATH (or
 * is its data folder). tslab is left out, with a word, where it cannot be fetched.
 */
export async function registerKernels(root: string, folder: string): Promise<void> {
  for (const name of kernelNames) {
    try {
      const spec = {
        ...await prepareKernel(name, root, console.error),
        interrupt_mode: "message",
        display_name: { deno: "Deno", tslab: "TypeScript (tslab)" }[name],
        language: "typescript",
      };
      const path = join(folder, "kernels", name, "kernel.json");
      await writeWhole(path, JSON.stringify(spec, null, 2) + "\n");
    } catch (error) {
      console.error(`Going on without the kernel ${name}. ${(error as Error).message}`);
    }
  }
}

async function installTslab(folder: string): Promise<void> {
  await mkdir(folder, { recursive: true });
  await writeFile(join(folder, "package.json"), `{ "private": true }\n`);
  const npm = process.platform === "win32" ? "npm.cmd" : "npm";
  const args = ["install", "--no-audit", "--no-fund", ...PACKAGES];
  const { status, error, stderr } = spawnSync(npm, args, { cwd: folder, encoding: "utf8" });
  if (status === 0) return;
  throw new Error(
    `Expected "npm install tslab" to succeed but found: ${error?.message ?? stderr.trim()}\n` +
      "Check the network and that npm is on the PATH.",
  );
}
