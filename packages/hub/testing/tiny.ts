/** A tokenizer of a few characters, and a folder's files as the hub of the tests takes them. */
import { readFile } from "node:fs/promises";
import { join } from "node:path";

/** A tokenizer.json: `</s>` is 0, then each character has an id. */
export function tinyTokenizer(characters: string): string {
  const entries = ["</s>", ...characters].map((text, id) => [text, id]);
  return JSON.stringify({
    added_tokens: [{ id: 0, content: "</s>", special: true, normalized: false }],
    normalizer: null,
    pre_tokenizer: null,
    post_processor: null,
    decoder: { type: "Fuse" },
    model: { type: "BPE", merges: [], vocab: Object.fromEntries(entries) },
  });
}

/** The contents of these files by name. */
export async function filesOf(
  folder: string,
  ...names: string[]
): Promise<Record<string, Uint8Array>> {
  const contents = await Promise.all(names.map((name) => readFile(join(folder, name))));
  return Object.fromEntries(names.map((name, i) => [name, new Uint8Array(contents[i]!)]));
}
