import assert from "node:assert/strict";
import { mkdtemp, rm, unlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createDecoder, type Model, readObject } from "@implicit/decoder";
import { spread, tinyModel } from "@implicit/decoder/testing";
import { openDecoder } from "./open.ts";
import { roundTrip } from "./round_trip.ts";
import { tinyTokenizer } from "./testing/tiny.ts";

Deno.test("roundTrip() refuses to export what is kept beside the weights", async () => {
  const model = tinyModel();
  const processors = [() => {}];
  await assert.rejects(
    roundTrip({ model, processors }, [[1]], "nowhere"),
    /whole in its weights, but found .* with a processor beside them/,
  );
});

const prompt = [1, 2, 3];

/** A model that ends its response after three tokens, by a second end of texts, and a tokenizer. */
async function endsTwice(work: (model: Model, folder: string) => Promise<void>): Promise<void> {
  const tiny = spread(tinyModel({ vocab_size: 16 }));
  const decoder = await createDecoder(tiny);
  const [free] = await decoder.generate([prompt], { maxTokens: 12, eosId: null });
  decoder.dispose();
  const end = free!.find((id, i) => i > 2 && id !== 0 && free!.indexOf(id) === i)!;
  assert.ok(end !== undefined, "a token that comes first after three others");
  const folder = await mkdtemp(join(tmpdir(), "round-trip-"));
  await writeFile(join(folder, "tokenizer.json"), tinyTokenizer("abcdefghijklmno"));
  const model = { ...tiny, config: { ...tiny.config, eosIds: [0, end] } };
  await work(model, folder).finally(() => rm(folder, { recursive: true }));
}

Deno.test("roundTrip() lets every reader end where the model does", () =>
  endsTwice(async (model, folder) => {
    const out = join(folder, "out");
    const readings = await roundTrip({ model }, [prompt], out, { tokenizer: folder });
    assert.ok(readings[0]!.of >= 3 && readings[0]!.of < 12, `${readings[0]!.of} tokens`);
    for (const { reader, equal, of, response } of readings) {
      if (equal === null) console.log(`skipped: ${reader}: ${response}`);
      else assert.equal(equal, of, reader);
    }
  }));

Deno.test("openDecoder() ends texts where generation_config.json says, though there is ONNX alone", () =>
  endsTwice(async (model, folder) => {
    const out = join(folder, "out");
    const [{ of } = { of: 0 }] = await roundTrip({ model }, [prompt], out, { tokenizer: folder });
    const config = join(out, "config.json");
    await writeFile(config, JSON.stringify({ ...await readObject(config), eos_token_id: 0 }));
    await unlink(join(out, "model.safetensors"));
    const { decoder } = await openDecoder(out);
    const [response] = await decoder.generate([prompt], { maxTokens: 12 });
    decoder.dispose();
    assert.equal(response!.length, of);
  }));
