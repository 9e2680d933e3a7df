/** Writes files whole: a reader sees the old one or the new one, never half. */
import { mkdir } from "node:fs/promises";
import { dirname } from "node:path";
import writeFileAtomic from "write-file-atomic";

/**
 * Writes a file under another name and renames it; makes its folder if need be.
 *
 * @throws when the folder or the file cannot be written; says what to do.
 * @example await writeWhole("report/results.json", JSON.stringify(results));
 */
export async function writeWhole(path: string, content: string | Uint8Array): Promise<void> {
  try {
    await mkdir(dirname(path), { recursive: true });
    await writeFileAtomic(path, content);
  } catch (cause) {
    throw new Error(
      `Expected to write ${path} but found ${(cause as Error).message}: ` +
        `free the disk or choose another folder.`,
      { cause },
    );
  }
}
