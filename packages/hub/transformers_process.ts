/**
 * transformers.js in a process of its own (transformers_peer.ts): how it is started, spoken to and
 * ended; not what is asked of it.
 *
 * Imported here it would enter deno.lock and node_modules with half a gigabyte, Node could not import
 * it from Deno's cache at all, and its steps would block the event loop. Deno fetches it once, into
 * its own cache, when that is asked for.
 */
import { Buffer } from "node:buffer";
import { type ChildProcessByStdio, spawn } from "node:child_process";
import process from "node:process";
import type { Readable, Writable } from "node:stream";
import { fileURLToPath } from "node:url";
import type { ExportType } from "./export.ts";
import { decodeBody, encodeFrame, type Frame, HEAD, lengthsOf } from "./frame.ts";

/** What is fetched and imported. */
export const PACKAGE = "npm:@huggingface/transformers@4.3.1";

/** transformers.js is not on this machine; the message says how large it is and how to fetch it. */
export class NotInstalled extends Error {
  override name = "NotInstalled";
}

export interface PeerArguments {
  /** The package to import. */
  transformers: string;
  folder: string;
  task: "generate" | "embed";
  dtype?: ExportType;
}

export interface GenerationRequest {
  prompts: readonly (readonly number[])[];
  maxTokens: number;
  /** What ends a response; null: nothing does. */
  eosIds: readonly number[] | null;
  /** Stands where a prompt has nothing; no prompt begins with it. */
  padId: number;
  /** Whether each step's logits are sent over, to be edited. */
  edits: boolean;
}

export interface EmbeddingRequest {
  texts: readonly string[];
  maxTokens: number;
}

/**
 * Starts the process and waits until it has loaded the model in `folder`.
 *
 * @throws {NotInstalled} where transformers.js is not in Deno's cache and `install` is not set.
 */
export async function startTransformers(
  task: PeerArguments["task"],
  folder: string,
  { install = false, dtype }: { install?: boolean; dtype?: ExportType },
): Promise<TransformersProcess> {
  const started = new TransformersProcess({ transformers: PACKAGE, folder, task, dtype }, install);
  try {
    const { json } = await started.receive();
    if (!json.missing) return started;
    throw new NotInstalled(
      install
        ? `Expected to fetch transformers.js but found: ${json.missing}. Check the network.`
        : `transformers.js is not installed (490 MB); \`deno cache --no-lock ` +
          `--node-modules-dir=none ${PACKAGE}\` fetches it, once`,
    );
  } catch (error) {
    await started.end();
    throw error;
  }
}

/** The process, spoken to one request at a time. */
export class TransformersProcess {
  #turn: Promise<unknown> = Promise.resolve();
  #said = "";
  #held: Uint8Array = new Uint8Array();
  readonly #child: ChildProcessByStdio<Writable, Readable, Readable>;
  readonly #output: AsyncIterator<Uint8Array>;
  readonly #gone: Promise<unknown>;

  constructor(args: PeerArguments, install: boolean) {
    const deno = "deno" in process.versions ? process.execPath : "deno";
    const flags = ["run", "-A", "--no-lock", "--no-config", "--node-modules-dir=none"];
    if (!install) flags.push("--cached-only");
    const peer = fileURLToPath(new URL("./transformers_peer.ts", import.meta.url));
    this.#child = spawn(deno, [...flags, peer, JSON.stringify(args)], {
      stdio: ["pipe", "pipe", "pipe"],
    });
    this.#gone = new Promise((resolve) => {
      this.#child.on("error", resolve); // there is no such program
      this.#child.on("close", resolve);
    });
    this.#child.stdin.on("error", () => {}); // it has ended: the output says so too
    this.#child.stderr.on("data", (text) => this.#said = (this.#said + text).slice(-2000));
    this.#output = this.#child.stdout[Symbol.asyncIterator]();
  }

  /**
   * Sends a request and returns the answer. What comes before it goes through `edit`, whose result
   * is sent back; where `edit` throws, the request ends with that error.
   */
  ask(request: unknown, edit?: (frame: Frame) => Float32Array): Promise<Frame> {
    const answer = this.#turn.then(async () => {
      this.#child.stdin.write(encodeFrame(request));
      while (true) {
        const frame = await this.receive();
        if (!frame.json.dims) return frame;
        try {
          this.#child.stdin.write(encodeFrame({}, edit!(frame)));
        } catch (error) {
          this.#child.stdin.write(encodeFrame({ stop: true }));
          await this.receive().catch(() => {}); // that it has stopped
          throw error;
        }
      }
    });
    this.#turn = answer.catch(() => {});
    return answer;
  }

  async end(): Promise<void> {
    this.#child.stdin.end();
    this.#child.kill();
    await this.#gone;
  }

  /** The next message. */
  async receive(): Promise<Frame> {
    const lengths = lengthsOf(await this.#take(HEAD));
    const frame = decodeBody(await this.#take(lengths[0] + lengths[1]), lengths);
    if (!frame.json.error) return frame;
    throw new Error(`Expected an answer of transformers.js but found: ${frame.json.error}`);
  }

  /** The next `size` bytes of its output. */
  async #take(size: number): Promise<Uint8Array> {
    const parts: Uint8Array[] = [this.#held];
    for (let count = this.#held.length; count < size;) {
      const { value, done } = await this.#output.next();
      if (done) throw await this.#ended();
      parts.push(value);
      count += value.length;
    }
    const all = Buffer.concat(parts);
    this.#held = all.subarray(size);
    return all.subarray(0, size);
  }

  async #ended(): Promise<Error> {
    const reason = await this.#gone;
    if ((reason as { code?: string } | null)?.code === "ENOENT") {
      return new NotInstalled("transformers.js is run by Deno, and there is no deno on the PATH");
    }
    return new Error(
      `Expected an answer of transformers.js but found its process ended: ` +
        `${this.#said.trim().split("\n").slice(-3).join("\n") || "it said nothing"}`,
    );
  }
}
