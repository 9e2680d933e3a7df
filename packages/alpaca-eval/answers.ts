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

  /** What is kept for a question; undefined where there is nothing, or nothing whole. */
  get(asked: unknown): unknown {
    const file = this.fileOf(asked);
    try {
      const kept = JSON.parse(readFileSync(file, "utf8"));
      if (kept.sha256 === sha256(JSON.stringify([asked, kept.reply]))) return kept.reply;
    } catch (error) {
      if (ABSENT.includes((error as { code?: string }).code ?? "")) return undefined;
      // What cannot be parsed, or read from the disk, is damaged too.
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
