/**
 * Asking an OpenAI-compatible endpoint politely and without fear: a limit on concurrency, retries
 * that honour `Retry-After`, every answer on disk as soon as it arrives, and a key that is read from
 * the environment, sent, and otherwise never seen. It does not know what is asked.
 */
import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { setTimeout as sleep } from "node:timers/promises";
import { stripVTControlCharacters } from "node:util";
import { KeptAnswers } from "./answers.ts";
import { lockFolder } from "./lock.ts";

export interface Endpoint {
  /** Up to the version: "https://api.openai.com/v1", "http://localhost:8000/v1". */
  readonly baseUrl: string;
  /** Name of the environment variable that holds the key; unset, no key is sent. */
  readonly keyVariable?: string;
  /** Folder where answers are kept. */
  readonly cache: string;
  /** Requests under way at once; default 8. */
  readonly concurrency?: number;
  /** Milliseconds until an answer counts as lost (and is paid for twice); default 300,000. */
  readonly timeout?: number;
  /** Attempts for each request, the first included; default 8. */
  readonly attempts?: number;
  /** Milliseconds before the second attempt, doubled for each further one; default 1000. */
  readonly backoff?: number;
}

/** The JSON body of a chat request. */
export type ChatBody = Readonly<Record<string, unknown>>;

/** The endpoint refused this question (a status of 4xx that no second attempt mends). */
export class Refusal extends Error {}

/** No further question can succeed, or be kept: key, credit, model or room on the disk are gone. */
export class Stop extends Error {}

const PATH = "/chat/completions";
const LONGEST_WAIT = 10 * 60_000;
/** Bytes that a cache must have room for before the first question; an answer has some thousands. */
const TRIAL = 1 << 18;

/** Milliseconds asked for by `Retry-After`: seconds or a date; 0 where there is none. */
function retryAfter(header: string | null): number {
  if (!header) return 0;
  const seconds = Number(header);
  const wait = Number.isFinite(seconds) ? seconds * 1000 : Date.parse(header) - Date.now();
  return wait > 0 ? wait : 0;
}

/**
 * A text from outside as one line fit for a message: at most 300 characters, no user of a URL, no
 * control or direction characters, which could rewrite a terminal.
 */
export function quotable(text: string): string {
  const line = stripVTControlCharacters(text)
    .replace(/[\p{Cc}\p{Cf}\u2028\u2029]+/gu, " ")
    .replace(/\/\/[^\s/]*@/g, "//").trim();
  return line.length > 300 ? line.slice(0, 300) + "…" : line;
}

/** What an endpoint says of an error: the message of its JSON, or the text as it is. */
function wordsOf(text: string): string {
  try {
    const { error, message, detail } = JSON.parse(text);
    const said = error?.message ?? error ?? message ?? detail;
    return quotable(typeof said === "string" ? said : text);
  } catch {
    return quotable(text);
  }
}

/** Statuses that concern every question alike: key, credit, right, address or model. */
const OF_THE_ACCOUNT = [401, 402, 403, 404, 405, 410];
/** A quota that no waiting restores; OpenAI and others report it with the status of haste, 429. */
const OUT_OF_CREDIT = /insufficient[_ ](quota|credit|balance|funds)|billing|credits? balance/i;
/** A refusal of one text alone, whatever its status. */
export const OF_ONE_TEXT =
  /context.?(length|window|size)|too (long|large|many tokens)|content.?(filter|policy|management)|flagged|moderation/i;

/** Runs `work` on every item, at most `limit` at once; after an error no new one is begun. */
export async function forEachConcurrently<T>(
  items: readonly T[],
  limit: number,
  work: (item: T) => Promise<void>,
): Promise<void> {
  let next = 0;
  const worker = async () => {
    while (next < items.length) {
      await work(items[next++]!).catch((error) => {
        next = items.length;
        throw error;
      });
    }
  };
  const results = await Promise.allSettled(Array.from({ length: limit }, worker));
  const rejected = results.find((result) => result.status === "rejected");
  if (rejected) throw rejected.reason;
}

/**
 * Refuses what is no base URL, and one that holds a secret. What is refused is not quoted.
 *
 * @throws if it cannot be parsed, is not of http, or has a user, a query or a fragment
 */
export function checkBaseUrl(baseUrl: string): void {
  const url = URL.canParse(baseUrl) ? new URL(baseUrl) : null;
  if (!url || !["http:", "https:"].includes(url.protocol)) {
    // What cannot be parsed is not quoted: it may hold a password.
    throw new Error(
      'Expected a base URL such as "https://api.openai.com/v1" but found another text ' +
        `(${baseUrl.length} characters)`,
    );
  }
  if (url.username || url.password || url.search || url.hash) {
    throw new Error(
      `Expected a base URL without credentials but found some in that of ${url.host}: put the ` +
        "key into an environment variable and its name into keyVariable",
    );
  }
}

/** An endpoint with its cache. */
export class Client {
  readonly #endpoint: Required<Endpoint>;
  readonly #key: string;
  readonly #answers: KeptAnswers;
  /** Nobody asks before this time: one `Retry-After` holds for all. */
  #notBefore = 0;

  constructor(endpoint: Endpoint) {
    checkBaseUrl(endpoint.baseUrl);
    this.#endpoint = {
      keyVariable: "",
      concurrency: 8,
      timeout: 300_000,
      attempts: 8,
      backoff: 1000,
      ...endpoint,
      baseUrl: endpoint.baseUrl.replace(/\/+$/, ""),
    };
    this.#answers = new KeptAnswers(endpoint.cache);
    this.#key = endpoint.keyVariable ? (process.env[endpoint.keyVariable] ?? "").trim() : "";
    if (!/^[ -~]*$/.test(this.#key)) {
      throw new Error(
        `Expected a key of plain ASCII characters in ${endpoint.keyVariable} but found others`,
      );
    }
  }

  get concurrency(): number {
    return this.#endpoint.concurrency;
  }

  /**
   * Takes the cache for itself, once nobody else asks for it: two judges would pay twice.
   *
   * @returns a function that gives it back
   * @throws if answers cannot be kept there: that must be known before anything is paid
   */
  async own(): Promise<() => void> {
    const { cache } = this.#endpoint;
    try {
      mkdirSync(cache, { recursive: true });
      const release = await lockFolder(cache);
      const trial = join(cache, ".trial");
      try {
        writeFileSync(trial, "x".repeat(TRIAL));
        rmSync(trial);
      } catch (error) {
        rmSync(trial, { force: true });
        release();
        throw error;
      }
      return release;
    } catch (error) {
      throw new Error(
        `Expected a folder to keep answers in at ${cache} but found: ${
          (error as Error).message
        }. ` +
          "Nothing was asked: make room or name another folder",
      );
    }
  }

  /** The answer on disk, or undefined. */
  cached(body: ChatBody): unknown {
    return this.#answers.get(this.#asked(body));
  }

  /**
   * Asks until there is an answer, and keeps it on disk.
   *
   * @param flaw says what a reply lacks (null if nothing); such a reply is asked for again, three
   *   times at most, and then kept as it is, since each may have been paid for
   * @throws Refusal, Stop, or an Error where all attempts failed; none holds the key
   */
  async ask(body: ChatBody, flaw: (reply: unknown) => string | null = () => null) {
    const { baseUrl, attempts, backoff } = this.#endpoint;
    let reason = "", flawed = 0;
    for (let attempt = 0; attempt < attempts; attempt++) {
      if (attempt > 0) await this.#wait(backoff * 2 ** (attempt - 1));
      while (Date.now() < this.#notBefore) await this.#wait(this.#notBefore - Date.now());
      try {
        const reply = await this.#send(body);
        const choice = (reply as { choices?: unknown[] } | null)?.choices?.[0];
        reason = choice ? flaw(reply) ?? "" : "a reply without choices";
        if (reason !== "" && (!choice || ++flawed < 3)) continue;
        // Synchronously: nothing may come between an answer's arrival and its being on disk.
        this.#keep(body, reply);
        return reply;
      } catch (error) {
        if (error instanceof Refusal || error instanceof Stop) throw error;
        const { message, cause } = error as Error;
        const whole = cause instanceof Error ? `${message} (${cause.message})` : message;
        reason = quotable(this.#redact(whole));
      }
    }
    throw new Error(
      `Expected an answer from ${baseUrl}${PATH} but found ${reason} at the last of ${attempts} ` +
        "attempts",
    );
  }

  /** @throws Stop where it cannot: the next answer would be paid and lost too */
  #keep(body: ChatBody, reply: unknown): void {
    try {
      this.#answers.keep(this.#asked(body), reply);
    } catch (error) {
      throw new Stop(
        `Expected to keep an answer in ${this.#endpoint.cache} but found: ` +
          (error as Error).message,
      );
    }
  }

  #asked(body: ChatBody) {
    return { baseUrl: this.#endpoint.baseUrl, path: PATH, body };
  }

  /** One attempt. @throws Refusal or Stop where asking again is pointless, an Error where it is not */
  async #send(body: ChatBody): Promise<unknown> {
    const { baseUrl, timeout } = this.#endpoint;
    const response = await fetch(baseUrl + PATH, {
      method: "POST",
      headers: {
        "content-type": "application/json",
        ...(this.#key ? { authorization: `Bearer ${this.#key}` } : {}),
      },
      body: JSON.stringify(body),
      signal: AbortSignal.timeout(timeout),
    });
    const text = this.#redact(await response.text());
    if (!response.ok) this.#fail(response.status, text, response.headers.get("retry-after"));
    const reply = JSON.parse(text);
    // Some gateways say 200 and mean an error: that is no answer and must not be kept as one.
    if (reply?.error && !reply.choices?.[0]) {
      const code = Number(reply.error.code);
      this.#fail(code >= 400 && code < 600 ? code : 500, text, null);
    }
    return reply;
  }

  /** @throws what an answer with this status means, in the endpoint's own words */
  #fail(status: number, text: string, retry: string | null): never {
    const { baseUrl, keyVariable } = this.#endpoint;
    const words = this.#unmasked(wordsOf(text)), wait = retryAfter(retry);
    const expected = (what: string) => `Expected ${baseUrl}${PATH} to ${what} but found `;
    const ofOneText = status < 500 && OF_ONE_TEXT.test(words);
    if (status === 401 || (status === 403 && !ofOneText)) {
      const key = keyVariable || "no variable (keyVariable is not set)";
      throw new Stop(`${expected(`accept the key from ${key}`)}${status}: ${words}`);
    }
    const account = OF_THE_ACCOUNT.includes(status) || (status === 429 && OUT_OF_CREDIT.test(text));
    if (account && !ofOneText) throw new Stop(`${expected("answer")}${status}: ${words}`);
    if (status < 500 && ![408, 409, 425, 429].includes(status)) {
      throw new Refusal(`${expected("answer")}${status}: ${words}`);
    }
    if (wait > LONGEST_WAIT) {
      throw new Stop(
        `${expected(`answer within ${LONGEST_WAIT / 60_000} minutes`)}it asks to wait ` +
          `${Math.round(wait / 60_000)}: ${words}`,
      );
    }
    this.#notBefore = Math.max(this.#notBefore, Date.now() + wait);
    throw new Error(`status ${status}: ${words}`);
  }

  /** Waits up to a quarter longer, so that workers stopped together do not come back together. */
  async #wait(milliseconds: number): Promise<void> {
    await sleep(Math.min(milliseconds * (1 + Math.random() / 4), LONGEST_WAIT));
  }

  /** Takes the key out of whatever came in, as it is or as JSON or a URL writes it. */
  #redact(text: string): string {
    if (this.#key.length < 4) return text;
    const json = JSON.stringify(this.#key).slice(1, -1);
    const forms = [this.#key, json, json.replaceAll("/", "\\/"), encodeURIComponent(this.#key)];
    return forms.reduce((rest, form) => rest.replaceAll(form, "[key]"), text);
  }

  /** Takes out of an error's words what of the key some endpoints quote: "sk-ab****yz". */
  #unmasked(words: string): string {
    const whole = words.replace(/\S*\*{3,}\S*/g, "[key]");
    return this.#key.length < 16 ? whole : whole.replaceAll(this.#key.slice(0, 8), "[key]");
  }
}
