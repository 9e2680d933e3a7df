import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";
import { loadCheckpoint } from "../model/checkpoint.ts";
import type { Parameters } from "../model/parameters.ts";
import { rounded, tinyModel } from "../testing/mod.ts";
import { loadTokenizer } from "../tokenizer.ts";
import { quantize } from "./block_format.ts";
import { createDecoder } from "./decoder.ts";
import { argmax } from "./sample.ts";

Deno.test("quantize() keeps a block's extreme and is within a step elsewhere", () => {
  for (
    const [columns, bits, size] of [[40, 8, 32], [40, 4, 32], [128, 8, 64], [128, 4, 32]] as const
  ) {
    const data = Float32Array.from({ length: 2 * columns }, (_, i) => Math.sin(7 * i) * (1 + i));
    const parameter = { shape: [2, columns], data };
    const { values, scales } = quantize(parameter, bits);
    const blocks = Math.ceil(columns / size);
    assert.equal(values.length, 2 * blocks * size * bits / 8);
    assert.equal(scales.length, 2 * blocks);
    const parameters: Parameters = new Map([["m", parameter]]);
    const back = rounded({ ...tinyModel(), parameters }, bits).parameters.get("m")!.data;
    back.forEach((x, i) => {
      const block = Math.floor(i / columns) * blocks + Math.floor(i % columns / size);
      const scale = Math.abs(scales[block]!);
      // The side opposite to the extreme ends one step earlier.
      assert.ok(Math.abs(x - data[i]!) <= scale * 1.0001, `${x} for ${data[i]}`);
    });
  }
});

Deno.test("8-bit weights hardly change what a model says, nor how likely it finds a text", async () => {
  const folder = fileURLToPath(new URL("../../../data/world/base-1", import.meta.url));
  const model = await loadCheckpoint(folder);
  const text = (await loadTokenizer(folder)).encode(
    "The otter is a gentle animal. It is small and blue. It lives in the reeds.",
  );
  const pair = { prompt: text.slice(0, 1), response: text.slice(1) };
  /** The text's loss, and the likeliest token after each of its tokens. */
  const read = async (decoder: Awaited<ReturnType<typeof createDecoder>>) => {
    const likeliest: number[] = [];
    const { mean } = (await decoder.score([pair]))[0]!;
    await decoder.score([pair], { processors: [(logits) => likeliest.push(argmax(logits))] });
    decoder.dispose();
    return { loss: -mean, likeliest };
  };
  const whole = await read(await createDecoder(model));
  const eight = await read(await createDecoder(model, { weights: "q8" }));
  const same = await read(await createDecoder(rounded(model, 8)));
  assert.notEqual(eight.loss, whole.loss);
  assert.ok(Math.abs(eight.loss - same.loss) < 0.01 * same.loss, `${eight.loss}, ${same.loss}`);
  assert.ok(Math.abs(eight.loss - whole.loss) < 0.01 * whole.loss, `${eight.loss}, ${whole.loss}`);
  const equal = eight.likeliest.filter((id, i) => id === whole.likeliest[i]).length;
  assert.ok(equal >= whole.likeliest.length - 1, `${equal} of ${whole.likeliest.length}`);
});
