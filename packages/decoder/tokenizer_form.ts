/**
 * What must hold of a tokenizer.json before it is used: the library trusts it, so that an id of a
 * billion makes it fill a billion places. Knows nothing of what tokens mean.
 */
import { Tokenizer as Reference } from "@huggingface/tokenizers";

/** Far more entries than any tokenizer has. */
const MOST = 2 ** 24;

/** @throws where an id is none of a vocabulary. */
export function checkIds(vocab: unknown, added: readonly unknown[], path: string): void {
  const ids: unknown[] = Array.isArray(vocab) ? [] : Object.values(vocab as object);
  for (const token of added) ids.push((token as { id?: unknown } | null)?.id);
  const wrong = ids.findIndex((id) => !(Number.isSafeInteger(id) && +id! >= 0 && +id! < MOST));
  if (wrong < 0) return;
  throw new Error(
    `Expected ids from 0 to ${MOST - 1} in ${path} but found ${JSON.stringify(ids[wrong])}. ` +
      `Save the tokenizer again with Hugging Face tokenizers.`,
  );
}

/** The library's tokenizer, once it has read a text. @throws where it cannot, in its own words. */
export function openReference(json: object, config: object, path: string): Reference {
  try {
    const reference = new Reference(json, config);
    reference.decode(reference.encode("A text, 1 é.").ids);
    return reference;
  } catch (cause) {
    throw new Error(
      `Expected a tokenizer that can be used in ${path} but found: ${(cause as Error).message}. ` +
        `Save it again with Hugging Face tokenizers.`,
      { cause },
    );
  }
}
