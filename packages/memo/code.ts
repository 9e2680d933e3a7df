/**
 * A hash of the code that computes a result: the sources that an entry file reaches through its
 * imports, without comments and white space, and the versions of the packages among them. So a
 * comment changes nothing, and a change of what runs changes everything it computed. Knows how the
 * workspace's names lead to files; does not know what the code does.
 */
import { createHash } from "node:crypto";
import { readdir, readFile } from "node:fs/promises";
import { dirname, join, relative } from "node:path";
import jsTokens from "js-tokens";

/** An import or export that leads to another module, unless of types alone. */
const IMPORT =
  /^import "([^"\n]+)"|^(?:import|export) (?!type )[\w\s{},*$]*?\bfrom "([^"\n]+)"|\bimport\("([^"\n]+)"\)/gm;

/** What an entry reaches: files relative to the project, and packages with their versions. */
export interface Closure {
  readonly files: readonly string[];
  readonly packages: readonly string[];
}

/**
 * Follows imports from `entries` (paths relative to `root`, the workspace's folder); imports of types alone
 * are not followed, since they compute nothing.
 *
 * @throws if an import leads to no file, workspace member or package of deno.json.
 */
export async function importClosure(
  entries: readonly string[],
  root: string,
): Promise<Closure> {
  const { imports } = JSON.parse(await readFile(join(root, "deno.json"), "utf8")) as {
    imports: Record<string, string>;
  };
  const members = await workspaceDoors(root);
  const files = new Set<string>(), packages = new Set<string>();
  const follow = async (file: string): Promise<void> => {
    if (files.has(file)) return;
    files.add(file);
    const source = await readFile(join(root, file), "utf8");
    for (const [, bare, named, dynamic] of source.matchAll(IMPORT)) {
      const name = bare ?? named ?? dynamic!;
      if (name.startsWith("node:")) continue;
      const door = name.startsWith(".") ? join(dirname(file), name) : members.get(name);
      if (door) {
        await follow(door);
        continue;
      }
      const found = Object.keys(imports).find((key) => name === key || name.startsWith(`${key}/`));
      const version = found ? imports[found]! : name.startsWith("npm:") ? name : null;
      if (version === null) {
        throw new Error(
          `Expected "${name}", which ${file} imports, in deno.json's imports or workspace, but ` +
            "found it in neither: add it there.",
        );
      }
      packages.add(version);
    }
  };
  for (const entry of entries) await follow(entry);
  return { files: [...files].sort(), packages: [...packages].sort() };
}

/** Names of the workspace's members → their doors, relative to the project. */
async function workspaceDoors(root: string): Promise<Map<string, string>> {
  const packages = (await readdir(join(root, "packages"))).map((name) => join("packages", name));
  const doors = new Map<string, string>();
  for (const folder of ["lib", ...packages]) {
    const { name, exports } = JSON.parse(await readFile(join(root, folder, "deno.json"), "utf8"));
    const all: Record<string, string> = typeof exports === "string" ? { ".": exports } : exports;
    for (const [door, file] of Object.entries(all)) {
      doors.set(join(name, door), relative(root, join(root, folder, file)));
    }
  }
  return doors;
}

/** Source text without comments and white space. */
export function bareSource(source: string): string {
  const bare = [];
  for (const { type, value } of jsTokens(source)) {
    if (!/Comment$|^WhiteSpace$|^LineTerminatorSequence$/.test(type)) bare.push(value);
  }
  return bare.join(" ");
}

const known = new Map<string, Promise<string>>();

/**
 * The first 16 hexadecimal digits of the hash of what `entries` reach, read once in a process.
 *
 * @param root the workspace's folder, with deno.json, `lib` and `packages`
 * @throws as {@link importClosure} does.
 * @example
 * const code = await codeVersion(["lib/run.ts"], "/home/me/project");
 */
export function codeVersion(entries: readonly string[], root: string): Promise<string> {
  const key = [root, ...entries].join(" ");
  const version = known.get(key) ?? hashCode(entries, root);
  known.set(key, version);
  return version;
}

/** As {@link codeVersion}, of the sources as they are now. */
export async function hashCode(entries: readonly string[], root: string): Promise<string> {
  const { files, packages } = await importClosure(entries, root);
  const hash = createHash("sha256").update(packages.join("\n"));
  for (const file of files) {
    hash.update(`\n${file}\n`).update(bareSource(await readFile(join(root, file), "utf8")));
  }
  return hash.digest("hex").slice(0, 16);
}
