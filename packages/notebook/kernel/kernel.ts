/**
 * A running Jupyter kernel: started from a command, spoken to over its sockets, and watched, so
 * that its death is noticed at once.
 *
 * Knows processes and the protocol's conversation (ready, execute, shut down). It does not know
 * notebook files, nor which kernels exist.
 */
import type { Buffer } from "node:buffer";
import { type ChildProcess, spawn } from "node:child_process";
import { randomUUID } from "node:crypto";
import { once } from "node:events";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { setTimeout as sleep } from "node:timers/promises";
import { decodeMessage, encodeMessage, type Json, type Message } from "./message.ts";
import { freePorts } from "./ports.ts";
import { type Connection, openConnection } from "./zmtp.ts";

/** How a kernel is started. */
export interface KernelSpec {
  /** Program and arguments; the word `{connection_file}` is replaced by the file's path. */
  readonly argv: readonly string[];
  /** Added to this process's environment. */
  readonly env?: Readonly<Record<string, string>>;
}

export interface Kernel {
  /**
   * Runs one cell; resolves when the kernel has replied, says it is idle, and its last outputs
   * have had 150 ms to arrive (the Deno kernel reports idle before they are out).
   * @throws when the process ends, with the last it wrote; and after `timeout` seconds.
   */
  execute(code: string, onOutput: (message: Message) => void, timeout?: number): Promise<Json>;
  /** Ends the process and removes the connection file. */
  stop(): Promise<void>;
}

const SETTLE_MS = 150;
const START_SECONDS = 60;

/**
 * Starts a kernel in the folder `cwd`, the notebook's own, and waits until it answers.
 *
 * @throws when the program is not there, when no port is free, or when it does not answer in 60 s.
 */
export async function startKernel({ argv, env }: KernelSpec, cwd: string): Promise<Kernel> {
  const [shell, iopub, stdin, control, hb] = await freePorts(5) as [number, ...number[]];
  const key = randomUUID(), session = randomUUID();
  const folder = await mkdtemp(join(tmpdir(), "kernel-"));
  const file = join(folder, "connection.json");
  const connection = {
    ip: "127.0.0.1",
    transport: "tcp",
    signature_scheme: "hmac-sha256",
    key,
    shell_port: shell,
    iopub_port: iopub,
    stdin_port: stdin,
    control_port: control,
    hb_port: hb,
  };
  await writeFile(file, JSON.stringify(connection), { mode: 0o600 });

  const [program, ...args] = argv.map((word) => word.replace("{connection_file}", file));
  const child = spawn(program!, args, {
    cwd,
    env: { ...process.env, ...env },
    stdio: ["ignore", "ignore", "pipe"],
  });
  const death = watch(child, program!);
  let dead = false;
  death.catch(() => dead = true);

  let hear: (channel: "shell" | "iopub", message: Message) => void = () => {};
  const open: Connection[] = [];
  const dial = async (port: number, channel: "shell" | "iopub") => {
    const type = channel === "shell" ? "DEALER" : "SUB";
    const receive = (frames: Buffer[]) => hear(channel, decodeMessage(frames, key));
    open.push(await openConnection(port, type, receive));
  };
  const ask = async (
    type: string,
    content: Json,
    onOutput: (message: Message) => void,
    timeout?: number,
  ) => {
    const request = encodeMessage(type, content, key, session);
    const answered = new Promise<Json>((resolve) => {
      let reply: Json | null = null;
      let idle = false;
      hear = (channel, message) => {
        if (message.parentId !== request.id) return;
        if (channel === "shell") reply = message.content;
        else if (message.type !== "status") onOutput(message);
        else if (message.content.execution_state === "idle") idle = true;
        if (reply && idle) setTimeout(resolve, SETTLE_MS, reply);
      };
    });
    open[0]!.send(request.frames);
    return await within(timeout, Promise.race([death, answered]));
  };
  const stop = async () => {
    open.forEach((connection) => connection.close());
    await end(child);
    await rm(folder, { recursive: true, force: true });
  };

  try {
    const deadline = Date.now() + START_SECONDS * 1000;
    const retry = async (attempt: () => Promise<unknown>): Promise<unknown> => {
      try {
        return await Promise.race([death, attempt()]);
      } catch (cause) {
        if (dead) throw cause;
        if (Date.now() > deadline) {
          throw new Error(
            `Expected the kernel to answer within ${START_SECONDS} s but found: ` +
              (cause as Error).message,
            { cause },
          );
        }
        await sleep(50);
        return await retry(attempt);
      }
    };
    await retry(() => dial(shell, "shell")); // not listening at first
    await retry(() => dial(iopub!, "iopub"));
    // A subscription takes a moment to arrive: asks until both channels have answered once.
    await retry(() => ask("kernel_info_request", {}, () => {}, 2));
  } catch (error) {
    await stop();
    throw error;
  }
  const manners = { silent: false, store_history: true, allow_stdin: false, stop_on_error: true };
  return {
    execute: (code, onOutput, timeout) =>
      ask("execute_request", { code, ...manners }, onOutput, timeout),
    stop,
  };
}

/** Rejects when the process ends. */
function watch(child: ChildProcess, program: string): Promise<never> {
  let last = "";
  child.stderr?.on("data", (chunk) => last = (last + chunk).slice(-2000));
  return new Promise((_, reject) => {
    child.on("error", (error) => {
      reject(new Error(`Expected to start the kernel "${program}" but found: ${error.message}`));
    });
    child.on("exit", (code, signal) => {
      const how = signal ? `signal ${signal}` : `status ${code}`;
      const said = last.trim() ? ` It last wrote: ${last.trim()}` : "";
      reject(new Error(`Expected the kernel to go on but found it dead (${how}).${said}`));
    });
  });
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null || child.pid === undefined) return;
  child.kill("SIGKILL"); // a cell in a busy loop hears nothing gentler
  await once(child, "exit");
}

async function within<T>(seconds: number | undefined, work: Promise<T>): Promise<T> {
  if (seconds === undefined) return await work;
  const done = new AbortController();
  const late = sleep(seconds * 1000, undefined, { signal: done.signal }).then(() => {
    throw new Error(`Expected an answer within ${seconds} s but found none.`);
  });
  return await Promise.race([work, late]).finally(() => done.abort());
}
