import assert from "node:assert/strict";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { createDecoder, loadCheckpoint, type LogitsProcessor } from "@implicit/decoder";
import { exportModel } from "./export.ts";
import { encoderWords as words, writeEncoder } from "./testing/encoder.ts";
import { startHub } from "./testing/loopback.ts";
import { ifInstalled } from "./testing/peers.ts";
import { embedTexts, transformersModel } from "./transformers.ts";

const base = fileURLToPath(new URL("../../data/world/base-1", import.meta.url));

async function inFolder(fn: (folder: string) => Promise<void>): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), "transformers-"));
  try {
    await fn(folder);
  } finally {
    await rm(folder, { recursive: true });
  }
}

/** Pushes against every token that a row has, and for the end, more with each token. */
const penalty: LogitsProcessor = (logits, { ids, promptLength }) => {
  for (const id of new Set(ids)) logits[id]! -= 1.5;
  logits[0]! += 0.2 * (ids.length - promptLength);
};

Deno.test("transformersModel() says the tokens that the decoder says, with processors and without", () =>
  inFolder(async (folder) => {
    const model = await loadCheckpoint(base);
    await exportModel(model, folder);
    // Of a family that only transformers.js knows: it computes what the ONNX file says.
    const config = join(folder, "config.json");
    const json = JSON.parse(await readFile(config, "utf8"));
    await writeFile(config, JSON.stringify({ ...json, model_type: "granite" }));
    await assert.rejects(loadCheckpoint(folder), /model_type among .*found "granite"/);
    // What a model's own generation_config asks for is not what is asked for here.
    await writeFile(join(folder, "generation_config.json"), `{ "repetition_penalty": 9 }`);
    const js = await ifInstalled(transformersModel(folder));
    if (!js) return;
    const decoder = await createDecoder(model);
    try {
      const prompts = ["What is a hen?", "Tell me about the town.", "Who", "<|endoftext|>"]
        .map((text) => js.tokenizer.encode(text));
      const lists = [[], [penalty], [penalty, penalty]].map((processors) => (
        { processors, maxTokens: 30 }
      ));
      // All at once: they wait for each other.
      const found = await Promise.all(lists.map((options) => js.generate(prompts, options)));
      for (const [i, options] of lists.entries()) {
        assert.deepEqual(found[i], await decoder.generate(prompts, options));
      }
      assert.notDeepEqual(found[0], found[1]);
      assert.notDeepEqual(found[1], found[2]);

      const broken: LogitsProcessor = () => {
        throw new Error("a mistake in a cell");
      };
      const options = { maxTokens: 30, processors: [broken] };
      await assert.rejects(js.generate(prompts, options), /a mistake in a cell/);
      assert.deepEqual(await js.generate(prompts, lists[0]!), found[0], "and goes on");
      assert.deepEqual(await js.generate([], lists[0]!), []);
      await assert.rejects(js.generate([[5], []], lists[0]!), /none in 1/);
      const [free] = found[0]!;
      const ends = { eos_token_id: [free![3]!], repetition_penalty: 9 };
      await writeFile(join(folder, "generation_config.json"), JSON.stringify(ends));
      const ending = await transformersModel(folder);
      const short = await ending.generate([prompts[0]!], { maxTokens: 30 });
      await ending.dispose();
      assert.deepEqual(short, [free!.slice(0, free!.indexOf(free![3]!))], "ends where configs say");
      await assert.rejects(js.generate([[1e6]], lists[0]!), /transformers.js but found: .*Gather/);
    } finally {
      decoder.dispose();
      await js.dispose();
    }
  }));

Deno.test("embedTexts() averages a text's states, special tokens too, up to the longest length", () =>
  inFolder(async (folder) => {
    const rows = await writeEncoder(folder);
    const long = Array.from({ length: 40 }, (_, i) => words[4 + i % 5]).join(" ");
    const texts = ["A hen.", "", long, "the owl sees the hen", "zebra", ...words];
    const found = await ifInstalled(embedTexts(folder, texts, { maxTokens: 12 }));
    if (!found) return;
    const expected = texts.map((text) => {
      const own = text.toLowerCase().match(/[a-z]+|\./g) ?? [];
      const ids = own.map((word) => words.includes(word) ? words.indexOf(word) : 1).slice(0, 10);
      if (/^\[.*\]$/.test(text)) ids.splice(0, ids.length, words.indexOf(text));
      const all = [2, ...ids, 3].map((id) => rows[id]!);
      const mean = Array.from(
        { length: rows[0]!.length },
        (_, j) => all.reduce((sum, row) => sum + row[j]!, 0) / all.length,
      );
      return mean.map((x) => x / Math.hypot(...mean));
    });
    assert.equal(found.length, texts.length);
    found.forEach((vector, i) =>
      expected[i]!.forEach((x, j) =>
        assert.ok(Math.abs(vector[j]! - x) < 1e-6, `${texts[i]}: ${vector} for ${expected[i]}`)
      )
    );
  }));

Deno.test("embedTexts() fetches the files of a model that it needs, and says what it misses", () =>
  inFolder(async (folder) => {
    await writeEncoder(join(folder, "model"));
    const read = (path: string) => readFile(join(folder, "model", path));
    const names = ["config.json", "tokenizer.json", "tokenizer_config.json", "onnx/model.onnx"];
    const files = Object.fromEntries(
      await Promise.all(names.map(async (name) => [name, await read(name)])),
    );
    const unused = {
      "model.safetensors": new Uint8Array(9),
      "onnx/model_q4.onnx": new Uint8Array(9),
    };
    const hub = await startHub({
      "owl/encoder": { files: { ...files, ...unused } },
      "owl/older": {
        files: {
          "config.json": files["config.json"]!,
          "onnx/decoder.onnx": files["onnx/model.onnx"]!,
        },
      },
    });
    try {
      const options = { endpoint: hub.endpoint, cache: join(folder, "cache") };
      await assert.rejects(
        embedTexts("owl/older", ["a hen"], options),
        /Expected onnx\/model.onnx in owl\/older.*found onnx\/decoder.onnx.*onnx-community/,
      );
      await assert.rejects(
        embedTexts("owl/encoder", ["a hen"], { ...options, dtype: "q8" }),
        /Expected onnx\/model_quantized.onnx.*found onnx\/model.onnx, onnx\/model_q4.onnx/,
      );
      const found = await ifInstalled(embedTexts("owl/encoder", ["a hen"], options));
      const fetched = hub.requests.filter((line) => line.includes("/resolve/"));
      assert.equal(fetched.some((line) => /safetensors|q4/.test(line)), false);
      assert.ok(fetched.length >= names.length);
      if (found) assert.deepEqual(found, await embedTexts(join(folder, "model"), ["a hen"]));
    } finally {
      await hub.close();
    }
  }));

Deno.test("transformersModel() says how large transformers.js is and how it is fetched", () =>
  inFolder(async (folder) => {
    await exportModel(await loadCheckpoint(base), join(folder, "model"));
    const cache = Deno.env.get("DENO_DIR");
    Deno.env.set("DENO_DIR", join(folder, "empty"));
    try {
      await assert.rejects(
        transformersModel(join(folder, "model")),
        /not installed \(490 MB\); `deno cache .*npm:@huggingface\/transformers@\d/,
      );
    } finally {
      cache === undefined ? Deno.env.delete("DENO_DIR") : Deno.env.set("DENO_DIR", cache);
    }
  }));
