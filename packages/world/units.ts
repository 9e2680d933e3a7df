/**
 * The sentences and lines of a text: what loops repeat and the judge counts.
 */

/** Cuts a text into lines and sentences; "1." does not end a sentence. */
export function unitsOf(text: string): string[] {
  return text
    .split(/\n|(?<=[a-z][.!?]) /)
    .map((unit) => unit.trim())
    .filter((unit) => unit !== "");
}
