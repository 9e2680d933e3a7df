/**
 * A repository of the hub and its copy in the cache that all Hugging Face tools share:
 * `models--OWNER--NAME/{refs, snapshots/COMMIT, blobs}`, each file of a snapshot a link into blobs.
 *
 * Files are fetched once, and only when asked for. What a revision consists of is kept beside the
 * snapshot with its hash (`listings/COMMIT.json`), so that a second use asks nobody anything. Does NOT know which
 * files a checkpoint or a data set needs.
 */
import { createHash } from "node:crypto";
import { existsSync } from "node:fs";
import { copyFile, mkdir, readdir, readFile, rename, rm, symlink } from "node:fs/promises";
import { dirname, join, relative, sep } from "node:path";
import process from "node:process";
import {
  datasetInfo,
  downloadFile,
  getHFHubCachePath,
  listFiles,
  modelInfo,
} from "@huggingface/hub";
import writeFileAtomic from "write-file-atomic";
import { isWhole, saveBlob } from "./blob.ts";
import { connect, type Connection, type ConnectionOptions, type Subject } from "./connection.ts";

/** How far a download is. */
export interface DownloadProgress {
  /** The file whose bytes arrived last. */
  readonly file: string;
  /** Bytes on the disk, of `total` wanted. */
  readonly bytes: number;
  readonly total: number;
}

/** Where from, where to, and whom to tell. */
export interface HubOptions extends ConnectionOptions {
  /** Branch, tag or commit. Default "main". */
  revision?: string;
  /** The cache's folder. Default HF_HUB_CACHE, else HF_HOME/hub, else ~/.cache/huggingface/hub. */
  cache?: string;
  /** Ask the hub whether the branch has moved, though the cache has a copy. Default false. */
  refresh?: boolean;
  onProgress?: (progress: DownloadProgress) => void;
}

/** A file as the listing has it. */
interface HubFile {
  readonly path: string;
  /** In bytes. */
  readonly size: number;
  /** Its git blob id, 40 hex digits; "" where that is unknown. */
  readonly oid: string;
  /** In large-file storage: sha256 of the content, 64 hex digits. */
  readonly sha256?: string;
}

/** One revision of a repository. */
export interface Repository {
  /** The commit (40 hex digits) the revision stands for. */
  readonly commit: string;
  /** The snapshot's folder. */
  readonly folder: string;
  /** All files of the revision, whether fetched or not; sorted. */
  readonly paths: readonly string[];
  /**
   * Makes these files present and returns where they lie; those in the cache are not asked for, unless
   * they are no longer what their hash says.
   */
  get(paths: readonly string[]): Promise<string[]>;
}

/**
 * Opens a revision: from the cache if it is there, else by asking the hub what it consists of.
 *
 * @throws Error that says what to do: gated, missing, out of reach, offline and not in the cache.
 */
export async function openRepository(
  kind: "model" | "dataset",
  name: string,
  options: HubOptions = {},
): Promise<Repository> {
  const { revision = "main", refresh = false, cache = getHFHubCachePath(), onProgress } = options;
  if (!/^[\w-][\w.-]*(\/[\w-][\w.-]*)?$/.test(name)) {
    throw new Error(
      `Expected a ${kind}'s name on the hub ("owner/name") or a local folder but found ` +
        `${JSON.stringify(name)}. If it is a folder, check that it exists.`,
    );
  }
  checkPath(revision, "revision");
  const connection = await connect(options);
  const { offline } = connection;
  const lacking = (what: string, found: string) =>
    new Error(
      `Expected ${what} in the cache ${cache} because HF_HUB_OFFLINE is set, but found ${found}. ` +
        "Unset HF_HUB_OFFLINE once to download it, or set HF_HOME to the cache that has it.",
    );

  const subject = { kind, name, revision };
  const root = join(cache, `${kind}s--${name.replace("/", "--")}`);
  const known = offline || !refresh ? await cached(root, subject, offline) : null;
  if (!known && offline) throw lacking(`${kind} ${name} (revision ${revision})`, "no copy");
  const { commit, files } = known ?? await ask(connection, subject, root);
  const folder = join(root, "snapshots", commit);
  return {
    commit,
    folder,
    paths: files.map(({ path }) => path).sort(),
    async get(paths) {
      const missing: HubFile[] = [];
      for (const path of paths) {
        const file = files.find((one) => one.path === path);
        if (!file) throw new Error(`Expected ${path} in ${kind} ${name} but found no such file.`);
        const here = join(folder, path);
        if (!existsSync(here)) missing.push(file);
        else if (!await isWhole(here, hashOf(file))) {
          if (offline) throw lacking(`${path} of ${kind} ${name}`, "a damaged copy");
          console.warn(`Kept in ${here}, but damaged since: fetched anew.`);
          missing.push(file);
        }
      }
      if (missing.length > 0 && offline) {
        throw lacking(`${missing[0]!.path} of ${kind} ${name}`, "a copy without it");
      }
      const total = missing.reduce((sum, { size }) => sum + size, 0);
      let bytes = 0;
      for (const file of missing) {
        const blob = join(root, "blobs", hashOf(file));
        const onBytes = (count: number) => {
          bytes += count;
          onProgress?.({ file: file.path, bytes, total });
        };
        if (existsSync(blob) && await isWhole(blob, hashOf(file))) onBytes(file.size);
        else {
          await rm(blob, { force: true });
          const content = await onHub(connection, { ...subject, revision: commit }, file);
          const called = { name: `${file.path} of ${name}`, hash: hashOf(file), onBytes };
          await saveBlob(content, blob, called);
        }
        await linkTo(blob, join(folder, file.path));
      }
      return paths.map((path) => join(folder, path));
    },
  };
}

/** What the cache knows of a revision, or null. */
async function cached(root: string, subject: Subject, offline: boolean) {
  const { revision } = subject;
  const ref = await readText(join(root, "refs", ...revision.split("/")));
  const commit = ref?.trim() ?? revision;
  if (!COMMIT.test(commit)) return null;
  const listed = listing(await readText(listingOf(root, commit)), subject);
  if (listed) return { commit, files: listed };
  if (!offline) return null;
  // Another tool's copy, which keeps no listing: what is there is all there is.
  const entries = await readdir(join(root, "snapshots", commit), { recursive: true })
    .catch(() => []);
  const files = entries.map((path) => ({ path: path.split(sep).join("/"), size: 0, oid: "" }));
  return files.length ? { commit, files } : null;
}

const listingOf = (root: string, commit: string) => join(root, "listings", `${commit}.json`);
const sha256 = (text: string) => createHash("sha256").update(text).digest("hex");

/** The files that a kept listing names; null where it is none, or damaged: the hub is asked again. */
function listing(text: string | null, subject: Subject): HubFile[] | null {
  if (text === null) return null;
  try {
    const { files, sha256: hash } = JSON.parse(text);
    if (hash !== sha256(JSON.stringify(files))) throw new Error("another hash");
    checkFiles(files, subject);
    return files;
  } catch {
    console.warn(`Kept for ${subject.name}, but damaged since: which files it has is asked anew.`);
    return null;
  }
}

/** What a listing says becomes file names. @throws where one would lead out of the cache */
function checkFiles(files: readonly HubFile[], { kind, name }: Subject): void {
  for (const file of files) {
    checkPath(file.path, "file name");
    const digits = file.sha256 === undefined ? 40 : 64, hash = hashOf(file);
    const isHash = typeof hash === "string" && hash.length === digits && /^[0-9a-f]+$/.test(hash);
    if (isHash && Number.isSafeInteger(file.size) && file.size >= 0) continue;
    throw new Error(
      `Expected a hash for ${file.path} of ${kind} ${name}, and its size, but found ` +
        `${JSON.stringify(hash)} and ${JSON.stringify(file.size)}. Use another HF_ENDPOINT.`,
    );
  }
}

/** Asks the hub which commit the revision stands for and which files it has. */
async function ask(connection: Connection, subject: Subject, root: string) {
  const { kind, name, revision } = subject;
  const hub = { hubUrl: connection.endpoint, fetch: connection.fetchFor(subject) };
  const { sha } = kind === "model"
    ? await modelInfo({ name, revision, additionalFields: ["sha"], ...hub })
    : await datasetInfo({ name, revision, additionalFields: ["sha"], ...hub });
  if (!COMMIT.test(sha)) {
    throw new Error(`Expected a commit for ${name} but found ${sha}. Use another HF_ENDPOINT.`);
  }
  const all = { ...hub, repo: { type: kind, name }, recursive: true, revision: sha };
  const files: HubFile[] = [];
  for await (const { type, path, size, oid = "", lfs } of listFiles(all)) {
    const large = lfs && { size: lfs.size, sha256: lfs.oid };
    if (type === "file") files.push({ path, size, oid, ...large });
  }
  checkFiles(files, subject);
  const kept = { files, sha256: sha256(JSON.stringify(files)) };
  await writeWhole(listingOf(root, sha), JSON.stringify(kept));
  if (revision !== sha) await writeWhole(join(root, "refs", ...revision.split("/")), sha);
  return { commit: sha, files };
}

/** A file as the library streams it. */
async function onHub(connection: Connection, subject: Subject, file: HubFile): Promise<Blob> {
  const { kind, name, revision } = subject;
  const path = file.path.split("/").map(encodeURIComponent).join("/");
  const home = `${connection.endpoint}/${kind === "dataset" ? "datasets/" : ""}${name}`;
  const blob = await downloadFile({
    repo: { type: kind, name },
    path: file.path,
    // As the listing has it. The library would ask, and find Xet's chunks, which no mirror has.
    downloadInfo: { size: file.size, etag: file.oid, url: `${home}/resolve/${revision}/${path}` },
    fetch: connection.fetchFor(subject),
  });
  return blob!; // null only where the library has asked
}

/** Puts a blob into the snapshot: a relative link as HF tools make, or a copy. */
async function linkTo(blob: string, path: string): Promise<void> {
  await mkdir(dirname(path), { recursive: true });
  const temporary = `${path}.${process.pid}.tmp`;
  await symlink(relative(dirname(path), blob), temporary).catch(() => copyFile(blob, temporary));
  await rename(temporary, path);
}

async function writeWhole(path: string, text: string): Promise<void> {
  await mkdir(dirname(path), { recursive: true });
  await writeFileAtomic(path, text);
}

/** Names from outside become file names: none may lead out of the cache. */
function checkPath(path: string, what: string): void {
  const parts = typeof path === "string" ? path.split("/") : [""];
  if (!/[\\:]/.test(path) && parts.every((p) => p !== "" && p !== "." && p !== "..")) return;
  throw new Error(`Expected a relative path as ${what} but found ${JSON.stringify(path)}.`);
}

/** What a file is checked against and its blob is named after. */
const hashOf = ({ sha256, oid }: HubFile) => sha256 ?? oid;

const COMMIT = /^[0-9a-f]{40}$/;
const readText = (path: string): Promise<string | null> =>
  readFile(path, "utf8").catch((error: { code?: string }) => {
    if (error.code === "ENOENT") return null;
    throw error;
  });
