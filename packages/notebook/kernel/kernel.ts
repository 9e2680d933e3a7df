/**
 * A running Jupyter kernel: started from a command, spoken to over its sockets, and watched, so
 * that its death is noticed at once.
 *
 * Knows processes and the protocol's conversation (ready, execute, shut down). It does not know
 * notebook files, nor which kernels exist.
 */
import type { Buffer } from "node:buffer";
import { type ChildProcess, spawn, type SpawnOptions } from "node:child_process";
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

/** Where a kernel listens, as its connection file says it. */
export interface ConnectionInfo {
  readonly ip: string;
  readonly transport: string;
  readonly key: string;
  readonly shell_port: number;
  readonly iopub_port: number;
  readonly stdin_port: number;
  readonly control_port: number;
  readonly hb_port: number;
}

export interface Kernel {
  readonly connection: ConnectionInfo;
  readonly process: ChildProcess;
  /** Rejects when the process ends, with the last it wrote. */
  readonly death: Promise<never>;
  /**
   * Runs one cell; resolves when the kernel has replied and says that it is idle again, which is
   * after its last output. What the cell's work puts out later still goes to `onOutput`.
   * @throws when the process ends, with the last it wrote; and after `timeout` seconds.
   */
  execute(code: string, onOutput: (message: Message) => void, timeout?: number): Promise<Json>;
  /** Runs code that is no cell: it is not counted, and shows nothing. @throws what it throws */
  prepare(code: string): Promise<void>;
  /** Asks the kernel to stop what it is running; resolves when it has heard. */
  interrupt(): Promise<void>;
  signal(name: "SIGINT" | "SIGKILL"): void;
  /** Ends the process. */
  stop(): Promise<void>;
}

const START_SECONDS = 600;
/** What a kernel has to end what it started in turn. */
const END_MS = 2000;

/**
 * Starts a kernel in the folder `cwd`, the notebook's own, and waits until it answers.
 *
 * @param key what its messages are signed with; one of its own if none is given.
 * @throws when the program is not there, when no port is free, or when it does not answer in 10 min.
 */
export async function startKernel(
  { argv, env }: KernelSpec,
  cwd: string,
  key: string = randomUUID(),
): Promise<Kernel> {
  const ports = await freePorts(5) as [number, number, number, number, number];
  const [shell_port, iopub_port, stdin_port, control_port, hb_port] = ports;
  const connection = {
    ip: "127.0.0.1",
    transport: "tcp",
    signature_scheme: "hmac-sha256",
    key,
    shell_port,
    iopub_port,
    stdin_port,
    control_port,
    hb_port,
  };
  const folder = await mkdtemp(join(tmpdir(), "kernel-"));
  const file = join(folder, "connection.json");
  await writeFile(file, JSON.stringify(connection), { mode: 0o600 });

  const command = argv.map((word) => word.replace("{connection_file}", file));
  const child = launch(command, { cwd, env: { ...process.env, ...env } });
  const kill = () => signal(child, "SIGKILL");
  process.once("exit", kill);
  const death = watch(child, command[0]!);
  let dead = false;
  death.catch(() => dead = true);

  const envelope = { key, session: randomUUID() };
  const requests = new Map<string, Request>();
  const hear = (frames: Buffer[]) => {
    const message = decodeMessage(frames, key);
    requests.get(message.parentId)?.(message);
  };
  const open: Connection[] = [];
  const ask = async (
    channel: Connection,
    type: string,
    content: Json,
    onOutput: (message: Message) => void = () => {},
    timeout?: number,
  ) => {
    const { id, frames } = encodeMessage(type, content, envelope);
    const answered = new Promise<Json>((resolve) => {
      let reply: Json | null = null;
      let idle = channel === open[CONTROL]; // whose state nobody waits for
      requests.set(id, (message) => {
        if (message.type.endsWith("_reply")) reply = message.content;
        else if (message.type !== "status") onOutput(message);
        else if (message.content.execution_state === "idle") idle = true;
        if (reply && idle) resolve(reply);
      });
    });
    channel.send(frames);
    return await within(timeout, Promise.race([death, answered]));
  };
  const stop = async () => {
    open.forEach((connection) => connection.close());
    await end(child);
    process.removeListener("exit", kill);
  };

  try {
    const deadline = Date.now() + START_SECONDS * 1000;
    const retry = async <T>(attempt: () => Promise<T>): Promise<T> => {
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
    // Not listening at first.
    open[SHELL] = await retry(() => openConnection(shell_port, "DEALER", hear));
    open[CONTROL] = await retry(() => openConnection(control_port, "DEALER", hear));
    open.push(await retry(() => openConnection(iopub_port, "SUB", hear)));
    // A subscription takes a moment to arrive: asks until both channels have answered once.
    await retry(() => ask(open[SHELL]!, "kernel_info_request", {}, undefined, 2));
  } catch (error) {
    await stop();
    throw error;
  } finally {
    await rm(folder, { recursive: true, force: true }); // the kernel has read it
  }
  const manners = { silent: false, store_history: true, allow_stdin: false, stop_on_error: true };
  return {
    connection,
    process: child,
    death,
    execute: (code, onOutput, timeout) =>
      ask(open[SHELL]!, "execute_request", { code, ...manners }, onOutput, timeout),
    async prepare(code) {
      const silent = { ...manners, silent: true, store_history: false };
      const { status, evalue } = await ask(open[SHELL]!, "execute_request", { code, ...silent });
      if (status !== "ok") throw new Error(`Expected ${code} to run but found: ${evalue}`);
    },
    async interrupt() {
      await ask(open[CONTROL]!, "interrupt_request", {});
    },
    signal: (name) => signal(child, name),
    stop,
  };
}

/** Hears what answers a request. */
type Request = (message: Message) => void;

/** Places of the connections that requests go over. */
const SHELL = 0, CONTROL = 1;

/**
 * Waits for the pipe at its input and, should that close without a line, ends the program in whose
 * place it was started.
 */
const GUARD = `exec 3<&0
(trap "" HUP INT TERM; read line <&3 || kill -KILL $$) >/dev/null 2>&1 &
exec "$@" </dev/null 3<&-`;

/**
 * Starts a program that does not outlive this process, whatever it is doing and however this one
 * ends: the system closes the pipe of the guard, which is there before the program is. Windows has
 * no such shell; there a program ends when this process does so by itself.
 */
function launch(command: readonly string[], where: SpawnOptions): ChildProcess {
  const guarded = process.platform !== "win32";
  const [program, ...args] = guarded ? ["sh", "-c", GUARD, "sh", ...command] : command;
  const stdio = [guarded ? "pipe" : "ignore", "ignore", "pipe"] as const;
  const child = spawn(program!, args, { ...where, stdio: [...stdio] });
  child.stdin?.on("error", () => {}); // somebody has ended the guard
  child.on("exit", () => child.stdin?.end("over\n"));
  return child;
}

/** What a shell ends with when a program is not there, or is none. */
const NO_PROGRAM = [126, 127];

/** Rejects when the process ends. */
function watch(child: ChildProcess, program: string): Promise<never> {
  let last = "";
  child.stderr?.on("data", (chunk) => last = (last + chunk).slice(-2000));
  return new Promise((_, reject) => {
    const missing = (why: string) =>
      reject(new Error(`Expected to start the kernel "${program}" but found: ${why}`));
    child.on("error", ({ message }) => missing(message));
    child.on("exit", (code, signal) => {
      if (NO_PROGRAM.includes(code!)) return missing(last.trim());
      const how = signal ? `signal ${signal}` : `status ${code}`;
      const said = last.trim() ? ` It last wrote: ${last.trim()}` : "";
      reject(new Error(`Expected the kernel to go on but found it dead (${how}).${said}`));
    });
  });
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null || child.pid === undefined) return;
  const ended = once(child, "exit");
  signal(child, "SIGTERM");
  const late = setTimeout(() => signal(child, "SIGKILL"), END_MS); // a busy loop hears nothing gentler
  await ended;
  clearTimeout(late);
}

/** `ChildProcess.kill()`, which sends one signal only. */
function signal({ pid }: ChildProcess, name: NodeJS.Signals): void {
  try {
    if (pid !== undefined) process.kill(pid, name);
  } catch {
    // it has ended by itself
  }
}

async function within<T>(seconds: number | undefined, work: Promise<T>): Promise<T> {
  if (seconds === undefined) return await work;
  const done = new AbortController();
  const late = sleep(seconds * 1000, undefined, { signal: done.signal }).then(() => {
    throw new Error(`Expected an answer within ${seconds} s but found none.`);
  });
  return await Promise.race([work, late]).finally(() => done.abort());
}
