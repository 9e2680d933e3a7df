/**
 * The shipped page's worker in a Deno Worker, in the place of a browser: for tests of the bundle.
 * Knows the built folder; does not know what is asked.
 */
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { Client } from "../client.ts";
import type { Opened } from "../protocol.ts";

/** A page's worker that is open. Terminate it at the end. */
export interface OpenPage {
  readonly client: Client;
  readonly opened: Opened;
  readonly worker: Worker;
}

/**
 * Starts the worker of the page built in `folder`.
 *
 * @param other files in place of those that lie there
 * @throws with the page's own words where it does not open.
 */
export async function openPage(
  folder: string,
  other: Readonly<Record<string, Uint8Array<ArrayBuffer>>> = {},
): Promise<OpenPage> {
  const { names } = JSON.parse(await readFile(join(folder, "files.json"), "utf8")) as {
    names: readonly string[];
  };
  const files = Object.fromEntries(
    await Promise.all(
      names.map(async (name) =>
        [name, new Uint8Array(await readFile(join(folder, name)))] as const
      ),
    ),
  );
  // A browser has no process; tfjs and ONNX Runtime would take Deno for Node.
  const script = async (name: string) =>
    new Blob(["delete globalThis.process;\n", await readFile(join(folder, name), "utf8")], {
      type: "text/javascript",
    });
  const address = URL.createObjectURL(await script("worker.js"));
  const worker = new Worker(address, { type: "module" });
  const client = new Client(worker, console.warn);
  const session = { "session.js": await (await script("session.js")).bytes() };
  try {
    const opened = await client.call("open", {
      files: { ...files, ...session, ...other },
      type: "module",
    });
    return { client, opened, worker };
  } catch (error) {
    worker.terminate();
    throw error;
  }
}
