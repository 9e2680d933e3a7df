/**
 * Asking an OpenAI-compatible endpoint politely and without fear: a limit on concurrency, retries
 * that honour `Retry-After`, every answer on disk as soon as it arrives, and a key that is read from
 * the environment, sent, and otherwise never seen. It does not know what is asked.
 */
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { setTimeout as sleep } from "node:timers/promises";
import writeFileAtomic from "write-file-atomic";

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
export class Refusal extends Error {
  constructor(readonly status: number, message: string) {
    super(message);
  }
}

const PATH = "/chat/completions";
const LONGEST_WAIT = 10 * 60_000;

/** Milliseconds asked for by `Retry-After`: seconds or a date; 0 where there is none. */
function retryAfter(header: string | null): number {
  if (!header) return 0;
  const seconds = Number(header);
  const wait = Number.isFinite(seconds) ? seconds * 1000 : Date.parse(header) - Date.now();
  return wait > 0 ? wait : 0;
}

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

/** An endpoint with its cache. */
export class Client {
  readonly #endpoint: Required<Endpoint>;
  readonly #key: string;
  /** Nobody asks before this time: one `Retry-After` holds for all. */
  #notBefore = 0;

  constructor(endpoint: Endpoint) {
    const url = new URL(endpoint.baseUrl);
    if (url.username || url.password || url.search) {
      throw new Error(
        `Expected a base URL without credentials but found some in that of ${url.host}: put the ` +
          "key into an environment variable and its name into keyVariable",
      );
    }
    this.#endpoint = {
      keyVariable: "",
      concurrency: 8,
      timeout: 300_000,
      attempts: 8,
      backoff: 1000,
      ...endpoint,
      baseUrl: endpoint.baseUrl.replace(/\/+$/, ""),
    };
    this.#key = endpoint.keyVariable ? (process.env[endpoint.keyVariable] ?? "").trim() : "";
    mkdirSync(this.#endpoint.cache, { recursive: true });
  }

  get concurrency(): number {
    return this.#endpoint.concurrency;
  }

  /** The answer on disk, or undefined. */
  cached(body: ChatBody): unknown {
    const file = this.#file(body);
    if (!existsSync(file)) return undefined;
    try {
      return (JSON.parse(readFileSync(file, "utf8")) as { reply: unknown }).reply;
    } catch {
      throw new Error(`Expected an answer in ${file} but found something else: delete the file`);
    }
  }

  /**
   * Asks until there is an answer, and keeps it on disk.
   *
   * @param flaw says what a reply lacks (null if nothing); such a reply is asked for again, three
   *   times at most, and then kept as it is, since each may have been paid for
   * @throws Refusal, or an Error where all attempts failed; neither holds the key
   */
  async ask(body: ChatBody, flaw: (reply: unknown) => string | null = () => null) {
    const { baseUrl, attempts, backoff } = this.#endpoint;
    let reason = "", flawed = 0;
    for (let attempt = 0; attempt < attempts; attempt++) {
      if (attempt > 0) await this.#wait(backoff * 2 ** (attempt - 1));
      while (Date.now() < this.#notBefore) await this.#wait(this.#notBefore - Date.now());
      try {
        const reply = await this.#send(body);
        // Some gateways say 200 and mean an error: that is no answer and must not be kept as one.
        const choice = (reply as { choices?: unknown[] } | null)?.choices?.[0];
        reason = choice ? flaw(reply) ?? "" : "a reply without choices";
        if (reason !== "" && (!choice || ++flawed < 3)) continue;
        // Synchronously: nothing may come between an answer's arrival and its being on disk.
        const kept = { asked: { baseUrl, path: PATH, body }, reply };
        writeFileAtomic.sync(this.#file(body), JSON.stringify(kept));
        return reply;
      } catch (error) {
        if (error instanceof Refusal) throw error;
        const { message, cause } = error as Error;
        reason = this.#redact(cause instanceof Error ? `${message} (${cause.message})` : message);
      }
    }
    throw new Error(
      `Expected an answer from ${baseUrl}${PATH} but found ${reason} at the last of ${attempts} ` +
        "attempts: run again, what was answered is kept",
    );
  }

  #file(body: ChatBody): string {
    const asked = JSON.stringify([this.#endpoint.baseUrl, PATH, body]);
    return join(this.#endpoint.cache, createHash("sha256").update(asked).digest("hex") + ".json");
  }

  /** One attempt. @throws Refusal where asking again is pointless, an Error where it is not */
  async #send(body: ChatBody): Promise<unknown> {
    const { baseUrl, keyVariable, timeout } = this.#endpoint;
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
    if (response.ok) return JSON.parse(text);
    const { status, headers } = response;
    const wait = retryAfter(headers.get("retry-after"));
    const refuse = (expected: string, found: string) => {
      throw new Refusal(status, `Expected ${baseUrl}${PATH} to ${expected} but found ${found}`);
    };
    if (status === 401 || status === 403) {
      const from = keyVariable || "no variable (keyVariable is not set)";
      // The body is left out: some endpoints quote the key they refuse.
      refuse(`accept the key from ${from}`, `${status}`);
    }
    if (status < 500 && ![408, 409, 425, 429].includes(status)) {
      refuse("answer", `${status}: ${text.slice(0, 300)}`);
    }
    if (wait > LONGEST_WAIT) {
      refuse(
        `answer within ${LONGEST_WAIT / 60_000} minutes`,
        `it asks to wait ${Math.round(wait / 60_000)}: run again later, what was answered is kept`,
      );
    }
    this.#notBefore = Math.max(this.#notBefore, Date.now() + wait);
    throw new Error(`status ${status}`);
  }

  /** Waits up to a quarter longer, so that workers stopped together do not come back together. */
  async #wait(milliseconds: number): Promise<void> {
    await sleep(Math.min(milliseconds * (1 + Math.random() / 4), LONGEST_WAIT));
  }

  /** Takes the key out of whatever came in, before it can reach a file, a log or an error. */
  #redact(text: string): string {
    return this.#key.length >= 4 ? text.replaceAll(this.#key, "[key]") : text;
  }
}
