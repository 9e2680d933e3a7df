/**
 * ZMTP 3.0, the wire protocol of ZeroMQ, as a client over plain TCP with the NULL mechanism: all
 * that a Jupyter kernel on this machine needs. (rfc.zeromq.org/spec/23)
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
    let greeted = false, ready = false;
    let buffer: Buffer = Buffer.alloc(0);
    let message: Buffer[] = [];

    const fail = (reason: string) => {
      socket.destroy();
      reject(new Error(`Expected a ZMTP 3 peer on port ${port} but found ${reason}.`));
    };
    const onCommand = (body: Buffer) => {
      // READY ends the handshake; later commands (heartbeats) ask nothing of a 3.0 client.
      if (ready || body.subarray(1, 6).toString() !== "READY") return;
      ready = true;
      if (type === "SUB") writeFrame(socket, 0, Buffer.from([1])); // subscribe to everything
      resolve({
        send: (frames) =>
          frames.forEach((frame, i) =>
            writeFrame(socket, i < frames.length - 1 ? MORE : 0, Buffer.from(frame))
          ),
        close: () => socket.destroy(),
      });
    };

    socket.on("connect", () => {
      socket.write(greeting());
      writeFrame(socket, COMMAND, readyCommand(type));
    });
    socket.on("data", (chunk: Buffer) => {
      buffer = Buffer.concat([buffer, chunk]);
      if (!greeted) {
        if (buffer.length < GREETING_BYTES) return;
        if (buffer[0] !== 0xff || buffer[10]! < 3) return fail("something else");
        greeted = true;
        buffer = buffer.subarray(GREETING_BYTES);
      }
      for (let frame = readFrame(buffer); frame; frame = readFrame(buffer)) {
        buffer = buffer.subarray(frame.size);
        if (frame.flags & COMMAND) {
          onCommand(frame.body);
          continue;
        }
        message.push(frame.body);
        if (frame.flags & MORE) continue;
        onMessage(message);
        message = [];
      }
    });
    socket.on("error", (error: Error) => fail(error.message));
    socket.on("close", () => ready || fail("it closed"));
  });
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

function readFrame(buffer: Buffer): { flags: number; body: Buffer; size: number } | null {
  if (buffer.length < 2) return null;
  const flags = buffer[0]!;
  const head = flags & LONG ? 9 : 2;
  if (buffer.length < head) return null;
  const length = flags & LONG ? Number(buffer.readBigUInt64BE(1)) : buffer[1]!;
  const size = head + length;
  if (buffer.length < size) return null;
  return { flags, body: buffer.subarray(head, size), size };
}
