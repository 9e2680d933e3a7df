/** Ports nobody listens on yet. Knows this machine's network; not who wants them. */
import { randomInt } from "node:crypto";
import { once } from "node:events";
import { type AddressInfo, createServer, type Server } from "node:net";

/**
 * Below the ports that outgoing connections are given (from 32768 on Linux, 49152 elsewhere): who dials
 * a port before its kernel listens there would now and then take it for the call itself.
 */
const LOWEST = 10_000, HIGHEST = 32_768;
const ATTEMPTS = 100;

/**
 * Finds `count` different free ports on 127.0.0.1. They are free at this moment: use them at once.
 *
 * @throws when the system gives none.
 */
export async function freePorts(count: number): Promise<number[]> {
  const servers: Server[] = [];
  try {
    while (servers.length < count) servers.push(await listener());
    return servers.map((server) => (server.address() as AddressInfo).port);
  } finally {
    await Promise.all(servers.map((server) => new Promise((done) => server.close(done))));
  }
}

async function listener(): Promise<Server> {
  let found = "";
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    const server = createServer().listen(randomInt(LOWEST, HIGHEST), "127.0.0.1");
    try {
      await once(server, "listening");
      return server;
    } catch (error) {
      found = (error as Error).message;
    }
  }
  throw new Error(`Expected free ports on 127.0.0.1 but found: ${found}.`);
}
