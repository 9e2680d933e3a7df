/**
 * One file from the hub to the disk: resumed where it was cut, checked against its hash.
 *
 * The part that has arrived lies at `PATH.incomplete`, as HF tools name it, and stays there when a
 * transfer fails. Does NOT know of repositories' layouts or of what the file is for.
 */
import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { mkdir, open, rename, rm, stat } from "node:fs/promises";
import { dirname } from "node:path";
import { type Client, SILENCE_MS, type Subject } from "./client.ts";

/** A file as the hub's listing describes it. */
export interface HubFile {
  readonly path: string;
  /** In bytes. */
  readonly size: number;
  /** git blob id (sha1 over "blob SIZE\0" and the content), 40 hex digits. */
  readonly oid: string;
  /** sha256 of the content, for files in large-file storage. */
  readonly sha256?: string;
}

/**
 * Fetches `url` into `path`, whole and checked, or throws and leaves no file there.
 *
 * @param onBytes told how many bytes have newly arrived (negative: some had to be thrown away)
 * @throws Error on a wrong hash (the bad file is removed), a full disk, or an unreachable hub.
 */
export async function transfer(
  client: Client,
  subject: Subject,
  url: string,
  file: HubFile,
  path: string,
  onBytes: (count: number) => void = () => {},
  signal?: AbortSignal,
): Promise<void> {
  const part = `${path}.incomplete`;
  await mkdir(dirname(path), { recursive: true });
  let have = await sizeOf(part);
  if (have > file.size) { // another file's remains
    await rm(part);
    have = 0;
  }
  onBytes(have);
  for (let attempt = 1; have < file.size;) {
    const before = have;
    const problem = await fetchRest(client, subject, url, part, have, file.size, onBytes, signal);
    have = await sizeOf(part);
    if (have >= file.size) break;
    signal?.throwIfAborted();
    attempt = have > before ? 1 : attempt + 1; // a line that is cut often still gets there
    if (await client.pause(attempt)) continue;
    throw new Error(
      `Expected ${file.size} bytes of ${file.path} from ${client.endpoint} but found the ` +
        `connection cut after ${have} (${problem?.message ?? "the answer ended early"}). ` +
        `Run it again: it goes on from there.`,
      { cause: problem },
    );
  }
  if (file.size === 0) await (await open(part, "a")).close();

  const [kind, expected, found] = file.sha256
    ? ["sha256", file.sha256, await digest(part, createHash("sha256"))]
    : ["git blob id", file.oid, await digest(part, gitBlob(await sizeOf(part)))];
  if (found !== expected) {
    await rm(part);
    throw new Error(
      `Expected ${kind} ${expected} for ${file.path} of ${subject.name} but found ${found}. ` +
        `The damaged file has been removed: run it again; if it fails again, ${client.endpoint} ` +
        `serves a wrong file: use another HF_ENDPOINT.`,
    );
  }
  await rename(part, path);
}

/** Appends what is missing; returns what cut the transfer short, if anything did. */
async function fetchRest(
  client: Client,
  subject: Subject,
  url: string,
  part: string,
  from: number,
  size: number,
  onBytes: (count: number) => void,
  signal?: AbortSignal,
): Promise<Error | undefined> {
  const silence = new AbortController();
  const both = signal ? AbortSignal.any([silence.signal, signal]) : silence.signal;
  const headers = { "accept-encoding": "identity", ...(from ? { range: `bytes=${from}-` } : {}) };
  const response = await client.fetch(url, { headers, signal: both }, subject);
  // A server that ignores the range, or answers with another one, is taken from the beginning.
  const continues = response.status === 206 &&
    response.headers.get("content-range")?.startsWith(`bytes ${from}-`);
  if (from && !continues) onBytes(-from);
  const handle = await open(part, continues ? "a" : "w");
  const timer = setTimeout(() => silence.abort(new Error("silence")), SILENCE_MS);
  let at = continues ? from : 0;
  try {
    for await (const chunk of chunks(response)) {
      timer.refresh();
      if (at + chunk.length > size) throw new Error(`more than the ${size} bytes announced`);
      await write(handle, chunk, part);
      at += chunk.length;
      onBytes(chunk.length);
    }
  } catch (problem) {
    if (problem instanceof DiskError) throw problem;
    return problem as Error;
  } finally {
    clearTimeout(timer);
    await handle.close();
  }
}

/** The body's pieces (a web stream is not everywhere iterable). */
async function* chunks(response: Response): AsyncGenerator<Uint8Array> {
  const reader = response.body?.getReader();
  try {
    for (let next = await reader?.read(); next && !next.done; next = await reader!.read()) {
      yield next.value;
    }
  } finally {
    // The connection may be the very thing that failed; the first error is the one to tell.
    await reader?.cancel().catch(() => {});
  }
}

/** The disk refused: asking the network again would not help. */
class DiskError extends Error {}

async function write(handle: { write: FileWrite }, chunk: Uint8Array, path: string): Promise<void> {
  try {
    for (let done = 0; done < chunk.length;) {
      done += (await handle.write(chunk, done, chunk.length - done)).bytesWritten;
    }
  } catch (cause) {
    const { code, message } = cause as { code?: string; message: string };
    const isFull = code === "ENOSPC" || code === "EDQUOT";
    throw new DiskError(
      isFull
        ? `Expected room for ${path} but found the disk full. Free some space, or set HF_HOME to a ` +
          `folder on a larger disk; what has arrived is kept and the download goes on from there.`
        : `Expected to write ${path} but found: ${message}. Check the folder's permissions, or set ` +
          `HF_HOME to another one.`,
      { cause },
    );
  }
}
type FileWrite = (b: Uint8Array, from: number, count: number) => Promise<{ bytesWritten: number }>;

async function digest(path: string, hash: ReturnType<typeof createHash>): Promise<string> {
  for await (const chunk of createReadStream(path)) hash.update(chunk);
  return hash.digest("hex");
}

const gitBlob = (size: number) => createHash("sha1").update(`blob ${size}\0`);

const sizeOf = (path: string): Promise<number> =>
  stat(path).then((s) => s.size).catch((error: { code?: string }) => {
    if (error.code === "ENOENT") return 0;
    throw error;
  });
