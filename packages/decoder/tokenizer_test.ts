import { deepEqual, equal, match, rejects, throws } from "node:assert/strict";
import { existsSync } from "node:fs";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createTokenizer, loadTokenizer, type Tokenizer, tokenTexts } from "./tokenizer.ts";

const testdata = new URL("../../../shared/testdata/", import.meta.url);
const ignore = !existsSync(testdata);
if (ignore) console.log("tokenizer_test: ../shared/testdata is absent; real tokenizers skipped");
const read = (path: string) => readFile(new URL(path, testdata), "utf8");

const golden = async () =>
  JSON.parse(await read("tokenizers/golden_encodings.json")).rows as {
    text: string;
    llama2_sp_ids: number[];
    llama2_sp_pieces: string[] | null; // given for the first rows only
    olmo_ids: number[];
    olmo_tokens: string[] | null;
  }[];
const llama2 = async () =>
  createTokenizer(await read("tokenizers/llama2.tokenizer.json"), {
    bos_token: "<s>",
    eos_token: { content: "</s>" },
  });
const olmo = async () =>
  createTokenizer(await read("tokenizers/olmo_dolma_v1_5.tokenizer.json"), {
    eos_token: "<|endoftext|>",
    pad_token: "<|padding|>",
  });

/** A byte-level tokenizer of seven entries, so that a fresh clone tests something too. */
const tiny = JSON.stringify({
  added_tokens: [{ id: 6, content: "<eos>", special: true, normalized: false }],
  normalizer: null,
  pre_tokenizer: { type: "ByteLevel", add_prefix_space: false, use_regex: true },
  post_processor: null,
  decoder: { type: "ByteLevel" },
  model: {
    type: "BPE",
    vocab: { a: 0, b: 1, "Ġ": 2, ab: 3, "Ġab": 4, "Ã": 5 },
    merges: ["a b", "Ġ ab"],
  },
});

Deno.test("createTokenizer() encodes, decodes and names tokens", () => {
  const t = createTokenizer(tiny);
  deepEqual(t.encode("ab ab<eos>"), [3, 4, 6]);
  equal(t.decode([3, 4, 6]), "ab ab");
  equal(t.decode([3, 4, 6], { skipSpecial: false }), "ab ab<eos>");
  equal(t.decode(new Int32Array(0)), "");
  equal(t.decode([3, 4000]), "ab");
  deepEqual([t.vocabSize, t.bosId, t.eosId, t.padId], [7, null, 6, null]);
  deepEqual([t.tokenId("Ġab"), t.tokenId("nothing"), t.token(4), t.token(99)], [
    4,
    undefined,
    "Ġab",
    "",
  ]);
  equal(t.hash.length, 64);
});

/** {@link tiny} with another pre-tokenizer, and entries for what the two bytes of ½ and a 1 become. */
const withDigits = (individual: boolean) => {
  const json = JSON.parse(tiny);
  const { type, ...byteLevel } = json.pre_tokenizer;
  json.pre_tokenizer = {
    type: "Sequence",
    pretokenizers: [{ type: "Digits", individual_digits: individual }, { type, ...byteLevel }],
  };
  const half = ["Â", "½", "Â½", "1", "11", "Ġ1"];
  json.model.vocab = { a: 0, b: 1, "Ġ": 2, ab: 3, "Ġab": 4, "Ã": 5 };
  half.forEach((token, i) => json.model.vocab[token] = 7 + i);
  json.model.merges = ["a b", "Ġ ab", "Â ½", "1 1", "Ġ 1"];
  return JSON.stringify(json);
};

Deno.test("encode() splits at every Unicode numeral, as the reference's Digits does", () => {
  deepEqual(createTokenizer(withDigits(true)).encode("ab 11½"), [3, 2, 10, 10, 9]);
  deepEqual(createTokenizer(withDigits(false)).encode("ab 11½ ab"), [3, 2, 11, 9, 4]);
});

Deno.test("decode() eats no spaces, whatever clean_up_tokenization_spaces says of a BPE", () => {
  const t = createTokenizer(tiny.replace('"Ã":5', '"Ã":5,".":7'), {
    clean_up_tokenization_spaces: true,
  });
  equal(t.decode([3, 2, 7]), "ab .");
});

/** The pieces that the tokens of {@link tiny} make of a text, where each letter is one token. */
const pieces = (pre_tokenizer: unknown, text: string) => {
  const json = JSON.parse(tiny);
  const letters = Object.fromEntries([...`ab.,! ▁`].map((letter, i) => [letter, i]));
  const merges = ["a b", "▁ a", "▁ ▁", ". .", ", !"].map((pair) => pair.split(" "));
  const vocab = { ...letters, ab: 7, "▁a": 8, "▁▁": 9, "..": 10, ",!": 11, "<eos>": 12 };
  json.added_tokens[0].id = 12;
  const t = createTokenizer(
    JSON.stringify({ ...json, pre_tokenizer, model: { type: "BPE", vocab, merges } }),
  );
  return t.encode(text).map((id) => t.token(id));
};

Deno.test("encode() does the pre-tokenizers that the library does otherwise", () => {
  const metaspace = { type: "Metaspace", replacement: "▁", prepend_scheme: "never" };
  deepEqual(pieces(metaspace, "a  a"), ["a", "▁", "▁a"]);
  deepEqual(pieces({ ...metaspace, split: false }, "a  b"), ["a", "▁▁", "b"]);
  deepEqual(pieces({ type: "Metaspace", add_prefix_space: false }, "a"), ["a"]);
  deepEqual(pieces({ type: "Punctuation", behavior: "Isolated" }, "ab..,!"), [
    "ab",
    ".",
    ".",
    ",",
    "!",
  ]);
  deepEqual(pieces({ type: "Punctuation", behavior: "Contiguous" }, "ab..,!"), ["ab", "..", ",!"]);
  deepEqual(pieces({ type: "Whitespace" }, "ab ,!"), ["ab", ",!"]);
  deepEqual(pieces({ type: "WhitespaceSplit" }, "ab ..\u0085ab"), ["ab", "..", "ab"]);
});

Deno.test("createTokenizer() refuses steps whose tokens would differ from the reference's", () => {
  const with_ = (change: (json: ReturnType<typeof JSON.parse>) => void) => {
    const json = JSON.parse(tiny);
    change(json);
    return () => createTokenizer(JSON.stringify(json), {}, "odd.json");
  };
  const split = {
    type: "Split",
    pattern: { String: " " },
    behavior: "MergedWithNext",
    invert: false,
  };
  throws(
    with_((json) => json.pre_tokenizer = split),
    /odd.json but found Split with the behavior M/,
  );
  throws(with_((json) => json.added_tokens[0].single_word = true), /<eos> as a single word alone/);
  throws(
    with_((json) => json.model.continuing_subword_prefix = "##"),
    /continuing_subword_prefix ##/,
  );
});

Deno.test("encode() takes half a character for U+FFFD", () => {
  const t = createTokenizer(tiny.replace('"Ã":5', '"Ã":5,"ï":7,"¿":8,"½":9'));
  deepEqual(t.encode("a\ud83d"), [0, 7, 8, 9]);
  deepEqual(t.encode("a\ufffd"), [0, 7, 8, 9]);
});

Deno.test("loadTokenizer() reads special_tokens_map.json as Hugging Face does", async () => {
  const folder = await mkdtemp(join(tmpdir(), "special-"));
  const write = (name: string, json: unknown) =>
    writeFile(join(folder, name), JSON.stringify(json));
  await writeFile(join(folder, "tokenizer.json"), tiny);
  await write("special_tokens_map.json", { eos_token: { content: "ab" } });
  equal((await loadTokenizer(folder)).eosId, 3);
  await write("tokenizer_config.json", { eos_token: "<eos>" });
  equal((await loadTokenizer(folder)).eosId, 3);
  await write("tokenizer_config.json", { eos_token: "<eos>", added_tokens_decoder: { "6": {} } });
  equal((await loadTokenizer(folder)).eosId, 6);
  await rm(folder, { recursive: true });
});

Deno.test("loadTokenizer() says what is missing or wrong", async () => {
  const folder = await mkdtemp(join(tmpdir(), "tokenizer-"));
  await rejects(loadTokenizer(folder), /Expected a tokenizer at .*tokenizer\.json but found none/);
  await writeFile(join(folder, "tokenizer.json"), "not json");
  await rejects(loadTokenizer(folder), /Expected JSON in .*tokenizer\.json/);
  await writeFile(join(folder, "tokenizer.json"), '{"version": "1.0"}');
  await rejects(loadTokenizer(folder), /found the keys version/);
  await writeFile(join(folder, "tokenizer.json"), tiny);
  equal((await loadTokenizer(folder)).eosId, 6);
  await writeFile(join(folder, "tokenizer_config.json"), '{"eos_token": "<end>"}');
  await rejects(loadTokenizer(folder), /Expected eos_token "<end>"/);
  const found = { "5": "5", true: "true", "[5]": "a list", '{"content": 5}': "an object without" };
  for (const [json, words] of Object.entries(found)) {
    await writeFile(join(folder, "tokenizer_config.json"), `{"eos_token": ${json}}`);
    const message = new RegExp(`eos_token of tokenizer_config.json .*null, but found ${words}`);
    await rejects(loadTokenizer(folder), message);
  }
  await rm(folder, { recursive: true });
  throws(() => createTokenizer(tiny.replaceAll("<eos>", "<stop>")), /end-of-sequence token/);
});

Deno.test({
  name: "encode() gives the reference's ids and tokens for Llama-2 (needs ../shared/testdata)",
  ignore,
  async fn() {
    const t = await llama2();
    deepEqual([t.vocabSize, t.bosId, t.eosId, t.padId], [32000, 1, 2, null]);
    const rows = await golden();
    equal(rows.length, 46);
    for (const { text, llama2_sp_ids, llama2_sp_pieces } of rows) {
      // sentencepiece knows no special tokens in text; tokenizer.json does, and the authors' code
      // relies on it, so the one row that spells a special token differs by design.
      if (text.includes("<s>")) continue;
      deepEqual(t.encode(text, { special: false }), llama2_sp_ids, text);
      deepEqual(t.encode(text), [1, ...llama2_sp_ids], text);
      if (llama2_sp_pieces) deepEqual(llama2_sp_ids.map((id) => t.token(id)), llama2_sp_pieces);
      equal(t.decode(llama2_sp_ids), text);
    }
  },
});

Deno.test({
  name: "encode() gives the reference's ids and tokens for OLMo (needs ../shared/testdata)",
  ignore,
  async fn() {
    const t = await olmo();
    deepEqual([t.vocabSize, t.bosId, t.eosId, t.padId], [50280, null, 50279, 1]);
    for (const { text, olmo_ids, olmo_tokens } of await golden()) {
      deepEqual(t.encode(text), olmo_ids, text);
      if (olmo_tokens) deepEqual(olmo_ids.map((id) => t.token(id)), olmo_tokens);
      equal(t.decode(olmo_ids, { skipSpecial: false }), text.normalize("NFC"));
    }
  },
});

Deno.test({
  name:
    "tokenTexts() joins to the decoding, characters of several tokens included (needs ../shared/testdata)",
  ignore,
  async fn() {
    const tokenizers: Tokenizer[] = [await llama2(), await olmo()];
    for (const { text } of await golden()) {
      for (const t of tokenizers) {
        const ids = t.encode(text);
        const texts = tokenTexts(ids, t);
        equal(texts.length, ids.length);
        equal(texts.join(""), t.decode(ids, { skipSpecial: false }), text);
      }
    }
    const [llama] = tokenizers;
    const emoji = tokenTexts(llama!.encode("a🦙b", { special: false }), llama!);
    match(emoji.join("|"), /^a\|+🦙\|b$/);
  },
});

Deno.test({
  name: "loadTokenizer() reads a checkpoint folder and its golden text (needs ../shared/testdata)",
  ignore,
  async fn() {
    const folder = new URL("models/stories260K/", testdata);
    const t = await loadTokenizer(folder.pathname);
    const { greedy_from_bos, cases } = JSON.parse(await read("models/stories260K/golden.json"));
    deepEqual([t.vocabSize, t.bosId, t.eosId], [512, 1, 2]);
    equal(t.decode(greedy_from_bos.ids), greedy_from_bos.text);
    for (const { text, ids } of cases) deepEqual(t.encode(text), ids, text);
  },
});

Deno.test("createTokenizer() refuses ids that are none, and what the library cannot use", () => {
  const made = (id: unknown, decoder: unknown = null) => () =>
    createTokenizer(JSON.stringify({
      added_tokens: [{ id: 0, content: "</s>", special: true }],
      decoder,
      model: { type: "BPE", vocab: { "</s>": 0, a: id }, merges: [] },
    }));
  for (const id of [1e9, -1, 0.5, "1", null]) throws(made(id), /Expected ids from 0 to/);
  throws(made(1, { type: "Unheard" }), /Expected a tokenizer that can be used in .* found/);
});
