/**
 * The page's worker: puts the files in place, starts the pool, opens the laboratory, and answers
 * calls, several at a time. Knows messages; what a call does is laboratory.ts.
 */
import { openPool } from "@implicit/engine/web";
import { sha256 } from "@implicit/memo";
import { KEPT, Laboratory } from "./laboratory.ts";
import { place } from "./node.ts";
import type { Event, Message, Opened, Reply, Start } from "./protocol.ts";
import { keep } from "./storage.ts";

const scope = globalThis as unknown as Pick<Worker, "postMessage" | "onmessage">;
const post = (reply: Reply, transfer: Transferable[] = []) => scope.postMessage(reply, transfer);

let laboratory: Laboratory;
const running = new Map<number, AbortController>();

async function open({ files, type }: Start): Promise<Opened> {
  const { "ort.wasm": wasm, "session.js": session, ...rest } = files;
  for (const [name, bytes] of Object.entries(rest)) place(`/${name}`, bytes);
  // An address of the page's own would do on a server, but not from disk or in a sandboxed frame.
  const script = URL.createObjectURL(new Blob([session!], { type: "text/javascript" }));
  await openPool({ script, type, wasm: wasm!.buffer });
  const notes: string[] = [];
  let isOpen = false;
  const base = sha256(files["data/world/base-1/training.json"]!);
  await keep(KEPT, `implicit of ${base}`, (text) => {
    if (isOpen) post({ id: 0, event: { what: "note", text } });
    else notes.push(text);
  });
  laboratory = await Laboratory.open();
  isOpen = true;
  return await laboratory.opened(notes);
}

async function answer(message: Exclude<Message, { stop: number }>): Promise<void> {
  const { id, call, argument } = message;
  const controller = new AbortController();
  running.set(id, controller);
  const tell = (event: Event) => post({ id, event });
  try {
    const line = { tell, signal: controller.signal };
    const result =
      await (call === "open" ? open(argument) : laboratory[call](argument as never, line));
    post({ id, result });
  } catch (error) {
    const words = error instanceof Error ? error.message : String(error);
    post({ id, error: words, stopped: controller.signal.aborted });
  } finally {
    running.delete(id);
  }
}

scope.onmessage = ({ data }: MessageEvent<Message>) => {
  if ("stop" in data) running.get(data.stop)?.abort();
  else answer(data);
};
