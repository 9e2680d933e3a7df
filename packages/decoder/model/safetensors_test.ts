import assert from "node:assert/strict";
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { readHeader, readInto, readTensor, tensorInFile, writeSafetensors } from "./safetensors.ts";

async function inFolder(work: (path: string, folder: string) => Promise<void>): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), "safetensors-"));
  await work(join(folder, "x.safetensors"), folder);
  await rm(folder, { recursive: true });
}

/** A file with the given header (bytes, text, or JSON to be) and as many zero bytes after it. */
async function writeRaw(path: string, header: unknown, bytes: number): Promise<void> {
  const text = typeof header === "string" ? header : JSON.stringify(header);
  const json = header instanceof Uint8Array ? header : new TextEncoder().encode(text);
  const file = new Uint8Array(8 + json.length + bytes);
  new DataView(file.buffer).setBigUint64(0, BigInt(json.length), true);
  file.set(json, 8);
  await writeFile(path, file);
}

const tensor = (dtype: string, shape: number[], begin: number, end: number) => ({
  dtype,
  shape,
  data_offsets: [begin, end],
});

const values = Float32Array.of(0, -0, 1, -1.5, 3.140625, 65504, 2 ** -24, 1e-40, -Infinity, NaN);

Deno.test("writeSafetensors() writes what readTensor() reads", () =>
  inFolder(async (path, folder) => {
    const tensors = new Map([
      ["a", { shape: [2, 5], data: values }],
      ["empty", { shape: [0, 3], data: new Float32Array() }],
      ["scalar", { shape: [], data: Float32Array.of(7) }],
    ]);
    await writeSafetensors(path, tensors, { metadata: { made: "here" } });
    const header = await readHeader(path);
    assert.deepEqual(header.metadata, { made: "here" });
    assert.equal(header.tensors.get("a")!.offset % 8, 0);
    for (const [name, { shape, data }] of tensors) {
      assert.deepEqual(header.tensors.get(name)!.shape, shape);
      assert.deepEqual(await readTensor(header, name), data);
    }
    assert.deepEqual(await readdir(folder), ["x.safetensors"]);
  }));

Deno.test("BF16 and F16 round to nearest, ties to even, and come back as float32", () =>
  inFolder(async (path) => {
    const data = Float32Array.of(...values, 1 + 2 ** -8, 1 + 3 * 2 ** -8, 1 + 2 ** -11, 65520);
    for (const dtype of ["BF16", "F16"] as const) {
      await writeSafetensors(path, new Map([["a", { shape: [14], data }]]), { dtype });
      const found = await readTensor(await readHeader(path), "a");
      const expected = dtype === "BF16"
        ? [
          0,
          -0,
          1,
          -1.5,
          3.140625,
          65536,
          2 ** -24,
          Math.fround(1e-40),
          -Infinity,
          NaN,
          1,
          1 + 2 ** -6,
          1,
          65536,
        ]
        : [
          0,
          -0,
          1,
          -1.5,
          3.140625,
          65504,
          2 ** -24,
          0,
          -Infinity,
          NaN,
          1 + 2 ** -8,
          1 + 3 * 2 ** -8,
          1,
          Infinity,
        ];
      // 1e-40 has no exact bfloat16; its nearest is a multiple of 2⁻¹³³.
      if (dtype === "BF16") expected[7] = Math.round(1e-40 / 2 ** -133) * 2 ** -133;
      assert.deepEqual([...found], expected, dtype);
    }
  }));

Deno.test("readHeader() takes a text twice where it is no name twice", () =>
  inFolder(async (path) => {
    const header = { a: tensor("F32", [1], 0, 4), '"a":{': tensor("F32", [1], 4, 8) };
    await writeRaw(path, { __metadata__: { a: "{", dtype: '"a":' }, ...header }, 8);
    assert.deepEqual([...(await readHeader(path)).tensors.keys()], ["a", '"a":{']);
  }));

const refusals: [string, (path: string) => Promise<void>, RegExp][] = [
  ["a file shorter than its prefix", (path) => writeFile(path, "1234"), /at least 8 bytes/],
  ["a header longer than the file", async (path) => {
    const file = new Uint8Array(20);
    file[0] = 200;
    await writeFile(path, file);
  }, /a header of 200 bytes/],
  ["a header longer than the format allows", async (path) => {
    const file = new Uint8Array(20);
    new DataView(file.buffer).setBigUint64(0, 100_000_001n, true);
    await writeFile(path, file);
  }, /a header of 100000000 bytes at most/],
  ["a header that is no JSON", (path) => writeRaw(path, "{]", 0), /a JSON object/],
  [
    "a header that is not UTF-8",
    (path) => writeRaw(path, Uint8Array.from('{"\xe9": 1}', (letter) => letter.charCodeAt(0)), 0),
    /a header in UTF-8/,
  ],
  ["a byte-order mark", (path) => writeRaw(path, "\ufeff{}", 0), /a JSON object/],
  [
    "a tensor's name that stands twice, however it is spelt",
    (path) => {
      const [a, b] = [tensor("F32", [1], 0, 4), tensor("F32", [1], 4, 8)].map((t) =>
        JSON.stringify(t)
      );
      return writeRaw(path, `{"a": ${a}, "\\u0061" : ${b}}`, 8);
    },
    /each name once .* found "a" twice/,
  ],
  [
    "a field that stands twice",
    (path) => writeRaw(path, '{"a": {"dtype": "U8", "shape": [4], "shape": [0]}}', 4),
    /found "shape" twice/,
  ],
  ["metadata that is no text", (path) => writeRaw(path, { __metadata__: { a: 1 } }, 0), /texts as/],
  ["a file that is not there", () => Promise.resolve(), /a file of tensors at .* found none/],
  ["a folder", (path) => mkdir(path), /a file of tensors at .* found something else/],
  ["a header that is no object", (path) => writeRaw(path, "[]", 0), /a JSON object/],
  ["a truncated file", (path) => writeRaw(path, { a: tensor("F32", [2], 0, 8) }, 4), /truncated/],
  [
    "bytes after the last tensor",
    (path) => writeRaw(path, { a: tensor("F32", [2], 0, 8) }, 9),
    /follow the last tensor/,
  ],
  [
    "overlapping tensors",
    (path) => writeRaw(path, { a: tensor("F32", [2], 0, 8), b: tensor("F32", [2], 4, 12) }, 12),
    /overlaps/,
  ],
  [
    "a gap between tensors",
    (path) => writeRaw(path, { a: tensor("F32", [2], 0, 8), b: tensor("F32", [1], 12, 16) }, 16),
    /a gap/,
  ],
  [
    "a shape that does not make up its bytes",
    (path) => writeRaw(path, { a: tensor("F32", [3], 0, 8) }, 8),
    /12 bytes/,
  ],
  [
    "offsets too short for the shape",
    (path) => writeRaw(path, { a: tensor("F32", [2], 0, 4) }, 4),
    /8 bytes .* found 4/,
  ],
  [
    "two tensors in the same bytes",
    (path) => writeRaw(path, { a: tensor("F32", [2], 0, 8), b: tensor("F32", [2], 0, 8) }, 8),
    /overlaps/,
  ],
  [
    "a negative offset",
    (path) => writeRaw(path, { a: tensor("F32", [2], -8, 0) }, 0),
    /data_offsets/,
  ],
  [
    "a shape that is no list of counts",
    (path) => writeRaw(path, { a: tensor("F32", [-2, -1], 0, 8) }, 8),
    /a shape/,
  ],
  [
    "an unknown dtype",
    (path) => writeRaw(path, { a: tensor("F12", [2], 0, 8) }, 8),
    /a dtype among/,
  ],
  [
    "a dtype named like a method",
    (path) => writeRaw(path, { a: tensor("toString", [2], 0, 8) }, 8),
    /a dtype among/,
  ],
];

for (const [what, make, message] of refusals) {
  Deno.test(`readHeader() refuses ${what}`, () =>
    inFolder(async (path) => {
      await make(path);
      await assert.rejects(readHeader(path), message);
    }));
}

Deno.test("readTensor() refuses integers, and readHeader() tolerates them", () =>
  inFolder(async (path) => {
    await writeRaw(path, { a: tensor("I64", [1], 0, 8), b: tensor("BOOL", [3], 8, 11) }, 11);
    const header = await readHeader(path);
    await assert.rejects(readTensor(header, "a"), /Expected F32, F16 or BF16/);
    await assert.rejects(readTensor(header, "c"), /Expected a tensor "c"/);
  }));

Deno.test("writeSafetensors() leaves the old file alone until the new one is whole", () =>
  inFolder(async (path, folder) => {
    await writeSafetensors(path, new Map([["a", { shape: [1], data: Float32Array.of(1) }]]));
    const before = await readFile(path);
    const broken = {
      shape: [1],
      get data(): Float32Array {
        if (this.reads++ > 0) throw new Error("the disk is full");
        return Float32Array.of(2);
      },
      reads: 0,
    };
    await assert.rejects(writeSafetensors(path, new Map([["a", broken]])), /the disk is full/);
    assert.deepEqual(await readFile(path), before);
    assert.deepEqual(await readdir(folder), ["x.safetensors"]);
  }));

for (const dtype of ["F32", "BF16"] as const) {
  Deno.test(`readInto() reads a large ${dtype} tensor in parts, all of it`, () =>
    inFolder(async (path) => {
      const data = Float32Array.from({ length: 600_001 }, (_, i) => i % 251 - 100);
      await writeSafetensors(path, new Map([["large", { shape: [data.length], data }]]), { dtype });
      const { file } = tensorInFile(await readHeader(path), "large");
      const target = new Float32Array(data.length);
      readInto(file!, target);
      assert.ok(target.every((value, i) => value === data[i]));
      assert.throws(() => readInto({ ...file!, offset: file!.offset + 2 }, target), /truncated/);
    }));
}
