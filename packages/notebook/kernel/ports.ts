/** Ports nobody listens on yet. Knows this machine's network; not who wants them. */
import { once } from "node:events";
import { type AddressInfo, createServer } from "node:net";

/**
 * Finds `count` different free ports on 127.0.0.1. They are free at this moment: use them at once.
 *
 * @throws when the system gives none.
 */
export async function freePorts(count: number): Promise<number[]> {
  const servers = Array.from({ length: count }, () => createServer().listen(0, "127.0.0.1"));
  try {
    await Promise.all(servers.map((server) => once(server, "listening")));
    return servers.map((server) => (server.address() as AddressInfo).port);
  } catch (cause) {
    const { message } = cause as Error;
    throw new Error(`Expected free ports on 127.0.0.1 but found: ${message}.`, { cause });
  } finally {
    await Promise.all(servers.map((server) => new Promise((done) => server.close(done))));
  }
}
