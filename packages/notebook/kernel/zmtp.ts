/**
 * ZMTP 3.0, the wire protocol of ZeroMQ, over plain TCP with the NULL mechanism: a client, and what a
 * relay between two peers needs. All that a Jupyter kernel on this machine asks for.
 * (rfc.zeromq.org/spec/23)
 *
 * Knows greetings, frames and multipart messages. It does not know Jupyter, and it neither
 * reconnects nor queues: a closed connection stays closed.
 */
import { Buffer } from "node:buffer";
import { connect, type Socket } from "node:net";

/** The two socket types a Jupyter client speaks: requests (DEALER) and broadcasts (SUB). */
export type SocketType = "DEALER" | "SUB";

const MORE = 1, LONG = 2, COMMAND = 4;
const GREETING_BYTES = 64;

/** An open ZMTP connection; make one with {@link openConnection}. */
export interface Connection {
  send(frames: readonly Uint8Array[]): void;
  close(): void;
}

/** What hears a peer's bytes as they are cut into greeting, commands and whole messages. */
export interface Listener {
  /** Gets the greeting in pieces: libzmq waits for its peer's after each of its own. */
  greeting(piece: Buffer): void;
  command(body: Buffer): void;
  message(frames: Buffer[]): void;
}

/**
 * Connects to a ZeroMQ socket of this machine and shakes hands.
 *
 * @param onMessage gets every whole multipart message, in order.
 * @throws when nobody listens, or the peer closes or speaks something else before the handshake ends.
 */
export function openConnection(
  port: number,
  type: SocketType,
  onMessage: (frames: Buffer[]) => void,
): Promise<Connection> {
  return new Promise((resolve, reject) => {
    const socket = connect({ host: "127.0.0.1", port, noDelay: true });
    let ready = false;
    const fail = (reason: string) => {
      socket.destroy();
      reject(new Error(`Expected a ZMTP 3 peer on port ${port} but found ${reason}.`));
    };
    socket.on("connect", () => {
      socket.write(greeting());
      writeFrame(socket, COMMAND, readyCommand(type));
    });
    let greeted = Buffer.alloc(0);
    listen(socket, {
      greeting(piece) {
        greeted = Buffer.concat([greeted, piece]);
        const [signature, version = 3] = [greeted[0], greeted[10]];
        if (signature !== 0xff || version < 3) fail("another protocol");
      },
      command(body) {
        // READY ends the handshake; later commands (heartbeats) ask nothing of a 3.0 client.
        if (ready || body.subarray(1, 6).toString() !== "READY") return;
        ready = true;
        if (type === "SUB") writeFrame(socket, 0, Buffer.from([1])); // subscribe to everything
        resolve({
          send: (frames) => writeMessage(socket, frames),
          close: () => socket.destroy(),
        });
      },
      message: onMessage,
    });
    socket.on("error", (error: Error) => fail(error.message));
    socket.on("close", () => ready || fail("it closed"));
  });
}

/** Hears what comes in on a socket. */
export function listen(socket: Socket, { greeting, command, message }: Listener): void {
  let chunks: Buffer[] = [], size = 0, needed = 0;
  let ungreeted = GREETING_BYTES;
  let frames: Buffer[] = [];
  socket.on("data", (chunk: Buffer) => {
    const piece = chunk.subarray(0, ungreeted), rest = chunk.subarray(piece.length);
    ungreeted -= piece.length;
    if (piece.length > 0) greeting(piece);
    chunks.push(rest);
    size += rest.length;
    if (size < needed) return; // a frame of many chunks is put together once
    let buffer = Buffer.concat(chunks);
    for (let frame = readFrame(buffer);; frame = readFrame(buffer)) {
      needed = frame.size;
      if (!frame.body) break;
      buffer = buffer.subarray(frame.size);
      if (frame.flags & COMMAND) {
        command(frame.body);
        continue;
      }
      frames.push(frame.body);
      if (frame.flags & MORE) continue;
      message(frames);
      frames = [];
    }
    chunks = [buffer];
    size = buffer.length;
  });
}

/**
 * Passes on what comes in on one socket to another, which stands in the place of its peer: greetings
 * and commands as they are, messages as `edit` makes them; null keeps a message back. From `onReady`
 * on, the other may be sent further messages.
 */
export function relay(
  from: Socket,
  to: Socket,
  edit: (frames: Buffer[]) => readonly Uint8Array[] | null,
  onReady: () => void = () => {},
): void {
  listen(from, {
    greeting: (piece) => to.write(piece),
    command(body) {
      writeFrame(to, COMMAND, body);
      onReady();
    },
    message(frames) {
      const edited = edit(frames);
      if (edited) writeMessage(to, edited);
    },
  });
}

/** Writes one multipart message. */
export function writeMessage(socket: Socket, frames: readonly Uint8Array[]): void {
  frames.forEach((frame, i) =>
    writeFrame(socket, i < frames.length - 1 ? MORE : 0, Buffer.from(frame))
  );
}

function greeting(): Buffer {
  const bytes = Buffer.alloc(GREETING_BYTES);
  bytes[0] = 0xff;
  bytes[9] = 0x7f;
  bytes[10] = 3; // version 3.0
  bytes.write("NULL", 12);
  return bytes;
}

/** READY with two properties: the name's length, the name; the value's length, the value. */
function readyCommand(type: SocketType): Buffer {
  const ready = `\x05READY\x0bSocket-Type\0\0\0${String.fromCharCode(type.length)}${type}`;
  return Buffer.from(`${ready}\x08Identity\0\0\0\0`, "latin1");
}

function writeFrame(socket: Socket, flags: number, body: Buffer): void {
  const long = body.length > 255;
  const head = Buffer.alloc(long ? 9 : 2);
  head[0] = flags | (long ? LONG : 0);
  if (long) head.writeBigUInt64BE(BigInt(body.length), 1);
  else head[1] = body.length;
  socket.write(Buffer.concat([head, body]));
}

/** The frame at the beginning of a buffer; only its size, or the least it may be, until it is whole. */
function readFrame(buffer: Buffer): { flags: number; body: Buffer | null; size: number } {
  const flags = buffer[0] ?? 0;
  const head = flags & LONG ? 9 : 2;
  if (buffer.length < head) return { flags, body: null, size: head };
  const length = flags & LONG ? Number(buffer.readBigUInt64BE(1)) : buffer[1]!;
  const size = head + length;
  const body = buffer.length < size ? null : buffer.subarray(head, size);
  return { flags, body, size };
}
