/**
 * The page's scripts: today's sources bundled for a browser. An import map puts the engine's web
 * twins, Node in memory and two small modules in the places of what a tab has not; nothing else
 * differs from what the notebooks run.
 *
 * It knows paths and Deno's bundler, and nothing of the page.
 */
import { spawnSync } from "node:child_process";
import { mkdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { pathToFileURL } from "node:url";

/** Modules of Node that the packages import. */
const NODE = [
  ...["fs", "fs/promises", "path", "process", "os", "crypto", "util", "module", "zlib", "buffer"],
  ...["worker_threads", "timers", "timers/promises"],
];

/** What a browser gets in the place of what: the project's own files. */
const twins: Readonly<Record<string, string>> = {
  "packages/engine/ort.ts": "packages/engine/web/session.ts",
  "packages/engine/ort_api.ts": "packages/engine/web/session.ts",
  "packages/engine/backends.ts": "packages/engine/web/backends.ts",
  "packages/decoder/decode/session.ts": "packages/decoder/decode/session_web.ts",
  "@implicit/hub": "packages/hub/example.ts", // what a data set is, without the hub
  "@implicit/notebook": "web/twins/notebook.ts",
  "write-file-atomic": "web/twins/write_file_atomic.ts",
  ...Object.fromEntries(NODE.map((name) => [`node:${name}`, "web/node.ts"])),
};

/** The workspace's other doors that the page goes through. */
const doors: Readonly<Record<string, string>> = {
  "@implicit/engine": "packages/engine/mod.ts",
  "@implicit/engine/web": "packages/engine/web/mod.ts",
  "@implicit/decoder": "packages/decoder/mod.ts",
  "@implicit/world": "packages/world/mod.ts",
  "@implicit/alpaca-eval": "packages/alpaca-eval/mod.ts",
  "@implicit/memo": "packages/memo/mod.ts",
  "implicit/web": "lib/web.ts",
};

/** The scripts and where each begins. */
const entries = {
  "page.js": "web/page.ts",
  "worker.js": "web/worker.ts",
  "session.js": "packages/engine/web/session_worker.ts",
};

type ScriptName = keyof typeof entries;

/**
 * Bundles the scripts, each into one classic script.
 *
 * @param root the project's folder
 * @param cache a folder for what is fetched and made on the way
 * @returns their sources, and the bytes of onnxruntime-web's WebAssembly
 * @throws with a tool's own words where one fails.
 */
export async function bundleScripts(
  root: string,
  cache: string,
): Promise<{ scripts: Record<ScriptName, string>; wasm: Uint8Array }> {
  await mkdir(cache, { recursive: true });
  const { imports } = JSON.parse(await readFile(join(root, "deno.json"), "utf8")) as {
    imports: Record<string, string>;
  };
  const { script, wasm } = await fetchOrt(cache, imports["onnxruntime-common"]!.split("@")[1]!);
  const address = (path: string) => pathToFileURL(join(root, path)).href;
  const led = Object.entries({ ...doors, ...twins }).map(([from, to]) =>
    [from.startsWith("packages/") ? address(from) : from, address(to)] as const
  );
  const map = join(cache, "import_map.json");
  const ort = { "onnxruntime-common": pathToFileURL(script).href };
  await writeFile(
    map,
    JSON.stringify({ imports: { ...imports, ...Object.fromEntries(led), ...ort } }),
  );
  const scripts: Record<string, string> = {};
  for (const [name, entry] of Object.entries(entries)) {
    const output = join(cache, name);
    const flags = ["--quiet", "--no-lock", "--platform=browser", "--format=iife", "--minify"];
    run(Deno.execPath(), ["bundle", ...flags, `--import-map=${map}`, "-o", output, entry], root);
    scripts[name] = await readFile(output, "utf8");
  }
  return { scripts: scripts as Record<ScriptName, string>, wasm };
}

/**
 * Two files of the npm package onnxruntime-web, whose other 139 MB nobody wants in node_modules; kept
 * in `cache`. The script is told its own address, which a classic script knows under another name.
 */
async function fetchOrt(cache: string, version: string) {
  const name = `onnxruntime-web-${version}`;
  const script = join(cache, `${name}.mjs`), binary = join(cache, `${name}.wasm`);
  const kept = await readFile(binary).catch(() => null);
  if (kept) return { script, wasm: kept };
  const npm = ["pack", "--silent", `onnxruntime-web@${version}`, "--pack-destination", cache];
  run("npm", npm, cache);
  const dist = join("package", "dist");
  const [source, wasm] = ["ort.wasm.bundle.min.mjs", "ort-wasm-simd-threaded.wasm"]
    .map((file) => join(dist, file));
  const archive = join(cache, `${name}.tgz`);
  run("tar", ["-xzf", archive, "-C", cache, source!, wasm!], cache);
  const text = await readFile(join(cache, source!), "utf8");
  await writeFile(script, text.replaceAll("import.meta.url", "self.location.href"));
  const bytes = await readFile(join(cache, wasm!));
  await writeFile(binary, bytes);
  await rm(join(cache, "package"), { recursive: true });
  await rm(archive);
  return { script, wasm: bytes };
}

function run(program: string, args: readonly string[], cwd: string): void {
  const { status, stdout, stderr, error } = spawnSync(program, args, { cwd, encoding: "utf8" });
  if (status === 0) return;
  const said = error?.message ?? `${stdout}${stderr}`.trim().split("\n").slice(-6).join("\n");
  throw new Error(`Expected "${program} ${args[0]}" to succeed, but found: ${said}`);
}
