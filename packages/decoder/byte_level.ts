/**
 * The letters in which byte-level BPE writes bytes: printable Latin-1 characters stand for
 * themselves, every other byte for a character from U+0100 on (Radford et al. 2019). So "Ġ" is a
 * space and "Ċ" a line feed. It knows nothing of vocabularies.
 */

/**
 * The letter of each of the 256 bytes, in the order of GPT-2's vocabulary.
 *
 * @example byteLetters.get(0x20) // "Ġ"
 */
export const byteLetters: ReadonlyMap<number, string> = makeLetters();

/**
 * A text as byte-level vocabularies spell it, letter by letter of its UTF-8.
 *
 * @example inByteLetters(" naïve") // "ĠnaÃ¯ve"
 */
export function inByteLetters(text: string): string {
  return Array.from(new TextEncoder().encode(text), (byte) => byteLetters.get(byte)!).join("");
}

function makeLetters(): Map<number, string> {
  const letters = new Map<number, string>();
  for (const [from, to] of [[0x21, 0x7e], [0xa1, 0xac], [0xae, 0xff]] as const) {
    for (let byte = from; byte <= to; byte++) letters.set(byte, String.fromCharCode(byte));
  }
  for (let byte = 0, next = 0x100; byte < 0x100; byte++) {
    if (!letters.has(byte)) letters.set(byte, String.fromCharCode(next++));
  }
  return letters;
}
