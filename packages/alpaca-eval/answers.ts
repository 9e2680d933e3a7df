/**
 * Answers that were paid for, a file each under the hash of what was asked. Each carries its own
 * hash: what does not fit is damaged, said, and counts as not there. Knows nothing of who answers.
 */
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import writeFileAtomic from "write-file-atomic";

const sha256 = (text: string): string => createHash("sha256").update(text).digest("hex");

/** No file of that name: also below a file, and where the name is too long. */
const ABSENT = ["ENOENT", "ENOTDIR", "ENAMETOOLONG"];

/** The answers in a folder. */
export class KeptAnswers {
  /** Files whose damage has been said. */
  readonly #said = new Set<string>();

  constructor(readonly folder: string) {}

  /** The file of an answer; equal questions have the same. */
  fileOf(asked: unknown): string {
    return join(this.folder, sha256(JSON.stringify(asked)) + ".json");
  }

  /**
   * What is kept for a question; undefined where there is nothing, or nothing whole.
   *
   * @throws where there is a file that may not be read: it may well hold what was paid for
   */
  get(asked: unknown): unknown {
    const file = this.fileOf(asked);
    try {
      const kept = JSON.parse(readFileSync(file, "utf8"));
      if (kept.sha256 === sha256(JSON.stringify([asked, kept.reply]))) return kept.reply;
    } catch (error) {
      const { code, message } = error as { code?: string; message: string };
      if (code !== undefined && ABSENT.includes(code)) return undefined;
      // What cannot be parsed is damaged, as is what the disk lost; another's file is neither.
      if (code !== undefined && code !== "EIO") {
        throw new Error(
          `Expected to read a kept answer in ${file} but found: ${message}. Nothing was asked: make ` +
            "it readable, or name another folder",
        );
      }
    }
    if (!this.#said.has(file)) {
      process.emitWarning(`Expected a whole answer in ${file} but found it damaged: asked anew`);
    }
    this.#said.add(file);
    return undefined;
  }

  /** Keeps an answer, at once. @throws where it cannot be written */
  keep(asked: unknown, reply: unknown): void {
    const hash = sha256(JSON.stringify([asked, reply]));
    writeFileAtomic.sync(this.fileOf(asked), JSON.stringify({ asked, reply, sha256: hash }));
  }
}
