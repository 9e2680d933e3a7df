/**
 * What an endpoint says when it gives no answer, fit to be quoted, and what that means: a fault of the
 * account, of one text, or one that passes. Knows statuses and words; sends nothing.
 */
import { stripVTControlCharacters } from "node:util";

/**
 * A text from outside as one line fit for a message: at most 300 characters, no user and no query of
 * a URL (they hold secrets), no control or direction characters, which could rewrite a terminal.
 */
export function quotable(text: string): string {
  const line = stripVTControlCharacters(text)
    .replace(/[\p{Cc}\p{Cf}\u2028\u2029]+/gu, " ")
    .replace(/\/\/[^\s/]*@/g, "//")
    .replace(/(\bhttps?:\/\/[^\s?#"'<>]+)[?#][^\s"'<>]*/g, "$1").trim();
  return line.length > 300 ? line.slice(0, 300) + "…" : line;
}

/** An endpoint's words of an error, and the names that it gives it ("insufficient_quota"). */
export interface Said {
  readonly words: string;
  readonly names: string;
}

/** Reads the body of an error: the message of its JSON, or the text as it is. */
export function saidIn(text: string): Said {
  let body: unknown;
  try {
    body = JSON.parse(text);
  } catch {
    return { words: quotable(text), names: "" };
  }
  const { error, message, detail, code, type } = (Array.isArray(body) ? body[0] : body) ?? {};
  const said = error?.message ?? error ?? message ?? detail;
  const raw = error?.metadata?.raw; // a router's: what the maker behind it said
  const words = typeof said === "string" ? said : text;
  return {
    words: quotable(typeof raw === "string" ? `${words}: ${raw}` : words),
    names: [error?.code, error?.type, code, type].filter((one) => typeof one === "string").join(),
  };
}

/** Statuses that concern every question alike: credit, right, address (moved, too) or model. */
const OF_THE_ACCOUNT = [301, 302, 303, 307, 308, 402, 403, 404, 405, 410];
/** Statuses that pass. */
const PASSING = [408, 409, 425, 429];
/** A quota that no waiting restores; OpenAI and others report it with the status of haste, 429. */
const OUT_OF_CREDIT = /insufficient[_ ](quota|credit|balance|funds)|billing|credits? balance/i;
/** No such model, or no such address, with whatever status (LM Studio's is 200). */
const MODEL_GONE =
  /model_not_found|\bmodel\b.{0,80}\b(not found|does not exist|not loaded)|no models? loaded|unexpected endpoint/i;
/** A refusal of one text alone, whatever its status. */
export const OF_ONE_TEXT =
  /context.?(length|window|size)|too (long|large|many tokens)|content.?(filter|policy|management)|flagged|moderation/i;

/** Whose fault an error is: of the key, of account, address or model, of one text, or of the hour. */
export type Fault = "key" | "account" | "text" | "hour";

/** What a status and its words mean. */
export function faultOf(status: number, { words, names }: Said): Fault {
  const ofOneText = status < 500 && OF_ONE_TEXT.test(words);
  if (status === 401 || (status === 403 && !ofOneText)) return "key";
  if (!ofOneText) {
    const all = `${words} ${names}`;
    if (OF_THE_ACCOUNT.includes(status) || MODEL_GONE.test(all)) return "account";
    if (status === 429 && OUT_OF_CREDIT.test(all)) return "account";
  }
  return status >= 500 || PASSING.includes(status) ? "hour" : "text";
}
