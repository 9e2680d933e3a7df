/**
 * Text from outside (a model's answer, a name from the hub, an error's words) as a terminal may show
 * it. Knows characters; does not know where they come from.
 */

/** Control characters but line feed and tab, and those that turn the direction of writing. */
const ACTIVE = /[^\P{Cc}\n\t]|\p{Bidi_Control}/gu;

/**
 * Spells control and direction characters out as JSON does (`\u001b`), so that a text cannot move the
 * cursor, colour, hide, overwrite or reverse what stands on a terminal. A text may be given in pieces;
 * JSON stays the same JSON.
 *
 * @example plainText("\u001b[2J\u202e") // "\\u001b[2J\\u202e"
 */
export function plainText(text: string): string {
  return text.replace(ACTIVE, (one) => "\\u" + one.charCodeAt(0).toString(16).padStart(4, "0"));
}
