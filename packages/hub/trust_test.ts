/**
 * No token and no password reaches a message or a written file, no name from a mirror a path, and what
 * was damaged in the cache is not believed.
 */
import { equal, match, ok, rejects } from "node:assert/strict";
import { existsSync, lstatSync, readdirSync, readFileSync } from "node:fs";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { resolveModel } from "./checkpoint.ts";
import { commitOf, type LoopbackRepository, startHub } from "./testing/loopback.ts";

const text = (s: string) => new TextEncoder().encode(s);
const repository = (): LoopbackRepository => ({
  files: {
    "config.json": text('{"model_type": "llama"}'),
    "model.safetensors": text("weights"),
    "tokenizer.json": text('{"model": {}}'),
  },
  large: ["model.safetensors"],
});

/** A hub with one checkpoint and an empty cache. */
async function withHub(
  test: (
    hub: Awaited<ReturnType<typeof startHub>>,
    options: { endpoint: string; cache: string; token: string; retryDelay: number },
  ) => Promise<void>,
) {
  const cache = await mkdtemp(join(tmpdir(), "hub-cache-"));
  const hub = await startHub({ "lab/tiny": repository() });
  try {
    await test(hub, { endpoint: hub.endpoint, cache, token: "hf_SECRET42", retryDelay: 1 });
  } finally {
    await hub.close();
    await rm(cache, { recursive: true });
  }
}

/** An error as a notebook shows it, causes and all. */
const shown = (error: Error) => Deno.inspect(error) + error.stack + JSON.stringify(error);

Deno.test("resolveModel() writes no token into its cache and shows none, whatever goes wrong", () =>
  withHub(async (hub, options) => {
    await resolveModel("lab/tiny", options);
    equal(hub.headers[0]!.authorization, "Bearer hf_SECRET42");
    let files = 0;
    for (const entry of readdirSync(options.cache, { recursive: true }) as string[]) {
      ok(!entry.includes("SECRET"), entry);
      const path = join(options.cache, entry);
      if (!lstatSync(path).isFile()) continue;
      files++;
      ok(!readFileSync(path, "utf8").includes("SECRET"), entry);
    }
    ok(files >= 5, "blobs, a listing and a ref were read");
    const fresh = { ...options, refresh: true };
    for (const status of [401, 403, 404, 429, 500]) {
      for (let i = 0; i < 9; i++) hub.faults.push(["/api/", { status }]);
      await rejects(resolveModel("lab/tiny", fresh), (error: Error) => {
        return /^Expected the model/.test(error.message) && !/SECRET/.test(shown(error));
      });
      hub.faults.length = 0;
    }
  }));

Deno.test("connect() refuses and never shows an endpoint that holds a secret", () =>
  withHub(async (_, options) => {
    const endpoints = [
      "https://me:SECRET@mirror.example",
      "https://SECRET@mirror.example",
      "https://mirror.example/?token=SECRET",
      "https://mirror.example#SECRET",
      "http://mirror.example:99999/SECRET?",
      "me:SECRET@mirror.example",
    ];
    for (const endpoint of endpoints) {
      await rejects(resolveModel("lab/tiny", { ...options, endpoint }), (error: Error) => {
        return /as HF_ENDPOINT but found/.test(error.message) && !/SECRET/.test(shown(error));
      }, endpoint);
    }
    // A storage host that cannot be reached: its address is signed, and names a user here.
    const mirror = createServer((request, answer) => {
      if (!request.url!.includes("/api/")) {
        const location = "http://me:SECRET@127.0.0.1:9/blob?signature=SECRET";
        return answer.writeHead(302, { location }).end();
      }
      const sha = commitOf(repository());
      const list = [{ type: "file", path: "config.json", size: 5, oid: "a".repeat(40) }];
      answer.setHeader("content-type", "application/json");
      answer.end(JSON.stringify(request.url!.includes("/tree/") ? list : { id: "lab/tiny", sha }));
    });
    await new Promise<void>((resolve) => mirror.listen(0, "127.0.0.1", resolve));
    const endpoint = `http://127.0.0.1:${(mirror.address() as AddressInfo).port}`;
    try {
      await rejects(resolveModel("lab/tiny", { ...options, endpoint }), (error: Error) => {
        return /Expected/.test(error.message) && !/SECRET/.test(shown(error));
      });
    } finally {
      mirror.closeAllConnections();
      await new Promise((resolve) => mirror.close(resolve));
    }
  }));

Deno.test("openRepository() makes no path of a hash from a mirror, nor of one on the disk", () =>
  withHub(async (hub, options) => {
    const tiny = hub.repositories["lab/tiny"]!;
    const home = join(options.cache, "models--lab--tiny");
    for (const hash of ["", "../../secret", "/etc/passwd", "A".repeat(40), "a".repeat(64)]) {
      hub.repositories["lab/tiny"] = { ...tiny, hashes: { "config.json": hash } };
      await rejects(resolveModel("lab/tiny", options), /Expected a hash for config\.json of model/);
      ok(!existsSync(home), "nothing is written");
    }
    hub.repositories["lab/tiny"] = tiny;
    const folder = await resolveModel("lab/tiny", options);
    const path = join(home, "listings", `${commitOf(tiny)}.json`);
    const whole = readFileSync(path, "utf8");
    const damaged = [
      whole.replace('"config.json"', '"../config.json"'),
      whole.replace(/"oid":"../, '"oid":"..'),
      whole.slice(0, -9),
      whole.slice(1),
      "null",
      "[]",
    ];
    const warn = console.warn, said: string[] = [];
    console.warn = (line: string) => void said.push(line);
    try {
      for (const listing of damaged) {
        await writeFile(path, listing);
        equal(await resolveModel("lab/tiny", options), folder);
        equal(readFileSync(path, "utf8"), whole, "asked anew");
        match(said.at(-1)!, /^Kept for lab\/tiny, but damaged since: .* asked anew/);
      }
      equal(said.length, damaged.length);
    } finally {
      console.warn = warn;
    }
  }));

Deno.test("resolveModel() fetches damaged files anew, and says which", () =>
  withHub(async (hub, options) => {
    const folder = await resolveModel("lab/tiny", options);
    const { files } = hub.repositories["lab/tiny"]!;
    const warn = console.warn, said: string[] = [];
    console.warn = (line: string) => void said.push(line);
    try {
      for (const [name, whole] of Object.entries(files)) {
        const path = join(folder, name);
        const flipped = whole.map((byte, i) => i === 3 ? byte ^ 1 : byte);
        for (const damaged of [flipped, whole.slice(0, -1), new Uint8Array()]) {
          await writeFile(path, damaged); // through the link, into the blob
          hub.requests.length = 0;
          const offline = resolveModel("lab/tiny", { ...options, offline: true });
          await rejects(offline, /HF_HUB_OFFLINE is set, but found a damaged copy/);
          equal(hub.requests.length, 0);
          equal(await resolveModel("lab/tiny", options), folder);
          equal(readFileSync(path, "utf8"), new TextDecoder().decode(whole));
          ok(hub.requests.every((request) => request.includes(name) || !/resolve/.test(request)));
          match(said.at(-1)!, new RegExp(`^Kept in .*${name}, but damaged since: fetched anew`));
        }
      }
      hub.requests.length = 0;
      await resolveModel("lab/tiny", options);
      equal(hub.requests.length, 0, "what is whole is not asked for");
      equal(said.length, 9);
    } finally {
      console.warn = warn;
    }
  }));
