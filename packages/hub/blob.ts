/**
 * One file of the hub on the disk: goes on where an earlier run was cut, and is checked against its
 * hash before it gets its name.
 *
 * What has arrived lies at `PATH.incomplete`, as HF tools name it, and stays there when a download
 * fails. Does NOT know of snapshots or of what the file is for.
 */
import { createHash } from "node:crypto";
import { createReadStream, createWriteStream } from "node:fs";
import { mkdir, rename, rm, stat } from "node:fs/promises";
import { dirname } from "node:path";
import { pipeline } from "node:stream/promises";

/**
 * Writes `content` to `path`, whole and checked, or throws and leaves no file there.
 *
 * @param content the file on the hub; sliced where a part of it is here already
 * @param hash hex digits: 64, the sha256 of the content, or 40, the id of its git blob (sha1 over
 *   "blob SIZE\0" and the content)
 * @param onBytes told how many bytes are new on the disk, those of an earlier run first
 * @throws Error on a wrong hash (the bad file is removed), a full disk, or an unreachable hub.
 */
export async function saveBlob(
  content: Blob,
  path: string,
  file: { name: string; hash: string; onBytes: (count: number) => void },
): Promise<void> {
  const { size } = content;
  const part = `${path}.incomplete`;
  await mkdir(dirname(path), { recursive: true });
  let have = await sizeOf(part);
  if (have > size) { // another file's remains
    await rm(part);
    have = 0;
  }
  file.onBytes(have);
  async function* rest() {
    if (have === size) return;
    for await (const chunk of content.slice(have).stream()) {
      have += chunk.length;
      if (have > size) throw new Error(`more than the ${size} bytes announced`);
      yield chunk;
      file.onBytes(chunk.length);
    }
    if (have < size) throw new Error("the answer ended early");
  }
  try {
    await pipeline(rest, createWriteStream(part, { flags: "a" }));
  } catch (cause) {
    // The library's blob hands on no more than the message of a refused request.
    if (typeof cause === "string") throw new Error(cause);
    const { code, message } = cause as Error & { code?: string };
    const isFull = code === "ENOSPC" || code === "EDQUOT";
    throw new Error(
      `Expected ${size} bytes of ${file.name} but found the download cut after ` +
        `${await sizeOf(part)} (${message}). ` +
        (isFull ? "The disk is full: free some space, or set HF_HOME to a larger one. " : "") +
        "Run it again: it goes on from there.",
      { cause },
    );
  }

  const found = await digest(part, file.hash);
  if (found !== file.hash) {
    await rm(part);
    throw new Error(
      `Expected ${
        file.hash.length === 64 ? "sha256" : "git blob id"
      } ${file.hash} for ${file.name} but found ` +
        `${found}. The damaged file has been removed: run it again; if it fails again, use another ` +
        "HF_ENDPOINT.",
    );
  }
  await rename(part, path);
}

/** Whether a file is still what its hash says; true where the hash is unknown (""). */
export async function isWhole(path: string, hash: string): Promise<boolean> {
  return hash === "" || await digest(path, hash) === hash;
}

/** The hash of a file, of the same kind as `like`: sha256, or a git blob id. */
async function digest(path: string, like: string): Promise<string> {
  const isSha256 = like.length === 64;
  const hash = createHash(isSha256 ? "sha256" : "sha1");
  if (!isSha256) hash.update(`blob ${await sizeOf(path)}\0`);
  for await (const chunk of createReadStream(path)) hash.update(chunk);
  return hash.digest("hex");
}

const sizeOf = (path: string): Promise<number> => stat(path).then(({ size }) => size, () => 0);
