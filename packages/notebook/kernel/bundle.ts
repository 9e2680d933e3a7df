/**
 * The library as a package that Node can import: one bundled module, and declarations beside it, so
 * that tslab completes names and checks cells. It is written to node_modules/implicit. Knows Deno's
 * bundler and TypeScript's emitter; not kernels.
 */
import { spawnSync } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { copyFile, mkdtemp, readdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { basename, dirname, join, relative } from "node:path";

const NAME = "implicit", DOOR = "lib/mod.ts";
/** Threads and processes start from a file, which they look for beside the module. */
const STARTED = [
  "packages/engine/in_place_worker.mjs",
  "packages/hub/transformers_peer.ts",
  "packages/hub/frame.ts",
];

/**
 * Bundles the library of the project in `root`. Packages stay outside, in node_modules.
 *
 * @param typescript path of `typescript/lib/tsc.js`, 5.6 or later, with `@types/node` beside it.
 * @throws with the tool's words when one fails.
 */
export async function bundleLibrary(root: string, typescript: string): Promise<void> {
  const config = JSON.parse(await readFile(join(root, "deno.json"), "utf8")) as {
    imports: Record<string, string>;
    workspace: string[];
  };
  const folder = join(root, "node_modules", NAME);
  const partial = await mkdtemp(join(root, "node_modules", `.${NAME}-`));
  try {
    const external = Object.keys(config.imports).flatMap((name) => ["--external", name]);
    const flags = ["--quiet", "--platform=deno", "--packages=external", "--format=esm"];
    const output = join(partial, "index.mjs");
    run(Deno.execPath(), ["bundle", ...flags, ...external, "-o", output, DOOR], root);
    for (const file of STARTED) await copyFile(join(root, file), join(partial, basename(file)));
    await declare(root, partial, typescript, doorsOf(root, config.workspace));
    const types = join("types", DOOR.replace(/\.ts$/, ".d.ts"));
    const manifest = { name: NAME, private: true, main: "index.mjs", types };
    await writeFile(join(partial, "package.json"), JSON.stringify(manifest, null, 2) + "\n");
    await rm(folder, { recursive: true, force: true });
    await rename(partial, folder);
  } finally {
    await rm(partial, { recursive: true, force: true });
  }
}

/** The workspace's other members: name → the file of its door. */
function doorsOf(root: string, workspace: readonly string[]): Map<string, string> {
  const doors = new Map<string, string>();
  const folders = workspace.flatMap((pattern) => {
    const parent = dirname(pattern); // no node:fs globSync: Node 20 has none
    return pattern.endsWith("/*")
      ? readdirSync(join(root, parent)).map((name) => join(parent, name))
      : [pattern];
  });
  for (const folder of folders) {
    const { name, exports } = JSON.parse(readFileSync(join(root, folder, "deno.json"), "utf8"));
    const door = exports?.["."] ?? exports;
    if (name !== NAME && typeof door === "string") doors.set(name, join(folder, door));
  }
  return doors;
}

/** Writes a declaration for every file behind the door; members find each other by path. */
async function declare(
  root: string,
  folder: string,
  typescript: string,
  doors: ReadonlyMap<string, string>,
): Promise<void> {
  const types = join(folder, "types");
  const compilerOptions = {
    declaration: true,
    emitDeclarationOnly: true,
    noCheck: true, // Deno has checked
    strict: true,
    noUncheckedIndexedAccess: true,
    allowImportingTsExtensions: true,
    target: "es2022",
    lib: ["es2024"],
    types: ["node"],
    typeRoots: [join(dirname(typescript), "..", "..", "@types")],
    module: "esnext",
    moduleResolution: "bundler",
    rootDir: root,
    outDir: types,
    paths: Object.fromEntries([...doors].map(([name, door]) => [name, [join(root, door)]])),
  };
  const project = join(folder, "tsconfig.json");
  await writeFile(project, JSON.stringify({ compilerOptions, files: [join(root, DOOR)] }));
  run("node", [typescript, "--project", project], root);
  await rm(project);
  for (const entry of await readdir(types, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile()) continue;
    const path = join(entry.parentPath, entry.name);
    const text = (await readFile(path, "utf8")).replace(
      /(?<=from |import\()"([^".][^"]*)"/g,
      (quoted, name) => {
        const door = doors.get(name);
        return door ? `"./${relative(entry.parentPath, join(types, door))}"` : quoted;
      },
    );
    await writeFile(path, text);
  }
}

function run(program: string, args: readonly string[], cwd: string): void {
  const { status, stdout, stderr, error } = spawnSync(program, args, { cwd, encoding: "utf8" });
  if (status === 0) return;
  const said = error?.message ?? `${stdout}${stderr}`.trim().split("\n").slice(-4).join("\n");
  throw new Error(`Expected "${program} ${args[0]}" to succeed but found: ${said}`);
}
