/**
 * What lives inside a kernel, Deno's or tslab, behind relay.ts: every output of a cell goes, in order
 * and at once, into a file (the kernels' own sockets drop what comes faster than it is read, and name
 * a cell done before its last outputs are out); an interrupt ends what the cell waits for.
 *
 * Knows both kernels' insides. It does not know the protocol's messages, nor who reads the file.
 */
import { AsyncLocalStorage } from "node:async_hooks";
import { openSync, realpathSync, writeSync } from "node:fs";
import { createRequire } from "node:module";
import process from "node:process";
import { isMainThread } from "node:worker_threads";

function install() {
  const file = openSync(process.env.NOTEBOOK_OUTPUTS, "a");
  const jupyter = globalThis.Deno?.jupyter;
  const tslab = jupyter ? null : createRequire(realpathSync(process.argv[1]))("../dist/jupyter.js");

  /** The cell that work was begun by, and its signal, for the work itself: engine/interrupt.ts. */
  const cells = new AsyncLocalStorage();
  const signals = globalThis[Symbol.for("implicit.cell")] = new AsyncLocalStorage();

  let latest = "";
  const places = new Map();
  /** Which cell asks, and which run of it: show/runtime.ts. */
  globalThis[Symbol.for("implicit.run")] = () => {
    const run = cells.getStore() ?? latest;
    return { run, cell: places.get(run) };
  };
  let stop = new AbortController();
  const waiting = new Set();

  function put(type, content, metadata = {}) {
    const line = { cell: cells.getStore() ?? latest, type, content, metadata };
    for (let bytes = Buffer.from(JSON.stringify(line) + "\n"); bytes.length > 0;) {
      bytes = bytes.subarray(writeSync(file, bytes));
    }
  }

  const stream = (name) => (chunk, encoding, done) => {
    const text = typeof chunk === "string" ? chunk : Buffer.from(chunk).toString();
    put("stream", { name, text });
    (done ?? encoding)?.call?.();
    return true;
  };

  function takeStreams() {
    process.stdout.write = stream("stdout");
    process.stderr.write = stream("stderr");
  }

  /** Begins a cell, of this id in its notebook if it has one: a line of its own code calls it. */
  globalThis.$begin = (id, place) => {
    latest = id;
    places.set(id, place);
    cells.enterWith(id);
    signals.enterWith(stop.signal);
    if (!tslab) return;
    takeStreams(); // tslab sets them back for every cell
    queueMicrotask(takeSignal); // while code runs without waiting, Node has taken all listeners away
    tslab.lastWriteDisplayData = (content, update) =>
      put(update ? "update_display_data" : "display_data", content);
  };

  /** The value, unless the reader interrupts first. */
  globalThis.$wait = (value) =>
    new Promise((resolve, reject) => {
      waiting.add(reject);
      Promise.resolve(value).then(resolve, reject).finally(() => waiting.delete(reject));
    });

  /** The values of an iterable, until the reader interrupts. */
  globalThis.$each = async function* (values) {
    const iterator = values[Symbol.asyncIterator]?.() ?? values[Symbol.iterator]();
    try {
      while (true) {
        const { done, value } = await globalThis.$wait(iterator.next());
        if (done) return;
        yield value;
      }
    } finally {
      iterator.return?.();
    }
  };

  /** What tslab does of an interrupt: at once, with fewer words, and the cell's work goes on. */
  let ownInterrupt = null;

  function takeSignal() {
    if (ownInterrupt) return;
    ownInterrupt = process.listeners("SIGINT").find((listener) => listener !== interrupt);
    if (ownInterrupt) process.off("SIGINT", ownInterrupt);
  }

  function interrupt() {
    const reason = new Error(
      "Interrupted. Finished runs are kept: run the cell again to go on from there.",
    );
    reason.name = "Interrupted";
    reason.stack = `${reason.name}: ${reason.message}`;
    put("interrupted", {});
    stop.abort(reason);
    stop = new AbortController();
    if (waiting.size === 0) ownInterrupt?.();
    for (const reject of waiting) reject(reason);
    waiting.clear();
  }
  process.on("SIGINT", interrupt);

  if (jupyter) {
    const { Console, jupyter: inner } = Deno[Deno.internal];
    const streams = { out: stream("stdout"), err: stream("stderr") };
    Object.assign(console, new Console((text, level) => streams[level > 1 ? "err" : "out"](text)));
    takeStreams();
    const { broadcast, format } = jupyter;
    jupyter.broadcast = (type, content, more = {}) => {
      if (type.startsWith("comm_")) return broadcast(type, content, more);
      return Promise.resolve(put(type, content, more.metadata));
    };
    jupyter.display = async (value, { raw, update, display_id } = {}) => {
      const data = raw ? value : await format(value);
      const transient = display_id ? { display_id } : {};
      put(update ? "update_display_data" : "display_data", { data, metadata: {}, transient });
    };
    inner.broadcastResult = async (execution_count, value) => {
      if (value === undefined) return;
      const data = await format(value);
      put("execute_result", { execution_count, data, metadata: {}, transient: {} });
    };
    // Without these the kernel never ends a cell that throws behind its back.
    for (const event of ["error", "unhandledrejection"]) {
      addEventListener(event, (what) => {
        what.preventDefault();
        const error = what.error ?? what.reason;
        if (error?.name !== "Interrupted") console.error("Uncaught", error);
      });
    }
  }
}

// Node loads this in the workers of a kernel as well.
if (globalThis.Deno || isMainThread) install();
