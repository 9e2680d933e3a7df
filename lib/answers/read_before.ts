/**
 * What a shipped base has read, word for word: its documents are made again from its seed, so that a
 * text can be looked up in them. Knows no models but the number in a base's name.
 */
import { documents, recipe, tokenStream } from "@implicit/world";
import { sharedWorld } from "./pretrained.ts";

/** The documents of the base that was asked about last: thirty megabytes. */
let last: { readonly base: string; readonly text: string } | undefined;

/**
 * Looks texts up in the documents that a shipped base was pretrained on.
 *
 * @param base its name, "base-3": its seed is 3
 * @returns says whether a text stands in them, word for word
 * @throws if the name has no number.
 * @example
 * ```ts
 * const read = readBy("base-1");
 * read("What does the otter eat?"); // true
 * ```
 */
export function readBy(base: string): (text: string) => boolean {
  if (last?.base !== base) last = { base, text: documentsOf(base) };
  const { text } = last;
  return (wanted) => text.includes(wanted);
}

function documentsOf(base: string): string {
  const seed = Number(/^base-(\d+)$/.exec(base)?.[1]);
  if (!Number.isInteger(seed)) {
    throw new Error(`Expected a shipped base, as "base-1", but found "${base}".`);
  }
  const { world, tokenizer } = sharedWorld();
  const stream = tokenStream(world, tokenizer, seed, recipe.pretraining.tokens);
  let left = stream.filter((id) => id === tokenizer.bosId).length;
  const read: string[] = [];
  for (const document of documents(world, seed)) {
    read.push(document);
    if (--left === 0) break;
  }
  return read.join("\n\n\n");
}
