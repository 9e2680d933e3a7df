/**
 * A Jupyter kernel in front of another, the program that our kernel specs name. It lends the kernel
 * behind it what that lacks: interrupts that keep the variables, every output in its cell and in
 * order, the cells after one that failed left alone, and an end when its parent ends.
 *
 *     relay.ts CONNECTION_FILE deno|tslab PROGRAM … {kernel_connection_file} …
 *
 * Knows the protocol's messages, and what cell.mjs does inside the kernel. It does not know
 * notebooks, nor how kernels are installed.
 */
import { Buffer } from "node:buffer";
import { randomUUID } from "node:crypto";
import { openSync, readSync } from "node:fs";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { connect, createServer, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { setTimeout as sleep } from "node:timers/promises";
import { markAwaits, objectLiteral } from "./awaits.ts";
import { type ConnectionInfo, startKernel } from "./kernel.ts";
import { decodeMessage, encodeMessage, type Json, withContent } from "./message.ts";
import { relay, writeMessage } from "./zmtp.ts";

/** An output as cell.mjs writes it. */
interface Line {
  readonly cell: string;
  readonly type: string;
  readonly content: Json;
  readonly metadata: Json;
}

const [file, name, ...argv] = process.argv.slice(2) as [string, string, ...string[]];
const outer = JSON.parse(await readFile(file, "utf8")) as ConnectionInfo;
if (outer.transport !== "tcp") {
  throw new Error(`Expected a connection over tcp but found ${outer.transport}.`);
}
const cellFile = new URL("./cell.mjs", import.meta.url).href;
const { key } = outer, session = randomUUID();
const folder = await mkdtemp(join(tmpdir(), "relay-"));
const outputs = openSync(join(folder, "outputs"), "a+");
const starting = startKernel(
  {
    argv: argv.map((word) => word.replace("{kernel_connection_file}", "{connection_file}")),
    env: { NOTEBOOK_OUTPUTS: join(folder, "outputs") },
  },
  process.cwd(),
  key,
).then(async (kernel) => {
  kernel.death.catch((error) =>
    closing ? leave(0) : leave(kernel.process.exitCode ?? 1, error.message)
  );
  if (name === "deno") await kernel.prepare(`await import(${JSON.stringify(cellFile)})`);
  await rm(folder, { recursive: true, force: true }).catch(() => {}); // Windows keeps an open file
  return kernel;
});

/** A request to execute: its header, which every output names, its code, and who is asking. */
interface Request {
  readonly id: string;
  readonly header: Json;
  readonly content: Json;
  readonly frames: Buffer[];
  readonly client: Socket;
  readonly kernel: Socket;
}

/** So many cells back an output that comes late still finds its cell. */
const REMEMBERED = 1000;
const requests = new Map<string, Request>();
/** The request that the kernel is working on, and those that wait for it. */
let running: Request | null = null;
const waiting: Request[] = [];
const readers = new Set<Socket>();
let heard = false, closing = false, left = false;

/** Sends the outputs that have come, those of one stream together, to everybody who listens. */
const drain = (() => {
  const buffer = Buffer.alloc(1 << 20);
  let rest = Buffer.alloc(0);
  return () => {
    const chunks = [rest];
    for (let size; (size = readSync(outputs, buffer, 0, buffer.length, null)) > 0;) {
      chunks.push(Buffer.from(buffer.subarray(0, size)));
    }
    if (chunks.length === 1) return;
    const bytes = Buffer.concat(chunks), end = bytes.lastIndexOf("\n") + 1;
    rest = bytes.subarray(end);
    const texts = bytes.subarray(0, end).toString().split("\n").slice(0, -1);
    let last: Line | null = null;
    for (const line of texts.map((text) => JSON.parse(text) as Line)) {
      if (last && isStream(line) && isStream(last) && sameStream(line, last)) {
        last.content.text = `${last.content.text}${line.content.text}`;
        continue;
      }
      if (last) publish(last);
      last = line;
    }
    if (last) publish(last);
  };
})();

const isStream = ({ type }: Line) => type === "stream";
const sameStream = (a: Line, b: Line) => a.cell === b.cell && a.content.name === b.content.name;

function publish({ cell, type, content, metadata }: Line): void {
  if (type === "interrupted") {
    heard = true;
    return;
  }
  const parent = requests.get(cell)?.header;
  const { frames } = encodeMessage(type, content, { key, session, parent, metadata });
  for (const reader of readers) writeMessage(reader, [Buffer.from(type), ...frames]);
}

/** What tslab, which checks types, has to know of cell.mjs; it counts whatever it runs as a cell. */
const types = name === "deno" ? "" : "declare function $begin(run: string, cell?: string): void; " +
  "declare function $wait<T>(value: T): T; declare function $each<T>(values: T): T; ";

/** Gives the kernel one cell after the other, its code as cell.mjs wants it. */
const toKernel = (client: Socket, kernel: Socket) => (frames: Buffer[]) => {
  const { type, id, header, metadata, content } = decodeMessage(frames, key);
  if (type !== "execute_request") return frames;
  const names = [id, metadata.cellId].map((one) => JSON.stringify(one) ?? "undefined");
  const given = String(content.code);
  const own = name === "deno" ? objectLiteral(given) : given;
  const code = `${types}$begin(${names}); ${markAwaits(own)}`;
  const edited = withContent(frames, { ...content, code }, key);
  const request = { id, header, content, frames: edited, client, kernel };
  requests.set(id, request);
  for (const old of requests.values()) { // in the order in which they came
    if (requests.size <= REMEMBERED || old === running || waiting.includes(old)) break;
    requests.delete(old.id);
  }
  if (running) waiting.push(request);
  else running = request;
  return running === request ? edited : null;
};

function noteReply(frames: Buffer[]): Buffer[] {
  const { parentId, content } = decodeMessage(frames, key);
  if (parentId === running?.id) queueMicrotask(() => goOn(content.status === "error"));
  return frames;
}

/** Goes on to the next cell; after one that failed, those that wait are not run. */
function goOn(failed: boolean): void {
  if (failed && running!.content.stop_on_error) waiting.splice(0).forEach(abort);
  const next = () => {
    running = waiting.shift() ?? null;
    if (running) writeMessage(running.kernel, running.frames);
  };
  if (failed && name === "tslab") setTimeout(next, TSLAB_MS);
  else next();
}

/** After a cell that failed, tslab refuses whatever comes within 200 ms. */
const TSLAB_MS = 250;

function abort({ id, header, client }: Request): void {
  const state = (execution_state: string) =>
    publish({ cell: id, type: "status", content: { execution_state }, metadata: {} });
  const answer = { key, session, parent: header };
  state("busy");
  writeMessage(client, encodeMessage("execute_reply", { status: "aborted" }, answer).frames);
  state("idle");
}

/** Answers an interrupt here; everything else is the kernel's, which does not always end when asked. */
const control = (client: Socket) => (frames: Buffer[]) => {
  const { type, header } = decodeMessage(frames, key);
  if (type === "shutdown_request") {
    closing = true;
    setTimeout(() => leave(0), END_MS);
  }
  if (type !== "interrupt_request") return frames;
  const answer = { key, session, parent: header };
  writeMessage(client, encodeMessage("interrupt_reply", { status: "ok" }, answer).frames);
  void interrupt();
  return null;
};

const INTERRUPT_MS = 5000, END_MS = 1000;
/** Node loses a signal that comes in the moment when a cell of tslab begins to wait. */
const AGAIN_MS = 500;

/**
 * Stops the running cell: asks the kernel's event loop; where that is not heard, V8, which ends a
 * loop before its first `await`; and where nothing helps, ends the kernel, with a sentence.
 */
async function interrupt(): Promise<void> {
  const kernel = await starting;
  const request = running;
  const until = async (over: () => boolean, ask = () => {}) => {
    for (let ms = 0; ms < INTERRUPT_MS && !over(); ms += 50) {
      if (ms % AGAIN_MS === 0) ask();
      await sleep(50);
      drain();
    }
    return over();
  };
  const signal = () => kernel.signal("SIGINT");
  heard = false;
  if (!request) return signal();
  if (await until(() => heard || request !== running, signal)) return;
  const tell = (type: string, content: Json) =>
    publish({ cell: request.id, type, content, metadata: {} });
  const evalue = "Interrupted in the middle, since this cell waits for nothing.";
  tell("error", { ename: "Interrupted", evalue, traceback: [evalue] });
  if (name === "deno") {
    void kernel.interrupt().catch(() => {}); // it may die below
    if (await until(() => request !== running)) return;
  }
  const text = "The kernel was ended, and the variables with it: nothing else stops a loop that " +
    "never waits. Let long loops await something now and then.\n";
  tell("stream", { name: "stderr", text });
  kernel.signal("SIGKILL");
}

/** Outputs go before what the kernel says of their cell; what it says of code is the reader's own. */
function toClient(frames: Buffer[]): Buffer[] {
  drain();
  const { type, parentId, content } = decodeMessage(frames, key);
  const request = requests.get(parentId);
  if (type !== "execute_input" || !request) return frames;
  return withContent(frames, { ...content, code: request.content.code }, key);
}

const pass = (frames: Buffer[]) => frames;

/** What becomes of the messages of each channel; `stdin` and `hb` are not looked into. */
const edits = {
  shell: { toKernel, toClient: noteReply },
  iopub: { toKernel: () => pass, toClient },
  control: { toKernel: control, toClient: pass },
  stdin: { toKernel: () => pass, toClient: pass },
  hb: { toKernel: () => pass, toClient: pass },
};

for (const channel of Object.keys(edits) as (keyof typeof edits)[]) {
  createServer({ noDelay: true }, async (client) => {
    client.on("error", () => client.destroy());
    const started = await starting.catch(() => null);
    if (!started) return client.destroy();
    const port = started.connection[`${channel}_port`];
    const kernel = connect({ host: "127.0.0.1", port, noDelay: true });
    kernel.on("error", () => client.destroy());
    kernel.on("close", () => client.end());
    client.on("close", () => {
      readers.delete(client);
      if (channel !== "shell") kernel.destroy(); // which still runs what was asked for
    });
    relay(client, kernel, edits[channel].toKernel(client, kernel));
    relay(
      kernel,
      client,
      edits[channel].toClient,
      () => channel === "iopub" && readers.add(client),
    );
  }).listen(outer[`${channel}_port`], outer.ip);
}

/** Ends, and the kernel with it, once everybody has its last words. */
async function leave(code: number, said = ""): Promise<void> {
  if (left) return;
  left = true;
  drain();
  if (said) console.error(said);
  const ends = [...readers].map((reader) => new Promise<void>((end) => reader.end(() => end())));
  await Promise.race([Promise.all(ends), sleep(1000)]);
  await rm(folder, { recursive: true, force: true });
  process.exit(code);
}

/**
 * Whether Jupyter has ended without a word. It tells its process id, which may be gone before a first
 * look at it (Windows is told something else, and keeps a parent's id).
 */
const orphaned = (() => {
  const first = process.ppid, told = Number(process.env.JPY_PARENT_PID);
  const lives = (pid: number) => {
    try {
      return process.kill(pid, 0);
    } catch {
      return false;
    }
  };
  const known = told > 0 && process.platform !== "win32";
  return () => process.ppid !== first || (known && !lives(told));
})();

setInterval(drain, 50);
process.on("SIGINT", () => {}); // a terminal's: whoever started this decides
process.on("SIGTERM", () => leave(0));
setInterval(() => orphaned() && leave(0), 1000);
starting.catch((error) => leave(1, error.message));
