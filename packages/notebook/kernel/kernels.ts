/**
 * The two kernels that run the notebooks: Deno's own, which is always here, and tslab on Node,
 * which is fetched when it is asked for.
 *
 * Knows how each is installed and started. It does not speak to them (kernel.ts).
 */
import { spawnSync, type SpawnSyncReturns } from "node:child_process";
import { existsSync } from "node:fs";
import { copyFile, mkdir, readFile, rename, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import process from "node:process";
import { writeWhole } from "./write.ts";

export const kernelNames = ["deno", "tslab"] as const;
export type KernelName = typeof kernelNames[number];

/** How a kernel is started: program and arguments, and what its environment needs. */
export interface KernelSpec {
  readonly argv: readonly string[];
  readonly env: Readonly<Record<string, string>>;
}

const TSLAB = "tslab@1.0.22", NODE_TYPES = "@types/node@20.19.0";
/** Megabytes of JavaScript heap; tensors and weights live outside it. */
const HEAP = "--max-old-space-size=4096";

/**
 * Makes a kernel ready for the notebooks of the project in `root`: for tslab that is a bundle of
 * the library and, the first time, an installation from npm.
 *
 * @param say is told what is being fetched.
 * @throws when npm or the network is missing, or the bundle fails; says what to do.
 */
export async function prepareKernel(
  name: KernelName,
  root: string,
  say: (line: string) => void = () => {},
): Promise<KernelSpec> {
  if (name === "deno") {
    return {
      argv: [Deno.execPath(), "jupyter", "--kernel", "--conn", "{connection_file}"],
      env: { DENO_V8_FLAGS: HEAP, DENO_NO_UPDATE_CHECK: "1" },
    };
  }
  const folder = join(root, ".cache", "tslab");
  const program = join(folder, "node_modules", "tslab", "bin", "tslab");
  if (!existsSync(program)) {
    say(`fetching ${TSLAB} from npm, about 90 MB, once`);
    await installTslab(folder);
  }
  await linkNodeTypes(root, folder);
  await bundleLibrary(root);
  return {
    argv: ["node", program, "kernel", "--config-path", "{connection_file}"],
    env: { NODE_OPTIONS: HEAP },
  };
}

/**
 * Writes kernel.json files, so that Jupyter finds the kernels when `folder` is on JUPYTER_PATH (or
 * is its data folder).
 */
export async function registerKernels(
  folder: string,
  specs: ReadonlyMap<KernelName, KernelSpec>,
): Promise<void> {
  for (const [name, { argv, env }] of specs) {
    const place = join(folder, "kernels", name);
    await mkdir(place, { recursive: true });
    const spec = {
      argv,
      env,
      display_name: { deno: "Deno", tslab: "TypeScript (tslab)" }[name],
      language: "typescript",
    };
    await writeWhole(join(place, "kernel.json"), JSON.stringify(spec, null, 2) + "\n");
  }
}

async function installTslab(folder: string): Promise<void> {
  await mkdir(folder, { recursive: true });
  await writeFile(join(folder, "package.json"), `{ "private": true }\n`);
  const npm = process.platform === "win32" ? "npm.cmd" : "npm";
  const result = spawnSync(npm, ["install", "--no-audit", "--no-fund", TSLAB, NODE_TYPES], {
    cwd: folder,
    encoding: "utf8",
  });
  refuse(result, "npm install tslab", "check the network and that npm is on the PATH");
}

/** tslab checks types in cells, and looks for Node's where the notebooks are. */
async function linkNodeTypes(root: string, folder: string): Promise<void> {
  const link = join(root, "node_modules", "@types", "node");
  if (existsSync(link)) return;
  await mkdir(join(root, "node_modules", "@types"), { recursive: true });
  await symlink(join(folder, "node_modules", "@types", "node"), link, "junction");
}

/**
 * Writes `node_modules/implicit`: the library as one module that Node can import. Packages stay
 * outside it and are found in node_modules. It brings no types, so that in tslab everything from it
 * is `any`: the bundler's declarations of all rooms in one file would clash.
 *
 * @throws with the bundler's words when it fails.
 */
export async function bundleLibrary(root: string): Promise<void> {
  const folder = join(root, "node_modules", "implicit");
  const config = JSON.parse(await readFile(join(root, "deno.json"), "utf8")) as {
    imports: Record<string, string>;
  };
  const external = Object.keys(config.imports).filter((name) => name !== "implicit")
    .flatMap((name) => ["--external", name]);
  await mkdir(folder, { recursive: true });
  const partial = join(folder, "partial.mjs");
  const flags = ["--quiet", "--platform=deno", "--packages=external", "--format=esm"];
  const result = spawnSync(
    Deno.execPath(),
    ["bundle", ...flags, ...external, "-o", partial, join(root, "lib", "mod.ts")],
    { cwd: root, encoding: "utf8" },
  );
  refuse(result, "deno bundle lib/mod.ts", "mend the fault it names");
  await rename(partial, join(folder, "index.mjs"));
  // Threads start from a file, which they look for beside the module.
  const worker = "in_place_worker.mjs";
  await copyFile(join(root, "packages", "engine", worker), join(folder, worker));
  const manifest = { name: "implicit", private: true, main: "index.mjs" };
  await writeFile(join(folder, "package.json"), JSON.stringify(manifest, null, 2) + "\n");
}

function refuse(result: SpawnSyncReturns<string>, command: string, advice: string): void {
  if (result.status === 0) return;
  const reason = (result.error?.message ?? result.stderr ?? "").trim().split("\n").slice(-4)
    .join("\n");
  throw new Error(`Expected "${command}" to succeed but found: ${reason}\n${advice}.`);
}
