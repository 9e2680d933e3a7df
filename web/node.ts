/**
 * What the packages want of Node, in a browser tab: an import map leads every `node:` module here.
 * Files lie in memory, and whoever listens hears of every change; paths and sha256 are computed;
 * what a tab has no use for says so when it is called.
 *
 * It knows no file's content.
 *
 * @module
 */
import { sha256 } from "@noble/hashes/sha2.js";
import { bytesToHex } from "@noble/hashes/utils.js";

type Bytes = Uint8Array<ArrayBuffer>;

const files = new Map<string, Bytes>();
const folders = new Set<string>();
const opened = new Map<number, Bytes>();
let listener: (path: string, bytes: Bytes | null) => unknown = () => {};

/** Puts a file there, or takes it away, without telling the listener. */
export function place(path: string, bytes: Bytes): void {
  files.set(path, bytes);
}

/** Calls `heard` for every file that is written or removed from now on; a write waits for it. */
export function listen(heard: typeof listener): void {
  listener = heard;
}

async function write(path: string, bytes: Bytes): Promise<void> {
  files.set(path, bytes);
  await listener(path, bytes);
}

async function remove(path: string): Promise<void> {
  if (files.delete(path)) await listener(path, null);
}

function found(path: string): Bytes {
  const bytes = files.get(path);
  if (bytes) return bytes;
  throw Object.assign(new Error(`ENOENT: no such file, ${path}`), { code: "ENOENT" });
}

const encoded = (content: string | Uint8Array): Bytes =>
  typeof content === "string" ? new TextEncoder().encode(content) : content.slice() as Bytes;

const below = (folder: string) => [...files.keys()].filter((path) => path.startsWith(`${folder}/`));

// node:fs
export const existsSync = (path: string) => files.has(path) || below(path).length > 0;
export function openSync(path: string): number {
  const handle = opened.size === 0 ? 3 : Math.max(...opened.keys()) + 1;
  opened.set(handle, found(path));
  return handle;
}
export function readSync(
  handle: number,
  into: Uint8Array,
  at: number,
  length: number,
  from: number,
): number {
  const part = opened.get(handle)!.subarray(from, from + length);
  into.set(part, at);
  return part.length;
}
export const closeSync = (handle: number) => void opened.delete(handle);

// node:fs/promises
export const readFile = (path: string, encoding?: string) =>
  Promise.try(() => encoding ? new TextDecoder().decode(found(path)) : found(path).slice());
export const readdir = (folder: string) =>
  Promise.try(() => {
    const names = below(folder).map((path) => path.slice(folder.length + 1).split("/")[0]!);
    if (names.length === 0 && !folders.has(folder)) found(folder);
    return [...new Set(names)];
  });
export const stat = (path: string) =>
  Promise.try(() => ({ size: found(path).length, isFile: () => true }));
export const mkdir = (folder: string) => Promise.resolve(void folders.add(folder));
export const writeFile = async (path: string, content: string | Uint8Array) =>
  await write(path, encoded(content));
export const rm = async (path: string) => {
  folders.delete(path);
  await Promise.all([path, ...below(path)].map(remove));
};
export const rename = async (from: string, to: string) => {
  await write(to, found(from));
  await remove(from);
};
/** For writing alone; the file is there when it is closed. */
export function open(path: string) {
  const parts: Bytes[] = [];
  return Promise.resolve({
    writeFile: (content: Uint8Array) => Promise.resolve(void parts.push(encoded(content))),
    sync: () => Promise.resolve(),
    close: async () => place(path, await new Blob(parts).bytes()),
  });
}

// node:path
export const sep = "/";
export const join = (...parts: string[]): string => {
  const names: string[] = [];
  for (const name of parts.join("/").split("/")) {
    if (name === "..") names.pop();
    else if (name !== "" && name !== ".") names.push(name);
  }
  return (parts.join("").startsWith("/") ? "/" : "") + names.join("/");
};
export const resolve = (...parts: string[]) => join("/", ...parts);
export const basename = (path: string) => path.split("/").at(-1)!;
export const dirname = (path: string) => join(path, "..");
export const relative = (_from: string, to: string) => to;

// node:crypto
export function createHash() {
  const hash = sha256.create();
  return {
    update(content: string | Uint8Array) {
      hash.update(encoded(content));
      return this;
    },
    digest: () => bytesToHex(hash.digest()),
  };
}
export const randomUUID = () => crypto.randomUUID();

// node:os, node:timers/promises
export const availableParallelism = () => 2;
export const setImmediate = () => Promise.resolve();

// node:process and node:util
export default { cwd: () => "/", env: {}, platform: "browser", pid: 1, versions: {} };

function absent(): never {
  throw new Error("Expected Node or Deno, but found a browser tab, which has no such thing.");
}
/** What is imported, and called by nothing that the page does. */
export {
  absent as appendFile,
  absent as Buffer,
  absent as clearInterval,
  absent as createRequire,
  absent as gunzipSync,
  absent as hostname,
  absent as mkdirSync,
  absent as readdirSync,
  absent as readFileSync,
  absent as realpath,
  absent as rmSync,
  absent as setInterval,
  absent as setTimeout,
  absent as statSync,
  absent as stripVTControlCharacters,
  absent as utimesSync,
  absent as Worker,
  absent as writeFileSync,
};
export const parentPort = null, workerData = null;
