import { deepEqual, equal, match, ok, rejects } from "node:assert/strict";
import {
  lstat,
  mkdir,
  mkdtemp,
  readdir,
  readFile,
  rm,
  symlink,
  truncate,
  writeFile,
} from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { resolveModel } from "./checkpoint.ts";
import { connect } from "./connection.ts";
import {
  commitOf,
  gitOid,
  type LoopbackHub,
  type LoopbackRepository,
  sha256,
  startHub,
} from "./testing/loopback.ts";
import type { DownloadProgress, HubOptions } from "./repository.ts";

const text = (s: string) => new TextEncoder().encode(s);
const weights = Uint8Array.from({ length: 300_000 }, (_, i) => (i * i) % 251);
const shard = weights.slice(0, 1000);

const repository = (): LoopbackRepository => ({
  files: {
    ".gitattributes": text("*.safetensors filter=lfs"),
    "README.md": text("not needed"),
    "config.json": text('{"model_type": "llama"}'),
    "model.safetensors": weights,
    "onnx/model.onnx": text("not needed either"),
    "pytorch_model.bin": text("nor this"),
    "tokenizer.json": text('{"model": {}}'),
    "tokenizer_config.json": text("{}"),
  },
  large: ["model.safetensors", "pytorch_model.bin"],
});
const needed = ["config.json", "model.safetensors", "tokenizer.json", "tokenizer_config.json"];

/** A hub with one small checkpoint, an empty cache, and no wait between repetitions. */
async function withHub(
  test: (hub: LoopbackHub, options: HubOptions & { cache: string }) => Promise<void>,
  repositories: Record<string, LoopbackRepository> = { "lab/tiny": repository() },
): Promise<void> {
  const cache = await mkdtemp(join(tmpdir(), "hub-cache-"));
  const hub = await startHub(repositories);
  const token = ""; // not the developer's own
  try {
    await test(hub, { endpoint: hub.endpoint, cache, token, offline: false, retryDelay: 1 });
  } finally {
    await hub.close();
    await rm(cache, { recursive: true });
  }
}

const clear = (hub: LoopbackHub) => {
  hub.requests.length = 0;
  hub.headers.length = 0;
};
const blobs = (cache: string) => readdir(join(cache, "models--lab--tiny", "blobs"));

Deno.test("resolveModel() fetches the needed files only, into the shared cache's layout", async () => {
  await withHub(async (hub, options) => {
    const folder = await resolveModel("lab/tiny", options);
    const commit = commitOf(hub.repositories["lab/tiny"]!);
    const root = join(options.cache, "models--lab--tiny");
    equal(folder, join(root, "snapshots", commit));
    deepEqual((await readdir(folder)).sort(), needed);
    deepEqual(new Uint8Array(await readFile(join(folder, "model.safetensors"))), weights);
    equal(await readFile(join(root, "refs", "main"), "utf8"), commit);
    ok((await lstat(join(folder, "config.json"))).isSymbolicLink());
    ok((await blobs(options.cache)).includes(sha256(weights)));
    equal((await blobs(options.cache)).length, needed.length);
    ok(!hub.requests.some((r) => /README|onnx|bin/.test(r)), "asked for what is not needed");
  });
});

Deno.test("resolveModel() asks nobody the second time, and asks again with refresh", async () => {
  await withHub(async (hub, options) => {
    const first = await resolveModel("lab/tiny", options);
    clear(hub);
    equal(await resolveModel("lab/tiny", options), first);
    equal(await resolveModel("lab/tiny", { ...options, offline: true }), first);
    equal(hub.requests.length, 0);

    hub.repositories["lab/tiny"]!.files["config.json"] = text('{"model_type": "mistral"}');
    equal(await resolveModel("lab/tiny", options), first);
    const second = await resolveModel("lab/tiny", { ...options, refresh: true });
    match(await readFile(join(second, "config.json"), "utf8"), /mistral/);
    const resolved = hub.requests.filter((r) => r.includes("/resolve/"));
    equal(resolved.length, 1, "fetched what the cache already had");
    const old = first.split("/").at(-1)!;
    equal(await resolveModel("lab/tiny", { ...options, revision: old }), first);
  });
});

Deno.test("resolveModel() resumes after a cut, within a run and in the next one", async () => {
  await withHub(async (hub, options) => {
    const file = `/${sha256(weights)}`;
    hub.faults.push([file, { cutAfter: 100_000 }], [file, { cutAfter: 50_000 }]);
    await resolveModel("lab/tiny", options);
    const ranges = hub.headers.map((h) => h.range).filter((r) => r);
    deepEqual([...new Set(ranges)], ["bytes=100000-", "bytes=150000-"]);
  });
  await withHub(async (hub, options) => {
    const blob = join(options.cache, "models--lab--tiny", "blobs", sha256(weights));
    for (let i = 0; i < 6; i++) hub.faults.push([`/${sha256(weights)}`, { cutAfter: i ? 0 : 7 }]);
    await rejects(
      resolveModel("lab/tiny", options),
      /300000 bytes of model.safetensors of lab\/tiny .* cut after 7 .*Run it again/,
    );
    equal((await readFile(`${blob}.incomplete`)).length, 7);
    hub.faults.length = 0;
    clear(hub);
    const folder = await resolveModel("lab/tiny", options);
    ok(hub.headers.some((h) => h.range === "bytes=7-299999"));
    deepEqual(new Uint8Array(await readFile(join(folder, "model.safetensors"))), weights);
  });
});

Deno.test("resolveModel() starts over where the server ignores the range or the part is too long", async () => {
  await withHub(async (hub, options) => {
    const file = `/${sha256(weights)}`;
    hub.faults.push([file, { cutAfter: 1000 }], [file, { ignoreRange: true }]);
    const folder = await resolveModel("lab/tiny", options);
    deepEqual(new Uint8Array(await readFile(join(folder, "model.safetensors"))), weights);
  });
  await withHub(async (_, options) => {
    const folder = join(options.cache, "models--lab--tiny", "blobs");
    await mkdir(folder, { recursive: true });
    await writeFile(join(folder, `${sha256(weights)}.incomplete`), new Uint8Array(400_000));
    const snapshot = await resolveModel("lab/tiny", options);
    deepEqual(new Uint8Array(await readFile(join(snapshot, "model.safetensors"))), weights);
  });
});

Deno.test("resolveModel() refuses and removes a file with a wrong hash", async () => {
  for (
    const [path, key, kind] of [
      ["model.safetensors", `/${sha256(weights)}`, "sha256"],
      ["config.json", "/config.json", "git blob id"],
    ] as const
  ) {
    await withHub(async (hub, options) => {
      const body = hub.repositories["lab/tiny"]!.files[path]!.slice();
      body[body.length - 1]! ^= 1;
      hub.faults.push([key, { body }]);
      await rejects(
        resolveModel("lab/tiny", options),
        new RegExp(`Expected ${kind} .* for ${path} of lab/tiny but found .* has been removed`),
      );
      const original = hub.repositories["lab/tiny"]!.files[path]!;
      const blob = kind === "sha256" ? sha256(original) : gitOid(original);
      ok(!(await blobs(options.cache)).some((name) => name.startsWith(blob)));
      await resolveModel("lab/tiny", options); // and the next run mends it
    });
  }
});

Deno.test("resolveModel() repeats after 429 and 5xx, and gives up with a reason", async () => {
  await withHub(async (hub, options) => {
    const busy = { status: 429, headers: { "retry-after": "0" } };
    hub.faults.push(["/revision/", busy], ["/tree/", { status: 503 }], ["/config.json", busy]);
    await resolveModel("lab/tiny", options);
    equal(hub.requests.filter((r) => r.includes("/revision/")).length, 2);
  });
  for (const [status, message] of [[429, /too many requests/], [500, /HTTP status 500/]] as const) {
    await withHub(async (hub, options) => {
      for (let i = 0; i < 9; i++) hub.faults.push(["/revision/", { status }]);
      await rejects(resolveModel("lab/tiny", options), message);
      equal(hub.requests.length, 5);
    });
  }
});

Deno.test("resolveModel() says what to do about gated, private and missing repositories", async () => {
  const repositories = {
    "lab/tiny": { ...repository(), gatedFor: "hf_good" },
    "lab/hidden": { ...repository(), privateFor: "hf_good" },
  };
  await withHub(async (hub, options) => {
    const model = (name: string, token = "", revision = "main") =>
      resolveModel(name, { ...options, token, revision });
    const gated =
      /the gated model lab\/tiny .* but found no access \(HTTP status 40[13]\)\. Accept its/;
    await rejects(model("lab/tiny"), gated);
    await rejects(model("lab/tiny", "hf_other"), gated);
    const hidden = /lab\/hidden .* none such that may be read .*Check the name; .* set HF_TOKEN/;
    await rejects(model("lab/hidden"), hidden);
    await rejects(model("lab/nothing", "hf_good"), /lab\/nothing .*\(HTTP status 404\)\. Check/);
    await rejects(model("lab/tiny", "hf_good", "v9"), /\(revision v9\) .* no such revision/);
    hub.faults.push(["/revision/", { status: 401 }], ["/revision/", { status: 403 }]);
    await rejects(model("lab/hidden", "hf_bad"), hidden);
    await rejects(model("lab/hidden", "hf_bad"), hidden);

    clear(hub);
    await model("lab/tiny", "hf_good");
    const stored = hub.requests.indexOf(`GET /${sha256(weights)}`);
    equal(hub.headers[stored]!.authorization, undefined, "the storage host saw the token");
    equal(hub.headers[0]!.authorization, "Bearer hf_good");
  }, repositories);
});

Deno.test("connect() shows its token to the hub alone, and in no message", async () => {
  await withHub(async (hub, options) => {
    const other = await startHub({});
    const { fetchFor } = await connect({ ...options, token: "hf_good" });
    const fetch = fetchFor({ kind: "model", name: "lab/tiny", revision: "main" });
    const api = "/api/models/lab/tiny/revision/main";
    await (await fetch(hub.endpoint + api)).json();
    equal(hub.headers[0]!.authorization, "Bearer hf_good");
    await rejects(fetch(other.endpoint + api)); // a listing may point anywhere
    equal(other.headers[0]!.authorization, undefined);
    await other.close();

    const isSilent = (error: Error) => !error.message.includes("secret");
    await rejects(resolveModel("lab/tiny", { ...options, token: "hf_secret\nx" }), isSilent);
    const endpoint = "https://me:secret@mirror.example";
    await rejects(resolveModel("lab/tiny", { ...options, endpoint }), isSilent);
  });
});

Deno.test("resolveModel() offline uses the cache, or says what it lacks", async () => {
  await withHub(async (hub, options) => {
    const offline = { ...options, offline: true };
    await rejects(resolveModel("lab/tiny", offline), /HF_HUB_OFFLINE is set, but found no copy/);
    const folder = await resolveModel("lab/tiny", options);
    clear(hub);
    // another tool's copy has no listing
    const forget = () =>
      rm(join(options.cache, "models--lab--tiny", "listings"), { recursive: true });
    await forget();
    equal(await resolveModel("lab/tiny", offline), folder);
    equal(hub.requests.length, 0);
    equal(await resolveModel("lab/tiny", options), folder);
    ok(!hub.requests.some((request) => request.includes("/resolve/")), "its files are used");
    await forget();
    clear(hub);
    await rm(join(folder, "model.safetensors"));
    await rejects(
      resolveModel("lab/tiny", offline),
      /Expected a checkpoint with model.safetensors/,
    );
    equal(hub.requests.length, 0);
  });
  const cache = await mkdtemp(join(tmpdir(), "hub-cache-"));
  await rejects(
    resolveModel("lab/tiny", {
      endpoint: "http://127.0.0.1:9",
      cache,
      retryDelay: 1,
      offline: false,
    }),
    /could not reach it .*Check the network, name a mirror/,
  );
  await rm(cache, { recursive: true });
});

Deno.test({
  name: "resolveModel() explains a full disk and keeps what has arrived",
  ignore: Deno.build.os !== "linux", // /dev/full is a disk without room
  fn: () =>
    withHub(async (_, options) => {
      const folder = join(options.cache, "models--lab--tiny", "blobs");
      await mkdir(folder, { recursive: true });
      const part = join(folder, `${sha256(weights)}.incomplete`);
      await symlink("/dev/full", part);
      await rejects(resolveModel("lab/tiny", options), /The disk is full.*set HF_HOME/);
      await rm(part); // room again
      await resolveModel("lab/tiny", options);
    }),
});

Deno.test("resolveModel() refuses an index whose shards are no names, however deep", async () => {
  const folder = await mkdtemp(join(tmpdir(), "index-"));
  for (const name of ["config.json", "tokenizer.json"]) await writeFile(join(folder, name), "{}");
  for (const inner of [`${"[".repeat(30_000)}${"]".repeat(30_000)}`, "5", "null", '{"a": "b"}']) {
    const json = `{"weight_map": {"a": ${inner}}}`;
    await writeFile(join(folder, "model.safetensors.index.json"), json);
    await rejects(
      resolveModel(folder),
      /Expected JSON whose "weight_map" names files in .* but found something else\. Download/,
    );
  }
  await rm(folder, { recursive: true });
});

Deno.test("resolveModel() fetches the shards that the index names", async () => {
  const index = (names: string[]) =>
    text(JSON.stringify({ weight_map: Object.fromEntries(names.map((n, i) => [`w${i}`, n])) }));
  const { "model.safetensors": _, ...files } = repository().files;
  const [a, b] = ["model-00001-of-00002.safetensors", "model-00002-of-00002.safetensors"] as const;
  const sharded = (names: string[]) => ({
    large: [a, b],
    // both shards have the same content: one blob, two links
    files: { ...files, [a]: shard, [b]: shard, "model.safetensors.index.json": index(names) },
  });
  const repositories = {
    "lab/tiny": sharded([a, b, a]),
    "lab/torn": sharded([a, "model-00003-of-00002.safetensors"]),
    "lab/climbing": sharded(["../../../../etc/passwd"]),
    "lab/pickled": { files },
  };
  await withHub(async (hub, options) => {
    const folder = await resolveModel("lab/tiny", options);
    deepEqual(new Uint8Array(await readFile(join(folder, b))), shard);
    equal(hub.requests.filter((r) => r.includes("/resolve/") && r.includes("-of-")).length, 1);
    await rejects(resolveModel("lab/torn", options), /model-00003-of-00002.*incomplete/);
    await rejects(resolveModel("lab/climbing", options), /etc\/passwd.*incomplete/);
    await rejects(resolveModel("lab/pickled", options), /save_pretrained/);
    // the same rules hold for a local folder
    equal(await resolveModel(folder, options), folder);
    await rm(join(folder, b));
    await rejects(resolveModel(folder, options), /model-00002-of-00002.*incomplete/);
  }, repositories);
});

Deno.test("resolveModel() refuses what is neither a folder nor a name, and names that climb", async () => {
  await withHub(async (hub, options) => {
    await rejects(resolveModel("./no/such/folder", options), /local folder but found/);
    await rejects(resolveModel("../../etc", { ...options }), /local folder but found|config\.json/);
    const file = join(options.cache, "a file");
    await writeFile(file, "");
    await rejects(resolveModel(file, options), /Give the folder it lies in/);
    await rejects(resolveModel(options.cache, options), /Expected a checkpoint with config\.json/);
    await rejects(resolveModel("lab/tiny", { ...options, revision: "../x" }), /relative path/);
    const tiny = hub.repositories["lab/tiny"]!;
    for (const hash of ["../../../evil", "ABC", "0".repeat(39)]) {
      hub.repositories["lab/tiny"] = { ...tiny, hashes: { "config.json": hash } };
      await rejects(resolveModel("lab/tiny", options), /Expected a hash for config\.json of model/);
      await rm(join(options.cache, "models--lab--tiny"), { recursive: true, force: true });
    }
    hub.repositories["lab/tiny"] = { ...tiny, files: { ...tiny.files, "../../evil": text("x") } };
    await rejects(resolveModel("lab/tiny", options), /relative path as file name/);
  });
});

Deno.test("resolveModel() reports bytes that only grow to the total, resumed ones included", async () => {
  await withHub(async (hub, options) => {
    const part = join(options.cache, "models--lab--tiny", "blobs", `${sha256(weights)}.incomplete`);
    await mkdir(join(part, ".."), { recursive: true });
    await writeFile(part, weights);
    await truncate(part, 200_000);
    const seen: DownloadProgress[] = [];
    await resolveModel("lab/tiny", { ...options, onProgress: (p) => seen.push(p) });
    const { files } = hub.repositories["lab/tiny"]!;
    const total = needed.reduce((sum, path) => sum + files[path]!.length, 0);
    ok(seen.every((p, i) => p.total === total && p.bytes >= (seen[i - 1]?.bytes ?? 0)));
    equal(seen.at(-1)!.bytes, total);
  });
});

Deno.test("resolveModel() can be stopped", async () => {
  await withHub(async (hub, options) => {
    const stop = new AbortController();
    for (let i = 0; i < 9; i++) hub.faults.push([`/${sha256(weights)}`, { cutAfter: 10 }]);
    const onProgress = () => stop.abort(new Error("stopped by the reader"));
    await rejects(
      resolveModel("lab/tiny", { ...options, signal: stop.signal, onProgress }),
      /stopped by the reader|abort/i,
    );
  });
});
