/**
 * A repository of the hub and its copy in the cache that all Hugging Face tools share:
 * `models--OWNER--NAME/{refs, snapshots/COMMIT, blobs}`, each file of a snapshot a link into blobs.
 *
 * Files are fetched once, several at a time, and only when asked for. What a revision consists of
 * is kept beside the snapshot (`listings/COMMIT.json`), so that a second use asks nobody anything.
 * Does NOT know which files a checkpoint or a data set needs.
 */
import { copyFile, link, mkdir, readdir, readFile, rename, stat, symlink } from "node:fs/promises";
import { dirname, join, relative, sep } from "node:path";
import process from "node:process";
import writeFileAtomic from "write-file-atomic";
import { datasetInfo, getHFHubCachePath, listFiles, modelInfo } from "@huggingface/hub";
import { type Client, type ClientOptions, createClient, type Subject } from "./client.ts";
import { type HubFile, transfer } from "./transfer.ts";

/** How far a download is. */
export interface DownloadProgress {
  /** The file whose bytes arrived last. */
  readonly file: string;
  /** Bytes on the disk, of `total` wanted. */
  readonly bytes: number;
  readonly total: number;
  /** At this download's mean speed; Infinity before the first byte. */
  readonly secondsLeft: number;
}

/** Where from, where to, and whom to tell. */
export interface HubOptions extends ClientOptions {
  /** Branch, tag or commit. Default "main". */
  revision?: string;
  /** The cache's folder. Default HF_HUB_CACHE, else HF_HOME/hub, else ~/.cache/huggingface/hub. */
  cache?: string;
  /** Ask the hub whether the branch has moved, though the cache has a copy. Default false. */
  refresh?: boolean;
  /** Files fetched at the same time. Default 4. */
  concurrency?: number;
  onProgress?: (progress: DownloadProgress) => void;
}

/** One revision of a repository. */
export interface Repository {
  readonly name: string;
  /** The commit (40 hex digits) the revision stands for. */
  readonly commit: string;
  /** The snapshot's folder. */
  readonly folder: string;
  /** All files of the revision, whether fetched or not; sorted. */
  readonly paths: readonly string[];
  /** Makes these files present and returns where they lie; those in the cache are not asked for. */
  get(paths: readonly string[]): Promise<string[]>;
}

/**
 * Opens a revision: from the cache if it is there, else by asking the hub what it consists of.
 *
 * @throws Error when the repository is gated, missing, not in the cache while offline, or when the
 *   hub cannot be reached. Each says what to do.
 */
export async function openRepository(
  kind: "model" | "dataset",
  name: string,
  options: HubOptions = {},
): Promise<Repository> {
  const { revision = "main", refresh = false } = options;
  checkName(kind, name);
  checkPath(revision, "revision");
  const client = await createClient(options);
  const subject: Subject = { kind, name, revision };
  const root = join(options.cache ?? getHFHubCachePath(), `${kind}s--${name.replace("/", "--")}`);

  const known = client.offline || !refresh ? await cached(root, revision, client.offline) : null;
  if (!known && client.offline) {
    throw new Error(
      `Expected ${kind} ${name} (revision ${revision}) in the cache ${dirname(root)} because ` +
        `HF_HUB_OFFLINE is set, but found no copy. Unset HF_HUB_OFFLINE once to download it, or set ` +
        `HF_HOME to the cache that has it.`,
    );
  }
  const { commit, files } = known ?? await ask(client, subject, root);
  const folder = join(root, "snapshots", commit);
  return {
    name,
    commit,
    folder,
    paths: files.map((file) => file.path).sort(),
    async get(paths) {
      const wanted = paths.map((path) => {
        const file = files.find((f) => f.path === path);
        if (!file) throw new Error(`Expected ${path} in ${kind} ${name} but found no such file.`);
        return file;
      });
      await fetchFiles(client, subject, root, commit, wanted, options);
      return paths.map((path) => join(folder, path));
    },
  };
}

/** What the cache knows of a revision, or null. */
async function cached(root: string, revision: string, offline: boolean) {
  const ref = await readText(join(root, "refs", ...revision.split("/")));
  const commit = ref?.trim() ?? (/^[0-9a-f]{40}$/.test(revision) ? revision : null);
  if (!commit) return null;
  checkPath(commit, "commit");
  const listing = await readText(join(root, "listings", `${commit}.json`));
  if (listing) return { commit, files: JSON.parse(listing) as HubFile[] };
  if (!offline) return null;
  // Another tool's copy, which keeps no listing: what is there is all there is.
  const folder = join(root, "snapshots", commit);
  const entries = await readdir(folder, { recursive: true }).catch(() => []);
  const files = entries.map((path) => ({ path: path.split(sep).join("/"), size: 0, oid: "" }));
  return files.length ? { commit, files } : null;
}

/** Asks the hub which commit the revision stands for and which files it has. */
async function ask(client: Client, subject: Subject, root: string) {
  const { kind, name, revision } = subject;
  const hub = {
    hubUrl: client.endpoint,
    // The library's requests go through our client: repeated, authorised and explained alike.
    fetch:
      ((url: string | URL | Request, init?: RequestInit) =>
        client.fetch(String(url), init ?? {}, subject)) as typeof fetch,
  };
  const { sha } = kind === "model"
    ? await modelInfo({ name, revision, additionalFields: ["sha"], ...hub })
    : await datasetInfo({ name, revision, additionalFields: ["sha"], ...hub });
  checkPath(sha, "commit");
  const files: HubFile[] = [];
  const repo = { type: kind, name } as const;
  for await (const e of listFiles({ repo, recursive: true, revision: sha, ...hub })) {
    if (e.type !== "file") continue;
    checkPath(e.path, "file name");
    const sha256 = e.lfs ? { sha256: e.lfs.oid } : {};
    files.push({ path: e.path, size: e.lfs?.size ?? e.size, oid: e.oid ?? "", ...sha256 });
  }
  await writeWhole(join(root, "listings", `${sha}.json`), JSON.stringify(files));
  if (revision !== sha) await writeWhole(join(root, "refs", ...revision.split("/")), sha);
  return { commit: sha, files };
}

async function fetchFiles(
  client: Client,
  subject: Subject,
  root: string,
  commit: string,
  wanted: readonly HubFile[],
  options: HubOptions,
): Promise<void> {
  const { kind, name } = subject;
  const folder = join(root, "snapshots", commit);
  const missing: HubFile[] = [];
  for (const file of wanted) if (!await exists(join(folder, file.path))) missing.push(file);
  if (missing.length && client.offline) {
    throw new Error(
      `Expected ${missing[0]!.path} of ${kind} ${name} in the cache ${dirname(root)} because ` +
        `HF_HUB_OFFLINE is set, but found a copy without it. Unset HF_HUB_OFFLINE once to fetch it.`,
    );
  }
  const report = meter(missing, options.onProgress);
  const failed = new AbortController(); // one file's failure ends the others: it needs a human
  const signals = [failed.signal, ...(options.signal ? [options.signal] : [])];
  const signal = AbortSignal.any(signals);
  const transfers = new Map<string, Promise<void>>(); // two paths may have one content
  const fetchBlob = async (file: HubFile, blob: string) => {
    if (await exists(blob)) return report(file, file.size);
    const prefix = kind === "dataset" ? "datasets/" : "";
    const path = file.path.split("/").map(encodeURIComponent).join("/");
    const url = `${client.endpoint}/${prefix}${name}/resolve/${commit}/${path}`;
    const onBytes = (count: number) => report(file, count);
    await transfer(client, subject, url, file, blob, onBytes, signal);
  };
  const fetchOne = async (file: HubFile) => {
    const blob = join(root, "blobs", file.sha256 ?? file.oid);
    if (!transfers.has(blob)) transfers.set(blob, fetchBlob(file, blob));
    await transfers.get(blob);
    await place(blob, join(folder, file.path));
  };
  const queue = [...missing];
  const worker = async () => {
    for (let file = queue.shift(); file; file = queue.shift()) await fetchOne(file);
  };
  const workers = Array.from({ length: options.concurrency ?? 4 }, () =>
    worker().catch((error) => {
      if (!failed.signal.aborted) failed.abort(error);
    }));
  await Promise.all(workers);
  signal.throwIfAborted();
}

/** Adds up what arrives over all files. */
function meter(files: readonly HubFile[], onProgress: HubOptions["onProgress"]) {
  const blobs = new Map(files.map((file) => [file.sha256 ?? file.oid, file.size]));
  const total = [...blobs.values()].reduce((sum, size) => sum + size, 0);
  let bytes = 0;
  let arrived = 0; // without what an earlier run had left, which says nothing about the speed
  const begun = new Set<HubFile>();
  const start = performance.now();
  return (file: HubFile, count: number) => {
    bytes += count;
    if (begun.has(file) && count > 0) arrived += count;
    begun.add(file);
    const seconds = (performance.now() - start) / 1000;
    const secondsLeft = bytes >= total ? 0 : (total - bytes) * seconds / arrived;
    onProgress?.({ file: file.path, bytes, total, secondsLeft });
  };
}

/** Puts a blob into the snapshot: a relative link as HF tools make, or whatever the disk allows. */
async function place(blob: string, path: string): Promise<void> {
  await mkdir(dirname(path), { recursive: true });
  const temporary = `${path}.${process.pid}.tmp`;
  await symlink(relative(dirname(path), blob), temporary)
    .catch(() => link(blob, temporary))
    .catch(() => copyFile(blob, temporary));
  await rename(temporary, path);
}

async function writeWhole(path: string, text: string): Promise<void> {
  await mkdir(dirname(path), { recursive: true });
  await writeFileAtomic(path, text);
}

function checkName(kind: string, name: string): void {
  if (/^[\w-][\w.-]*(\/[\w-][\w.-]*)?$/.test(name)) return;
  throw new Error(
    `Expected a ${kind}'s name on the hub ("owner/name") or a local folder but found ` +
      `${JSON.stringify(name)}. If it is a folder, check that it exists.`,
  );
}

/** Names from outside become file names: none may lead out of the cache. */
function checkPath(path: string, what: string): void {
  const parts = path.split("/");
  if (!path.includes("\\") && parts.every((p) => p !== "" && p !== "." && p !== "..")) return;
  throw new Error(`Expected a relative path as ${what} but found ${JSON.stringify(path)}.`);
}

const exists = (path: string) => stat(path).then(() => true, () => false);
const readText = (path: string): Promise<string | null> =>
  readFile(path, "utf8").catch((error: { code?: string }) => {
    if (error.code === "ENOENT") return null;
    throw error;
  });
