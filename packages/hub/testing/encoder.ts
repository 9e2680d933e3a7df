/** A sentence-embedding model small enough to see through, as transformers.js loads one. */
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { encodeModel } from "@implicit/engine";

/** The encoder's vocabulary, in the order of its ids. */
export const encoderWords = [
  "[PAD]",
  "[UNK]",
  "[CLS]",
  "[SEP]",
  "a",
  "hen",
  "owl",
  "sees",
  "the",
  ".",
];
const WIDTH = 3;

/**
 * Writes a sentence encoder in nomic-embed-text's layout into a folder: a WordPiece tokenizer of ten
 * entries, and states that are the rows of its embedding, which are returned.
 */
export async function writeEncoder(folder: string): Promise<number[][]> {
  const rows = encoderWords.map((_, i) =>
    Array.from({ length: WIDTH }, (_, j) => Math.sin(7 * i + j))
  );
  const special = (id: number) => ({
    id: encoderWords[id]!,
    ids: [id],
    tokens: [encoderWords[id]!],
  });
  const vocab = Object.fromEntries(encoderWords.map((word, i) => [word, i]));
  const tokenizer = {
    added_tokens: [0, 1, 2, 3].map((id) => (
      { id, content: encoderWords[id], special: true, normalized: false }
    )),
    normalizer: { type: "BertNormalizer", lowercase: true },
    pre_tokenizer: { type: "BertPreTokenizer" },
    post_processor: {
      type: "TemplateProcessing",
      single: [
        { SpecialToken: { id: "[CLS]", type_id: 0 } },
        { Sequence: { id: "A", type_id: 0 } },
        { SpecialToken: { id: "[SEP]", type_id: 0 } },
      ],
      pair: [],
      special_tokens: { "[CLS]": special(2), "[SEP]": special(3) },
    },
    decoder: { type: "WordPiece", prefix: "##", cleanup: true },
    model: { type: "WordPiece", unk_token: "[UNK]", continuing_subword_prefix: "##", vocab },
  };
  const ids = ["input_ids", "token_type_ids", "attention_mask"].map((name) => (
    { name, dtype: "int64" as const, shape: ["batch", "length"] }
  ));
  const encoder = encodeModel({
    name: "encoder",
    inputs: ids,
    outputs: [{ name: "last_hidden_state", dtype: "float32", shape: ["batch", "length", WIDTH] }],
    initializers: [{
      name: "rows",
      dtype: "float32",
      shape: [encoderWords.length, WIDTH],
      data: Float32Array.from(rows.flat()),
    }],
    nodes: [{ op: "Gather", inputs: ["rows", "input_ids"], outputs: ["last_hidden_state"] }],
  });
  const config = { pad_token: "[PAD]", model_max_length: 8192, tokenizer_class: "BertTokenizer" };
  await mkdir(join(folder, "onnx"), { recursive: true });
  await writeFile(join(folder, "config.json"), `{ "model_type": "nomic_bert" }`);
  await writeFile(join(folder, "tokenizer.json"), JSON.stringify(tokenizer));
  await writeFile(join(folder, "tokenizer_config.json"), JSON.stringify(config));
  await writeFile(join(folder, "onnx", "model.onnx"), encoder);
  return rows;
}
