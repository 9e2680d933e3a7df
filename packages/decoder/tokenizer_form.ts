/**
 * What must hold of a tokenizer.json before it is used: the library trusts it, so that an id of a
 * billion makes it fill a billion places. Knows nothing of what tokens mean.
 */

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

/** What `open` makes of the file, tried on a text. @throws where it fails, in a sentence. */
export function usable<T>(path: string, open: () => T): T {
  try {
    return open();
  } catch (cause) {
    const { message } = cause as Error;
    if (/^Expected /.test(message)) throw cause;
    throw new Error(
      `Expected a tokenizer that can be used in ${path} but found: ${message}. ` +
        `Save it again with Hugging Face tokenizers.`,
      { cause },
    );
  }
}
