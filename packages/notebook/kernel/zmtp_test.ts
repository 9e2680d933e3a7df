import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Socket } from "node:net";
import { listen, relay, writeMessage } from "./zmtp.ts";

/** Two ends of a connection. */
async function pair(): Promise<[Socket, Socket, () => void]> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const near = connect((server.address() as AddressInfo).port, "127.0.0.1");
  const [far] = await once(server, "connection") as [Socket];
  return [
    near,
    far,
    () => [near, far, server].forEach((one) => "destroy" in one ? one.destroy() : one.close()),
  ];
}

Deno.test("relay() passes on each piece of a greeting at once, and messages as they are edited", async () => {
  const [client, from, closeClient] = await pair();
  const [to, kernel, closeKernel] = await pair();
  try {
    relay(from, to, (frames) => frames[0]!.toString() === "keep back" ? null : frames);
    let greeted = 0;
    const heard: Buffer[][] = [];
    listen(kernel, {
      greeting: (piece) => greeted += piece.length,
      command: () => {},
      message: (frames) => heard.push(frames),
    });
    const until = async (over: () => boolean) => {
      while (!over()) await new Promise((resolve) => setTimeout(resolve, 5));
    };
    client.write(Buffer.alloc(10, 0xff)); // libzmq sends no more before it hears its peer
    await until(() => greeted === 10);
    client.write(Buffer.alloc(54));
    const long = Buffer.alloc(1_000_000, 7);
    writeMessage(client, [Buffer.from("first"), long]);
    writeMessage(client, [Buffer.from("keep back")]);
    writeMessage(client, [Buffer.alloc(0), Buffer.from("last")]);
    await until(() => heard.length === 2);
    assert.equal(greeted, 64);
    assert.deepEqual(heard[0], [Buffer.from("first"), long]);
    assert.deepEqual(heard[1], [Buffer.alloc(0), Buffer.from("last")]);
  } finally {
    closeClient();
    closeKernel();
  }
});
