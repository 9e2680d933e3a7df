import { deepEqual, equal, match, rejects, throws } from "node:assert/strict";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { loadCheckpoint, saveCheckpoint } from "@implicit/decoder";
import { tinyModel } from "@implicit/decoder/testing";
import { loadModel } from "./load.ts";
import { startHub } from "./testing/loopback.ts";
import { filesOf, tinyTokenizer } from "./testing/tiny.ts";

const model = tinyModel({ vocab_size: 8, eos_token_id: 0 });

Deno.test("loadModel() gives the same weights and tokenizer from the hub as from the folder", async () => {
  const folder = await mkdtemp(join(tmpdir(), "load-"));
  const { hash } = model;
  await saveCheckpoint(model, folder);
  await writeFile(join(folder, "tokenizer.json"), tinyTokenizer("abcde"));
  const files = await filesOf(folder, "config.json", "model.safetensors", "tokenizer.json");
  const hub = await startHub({ "lab/tiny": { files, large: ["model.safetensors"] } });
  const cache = join(folder, "cache");
  try {
    const local = await loadModel(folder);
    const remote = await loadModel("lab/tiny", {
      endpoint: hub.endpoint,
      cache,
      token: "",
      offline: false,
    });
    deepEqual([remote.name, remote.model.name, remote.model.hash], ["lab/tiny", "lab/tiny", hash]);
    deepEqual([local.model.hash, local.tokenizer.hash], [hash, remote.tokenizer.hash]);
    deepEqual(remote.tokenizer.encode("ab"), [1, 2]);

    await writeFile(join(folder, "tokenizer.json"), tinyTokenizer("abcdefgh"));
    await rejects(loadModel(folder), /at most 8 entries, the rows of the embedding, .* found 9\./);
    await writeFile(join(folder, "tokenizer.json"), tinyTokenizer("abcdefg"));
    equal((await loadModel(folder)).tokenizer.vocabSize, 8);
  } finally {
    await hub.close();
    await rm(folder, { recursive: true });
  }
});

/** A folder with a model of these options and a tokenizer of five letters, edited. */
async function inFolder(
  options: Record<string, unknown>,
  work: (folder: string, tokenizer: { added_tokens: Record<string, unknown>[] }) => Promise<void>,
): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), "load-"));
  await saveCheckpoint(tinyModel({ vocab_size: 8, eos_token_id: 0, ...options }), folder);
  await work(folder, JSON.parse(tinyTokenizer("abcde")));
  await rm(folder, { recursive: true });
}

Deno.test("loadModel() ends texts where the tokenizer and the config say", () =>
  inFolder({ eos_token_id: 7 }, async (folder, json) => {
    await writeFile(join(folder, "tokenizer.json"), JSON.stringify(json));
    const { model, tokenizer } = await loadModel(folder);
    equal(tokenizer.eosId, 0);
    deepEqual(model.config.eosIds, [0, 7]);
  }));

Deno.test("loadModel() takes a special token without an embedding, but no text that names it", () =>
  inFolder({}, async (folder, json) => {
    const pad = { ...json.added_tokens[0], id: 8, content: "<pad>", special: true };
    json.added_tokens.push(pad);
    await writeFile(join(folder, "tokenizer.json"), JSON.stringify(json));
    const { tokenizer } = await loadModel(folder);
    deepEqual(tokenizer.encode("ab"), [1, 2]);
    throws(() => tokenizer.encode("a<pad>"), /8 tokens .* found "<pad>" \(8\)/);
  }));

Deno.test("loadModel() refuses heads that no answer could be decoded with", () =>
  inFolder({ head_dim: 12 }, async (folder, json) => {
    await writeFile(join(folder, "tokenizer.json"), JSON.stringify(json));
    await rejects(loadModel(folder), /head size .* multiple of 8 but found 12/);
  }));

Deno.test("loadModel() names the file whose config is refused, in a folder and from the hub", async () => {
  const folder = await mkdtemp(join(tmpdir(), "refused-"));
  const path = join(folder, "config.json");
  await writeFile(path, JSON.stringify({ ...model.config.json, model_type: "gpt2" }));
  await writeFile(join(folder, "tokenizer.json"), tinyTokenizer("abcde"));
  await writeFile(join(folder, "model.safetensors"), "");
  const files = await filesOf(folder, "config.json", "model.safetensors", "tokenizer.json");
  const hub = await startHub({ "lab/tiny": { files, large: [] } });
  try {
    const refused = /: Expected a model_type among llama, .* but found "gpt2"/;
    await rejects(loadModel(folder), (error: Error) => {
      match(error.message, refused);
      equal(error.message.slice(0, path.length), path);
      return error.cause instanceof Error;
    });
    const options = { endpoint: hub.endpoint, cache: join(folder, "cache"), token: "" };
    await rejects(loadModel("lab/tiny", { ...options, offline: false }), (error: Error) => {
      match(error.message, refused);
      match(error.message, /models--lab--tiny.*config\.json: /);
      return true;
    });
    await rm(path);
    await rejects(loadModel(folder), /Expected a checkpoint with config\.json in .* but found /);
    await rejects(
      loadCheckpoint(folder),
      /Expected a checkpoint with .*config\.json, but found none/,
    );
  } finally {
    await hub.close();
    await rm(folder, { recursive: true });
  }
});
