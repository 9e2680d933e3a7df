/**
 * The key of an endpoint: read from the environment, sent, and otherwise never seen. Knows in which
 * forms it may come back.
 */
import process from "node:process";
import { keyHeader } from "./dialect.ts";

export class Key {
  readonly #text: string;

  /**
   * @param variable the environment variable that holds it; "" for none
   * @throws if it cannot be sent; the error does not show it
   */
  constructor(variable: string) {
    this.#text = variable ? (process.env[variable] ?? "").trim() : "";
    if (!/^[ -~]*$/.test(this.#text)) {
      throw new Error(`Expected a key of plain ASCII characters in ${variable} but found others`);
    }
  }

  /** The header for this address. */
  header(url: string): Record<string, string> {
    return keyHeader(url, this.#text);
  }

  /** Takes the key out of whatever came in, as it is or as JSON or a URL writes it. */
  redact(text: string): string {
    if (this.#text.length < 4) return text;
    const json = JSON.stringify(this.#text).slice(1, -1);
    const forms = [this.#text, json, json.replaceAll("/", "\\/"), encodeURIComponent(this.#text)];
    return forms.reduce((rest, form) => rest.replaceAll(form, "[key]"), text);
  }

  /** Takes out of an error's words what of the key some endpoints quote: "sk-ab****yz". */
  unmask(words: string): string {
    const whole = words.replace(/\S*\*{3,}\S*/g, "[key]");
    return this.#text.length < 16 ? whole : whole.replaceAll(this.#text.slice(0, 8), "[key]");
  }
}
